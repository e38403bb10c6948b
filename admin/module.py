"""The manifest of the office."""

from admin import api, check_api
from admin.cli import enrol
from admin.jobs import record_lapse
from admin.pages import blueprint, cases, overview, releases, session, settlements
from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from fraud.lapse import TOPIC

# Importing the pages' modules is what adds their routes.
_PAGES = (session, overview, cases, releases, settlements)

MODULE = Module(
    name="admin",
    apis=[api.bp, check_api.bp],
    pages=[blueprint.bp],
    jobs=[Job("admin.record_lapse", "maintenance", record_lapse, on=TOPIC)],
    commands=[enrol],
)
