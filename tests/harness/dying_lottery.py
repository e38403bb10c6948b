"""A process that takes a lottery its steps and kills itself in one. Run by the fault tests.

Arguments: release id, the step to die in (`draw`, or `grant` for its second batch), and the moment:
`before_commit` or `after_commit`.
"""

import os
import signal
import sys
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.entrypoints.app import create_app
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lottery.advance import Step, advance, next_step
from coupon_service.issuance.lottery.models import LotteryDraw


def main(release_id: UUID, step: Step, moment: str) -> None:
    with create_app().app_context():
        held = resources()
        while True:
            with transaction(held.sessions) as session:
                draw = session.get_one(LotteryDraw, release_id)
                now = draw.seed_available_at + (draw.seed_available_at - draw.entries_close_at)
                is_the_one = next_step(draw, now) is step and (
                    step is not Step.GRANT or draw.decided_rank > 0
                )
            if is_the_one:
                event.listen(Session, moment, lambda _session: os.kill(os.getpid(), signal.SIGKILL))
            with transaction(held.sessions) as session:
                advance(session, gate(), held.settings, release_id, now=now)


if __name__ == "__main__":
    main(UUID(sys.argv[1]), Step(sys.argv[2]), sys.argv[3])
