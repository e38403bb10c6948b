"""The manifest of merchants and settlement."""

from datetime import time

from coupon_service.core.auth import Kind
from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from merchants import api, interface_pages, pages
from merchants.auth import authenticate_till
from merchants.settlement import api as settlement_api
from merchants.settlement.cli import settle
from merchants.settlement.invariants import INVARIANTS
from merchants.settlement.jobs import RUN, run, settle_daily

MODULE = Module(
    name="merchants",
    apis=[api.bp, settlement_api.bp],
    pages=[pages.bp, interface_pages.bp],
    jobs=[
        Job("settlement.daily", "settlement", settle_daily, daily_at=time(2)),
        Job(RUN, "settlement", run),
    ],
    commands=[settle],
    invariants=INVARIANTS,
    authenticators={Kind.TILL: authenticate_till},
)
