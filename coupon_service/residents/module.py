"""The manifest of this package."""

from datetime import time

from flask import Flask

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.residents.api import bp
from coupon_service.residents.household_api import bp as household
from coupon_service.residents.invariants import INVARIANTS
from coupon_service.residents.jobs import end_guardianships, forget_codes, forget_erased
from coupon_service.residents.own_data_api import bp as own_data
from coupon_service.residents.sender import init_sender
from coupon_service.residents.wechat import init_wechat


def _set_up(app: Flask) -> None:
    init_sender(app)
    init_wechat(app)


MODULE = Module(
    name="residents",
    apis=[bp, household, own_data],
    jobs=[
        Job("residents.forget_codes", "maintenance", forget_codes, every_s=3600),
        Job("residents.forget_erased", "maintenance", forget_erased, daily_at=time(3, 30)),
        Job("residents.end_guardianships", "maintenance", end_guardianships, daily_at=time(0, 5)),
    ],
    invariants=INVARIANTS,
    setup=_set_up,
)
