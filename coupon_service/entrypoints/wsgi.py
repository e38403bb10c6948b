"""What a WSGI server imports: `coupon_service.entrypoints.wsgi:app`."""

from coupon_service.core.resources import EXTENSION, Resources
from coupon_service.entrypoints.app import create_app
from coupon_service.entrypoints.body_deadline import BodyDeadline
from merchants.settlement.answer_file import BYTES_MAX as BANK_ANSWER_BYTES_MAX

flask_app = create_app()
_held: Resources = flask_app.extensions[EXTENSION]

app = BodyDeadline(
    flask_app,
    within_s=_held.settings.body_within_s,
    limit_bytes=max(_held.settings.body_limit_bytes, BANK_ANSWER_BYTES_MAX),
)
