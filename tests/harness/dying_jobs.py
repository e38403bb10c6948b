"""A process that runs the recorded jobs and kills itself in the middle. Run by the fault tests.

Its runs are small. Arguments: how many jobs end well, then `before_commit` or `after_commit` of
the next.
"""

import itertools
import os
import signal
import sys

from sqlalchemy import event
from sqlalchemy.orm import Session

from coupon_service.core.jobs import drain
from coupon_service.core.resources import resources
from coupon_service.entrypoints.app import create_app
from coupon_service.issuance.lists import grant_next, import_lines

LINES_PER_RUN = 50
PEOPLE_PER_RUN = 24


def main(jobs_first: int, moment: str) -> None:
    import_lines.LINES_PER_RUN = LINES_PER_RUN
    grant_next.BATCH, grant_next.BATCHES_PER_RUN = PEOPLE_PER_RUN // 3, 3
    with create_app().app_context():
        seen = itertools.count()

        def die(session: Session) -> None:
            # A job's own transaction writes; the look for what is recorded does not.
            if session.info.get("wrote") and next(seen) == jobs_first:
                os.kill(os.getpid(), signal.SIGKILL)

        def note(session: Session, *_: object) -> None:
            session.info["wrote"] = True

        event.listen(Session, "before_flush", note)
        event.listen(Session, moment, die)
        drain(resources().sessions)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
