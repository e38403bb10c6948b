"""What the bench serves: the product's application, and beside it the least Flask can do.

The bare route is here and not in the product. It shares the server, its workers and threads with
everything else, so that a ratio to it says what the service itself costs.
"""

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from coupon_service.entrypoints.wsgi import app as product
from coupon_service.simulation.bench.routes import BARE_PREFIX

_bare = Flask("bare")


@_bare.get("/")
def say_ok() -> str:
    """The bare route."""
    return "ok"


app = DispatcherMiddleware(product, {BARE_PREFIX: _bare})
