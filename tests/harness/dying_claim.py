"""A process that claims and kills itself at a given moment. Run by the fault tests.

Arguments: `before_commit` or `after_commit`, release id, resident id.
"""

import os
import signal
import sys
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.entrypoints.app import create_app
from coupon_service.issuance.claim import ClaimCommand, claim
from coupon_service.issuance.gate import gate


def main(moment: str, release_id: UUID, resident_id: UUID) -> None:
    with create_app().app_context():
        event.listen(Session, moment, lambda _session: os.kill(os.getpid(), signal.SIGKILL))
        with transaction(resources().sessions) as session:
            claim(session, gate(), [ClaimCommand(release_id, resident_id, Channel.ONLINE)])


if __name__ == "__main__":
    main(sys.argv[1], UUID(sys.argv[2]), UUID(sys.argv[3]))
