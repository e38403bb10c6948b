"""The manifest of this package."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.residents.api import bp
from coupon_service.residents.jobs import forget_codes
from coupon_service.residents.sender import init_sender

MODULE = Module(
    name="residents",
    apis=[bp],
    jobs=[Job("residents.forget_codes", "maintenance", forget_codes, every_s=3600)],
    setup=init_sender,
)
