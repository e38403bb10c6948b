"""The manifest of what a till does besides redeeming."""

from flask import Flask

from coupon_service.core.module import Module
from redemption.till import access, order_pages, practice_pages, refund_pages, shift_pages
from redemption.till.access import clerk_on_duty
from redemption.till.invariants import INVARIANTS

# Importing these pages is what adds their routes to those of the counter.
_ORDER_PAGES = (order_pages, refund_pages)


def _setup(app: Flask) -> None:
    app.add_template_global(clerk_on_duty, "clerk_on_duty")


MODULE = Module(
    name="redemption.till",
    pages=[access.bp, shift_pages.bp, practice_pages.bp],
    invariants=INVARIANTS,
    setup=_setup,
)
