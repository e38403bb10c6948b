"""The manifest of this package."""

from coupon_service.core.module import Module
from redemption.api import bp as api
from redemption.invariants import INVARIANTS
from redemption.pages import bp as pages

MODULE = Module(name="redemption", apis=[api], pages=[pages], invariants=INVARIANTS)
