"""What a WSGI server imports: `coupon_service.entrypoints.wsgi:app`."""

from functools import partial

from coupon_service.core.body_limit import bound_of
from coupon_service.core.resources import EXTENSION, Resources
from coupon_service.entrypoints.app import create_app
from coupon_service.entrypoints.body_deadline import BodyDeadline

flask_app = create_app()
_held: Resources = flask_app.extensions[EXTENSION]

app = BodyDeadline(
    flask_app,
    within_s=_held.settings.body_within_s,
    limit_bytes=_held.settings.body_limit_bytes,
    bound_of=partial(bound_of, flask_app),
)
