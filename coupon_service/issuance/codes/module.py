"""The manifest of claim codes."""

from coupon_service.core.module import Module
from coupon_service.issuance.codes.api import bp
from coupon_service.issuance.codes.invariants import INVARIANTS

MODULE = Module(name="claim_codes", apis=[bp], invariants=INVARIANTS)
