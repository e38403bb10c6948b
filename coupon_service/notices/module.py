"""The manifest of notices."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.notices.api import bp
from coupon_service.notices.deliver import deliver
from coupon_service.notices.jobs import (
    deliver_deferred,
    forget_notices,
    forget_resident,
    tell_asked,
    tell_withdrawn,
)
from coupon_service.notices.notify import DELIVER
from coupon_service.notices.ways import init_ways
from coupon_service.residents.add_dependent import ASKED
from coupon_service.residents.erase import ERASED
from coupon_service.residents.withdraw_proxy import WITHDRAWN

MODULE = Module(
    name="notices",
    apis=[bp],
    jobs=[
        # A queue of its own: a slow gateway holds up nothing but other messages.
        Job(DELIVER, "notices", deliver),
        Job("notices.tell_asked", "maintenance", tell_asked, on=ASKED),
        Job("notices.tell_withdrawn", "maintenance", tell_withdrawn, on=WITHDRAWN),
        Job("notices.forget_resident", "maintenance", forget_resident, on=ERASED),
        Job("notices.deliver_deferred", "maintenance", deliver_deferred, every_s=60),
        Job("notices.forget", "maintenance", forget_notices, every_s=86_400),
    ],
    setup=init_ways,
)
