"""The manifest of the office."""

from admin import (
    api,
    check_api,
    counter_api,
    draw_acts,
    flow_api,
    lists_api,
    offline_acts,
    offline_api,
    release_api,
)
from admin.cli import enrol
from admin.jobs import record_lapse
from admin.pages import (
    blueprint,
    carers,
    cases,
    counter,
    draws,
    lists,
    overview,
    paper,
    release_plan,
    release_ways,
    releases,
    session,
    settlements,
)
from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from fraud.lapse import TOPIC
from redemption.offline.alarm import TOPIC as ALARM_RAISED

# Importing the pages' modules is what adds their routes.
_PAGES = (session, overview, cases, releases, settlements, lists, counter, carers, paper, draws)
_RELEASE_PAGES = (release_plan, release_ways)

MODULE = Module(
    name="admin",
    apis=[
        api.bp,
        check_api.bp,
        lists_api.bp,
        counter_api.bp,
        flow_api.bp,
        offline_api.bp,
        release_api.bp,
    ],
    pages=[blueprint.bp],
    jobs=[
        Job("admin.record_lapse", "maintenance", record_lapse, on=TOPIC),
        Job("admin.record_alarm", "maintenance", offline_acts.record_alarm, on=ALARM_RAISED),
        *draw_acts.JOBS,
    ],
    commands=[enrol],
)
