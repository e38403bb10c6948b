"""What a WSGI server imports: `coupon_service.entrypoints.wsgi:app`."""

from coupon_service.entrypoints.app import create_app

app = create_app()
