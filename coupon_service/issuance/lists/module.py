"""The manifest of lists of residents."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.issuance.lists import jobs
from coupon_service.issuance.lists.cli import import_list
from coupon_service.issuance.lists.invariants import INVARIANTS
from coupon_service.issuance.lists.start_grant import GRANT
from coupon_service.issuance.lists.upload import IMPORT
from coupon_service.residents.establish import VERIFIED

MODULE = Module(
    name="lists",
    jobs=[
        Job(IMPORT, "maintenance", jobs.import_next),
        Job(GRANT, "maintenance", jobs.grant_next),
        Job("lists.grant_verified", "maintenance", jobs.grant_to_verified, on=VERIFIED),
        Job("lists.revive", "maintenance", jobs.revive, every_s=10),
        Job("lists.look_for_arrived", "maintenance", jobs.look_for_arrived, every_s=600),
    ],
    commands=[import_list],
    invariants=INVARIANTS,
)
