"""The manifest of this package."""

from coupon_service.core.auth import Kind
from coupon_service.core.module import Module
from redemption.ar.api import bp
from redemption.ar.authenticate import authenticate_provider
from redemption.ar.cli import ar_keys
from redemption.ar.invariants import INVARIANTS

MODULE = Module(
    name="ar",
    apis=[bp],
    commands=[ar_keys],
    invariants=INVARIANTS,
    authenticators={Kind.AR_PROVIDER: authenticate_provider},
)
