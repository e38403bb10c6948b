"""A real PostgreSQL and a real Valkey from Python wheels, started and ended by this project.

A leaf: it imports nothing from the rest of the service.
"""

from coupon_service.embedded.errors import EmbeddedServerError
from coupon_service.embedded.postgres import EmbeddedPostgres, start_postgres
from coupon_service.embedded.valkey import EmbeddedValkey, start_valkey

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "EmbeddedValkey",
    "start_postgres",
    "start_valkey",
]
