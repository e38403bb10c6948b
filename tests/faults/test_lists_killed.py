"""The worker dies in the middle of an import or of a grant; the next one goes on from there."""

import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lists.models import Grant, ListMember, ListState, ResidentList
from coupon_service.issuance.reconcile import reconcile
from coupon_service.notices.models import Notice
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import make_season
from tests.factories.lists import (
    granting,
    id_numbers,
    imported,
    known_people,
    list_file,
    release_to_grant,
    upload,
)
from tests.harness.dying_jobs import LINES_PER_RUN, PEOPLE_PER_RUN
from tests.harness.web import environment
from tests.invariants import assert_invariants


def die_working(settings: Settings, jobs_first: int, moment: str) -> None:
    command = [sys.executable, "-m", "tests.harness.dying_jobs", str(jobs_first), moment]
    ended = subprocess.run(command, env=os.environ | environment(settings), check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("moment", "runs_kept"), [("before_commit", 1), ("after_commit", 2)])
def test_an_import_killed_in_the_middle_goes_on_and_takes_no_line_twice(
    settings: Settings, held: Resources, moment: str, runs_kept: int
) -> None:
    lines = 2 * LINES_PER_RUN + 20
    with transaction(held.sessions) as session:
        small = make_season(session)
    list_id = upload(held, small, list_file(id_numbers(lines)))
    die_working(settings, 1, moment)
    with transaction(held.sessions) as session:
        found = session.get_one(ResidentList, list_id)
        assert found.state == ListState.IMPORTING
        # The first line is the header.
        assert found.member_count == runs_kept * LINES_PER_RUN - 1
    assert_invariants(held)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        found = session.get_one(ResidentList, list_id)
        assert (found.state, found.member_count, found.fault_count) == (ListState.READY, lines, 0)
        members = select(func.count(), func.count(ListMember.line_no.distinct()))
        assert session.execute(members.select_from(ListMember)).one() == (lines, lines)
    assert_invariants(held)


@pytest.mark.parametrize(("moment", "runs_kept"), [("before_commit", 1), ("after_commit", 2)])
def test_a_grant_killed_in_the_middle_goes_on_and_gives_nothing_twice(
    settings: Settings, held: Resources, moment: str, runs_kept: int
) -> None:
    people = 2 * PEOPLE_PER_RUN + 10
    numbers = id_numbers(people)
    with transaction(held.sessions) as session:
        small = make_season(session)
        known_people(session, held, numbers)
        release_id = release_to_grant(session, small, quantity=people).id
    granting(held, release_id, imported(held, small, list_file(numbers)))
    die_working(settings, 1, moment)
    with transaction(held.sessions) as session:
        assert session.get_one(Grant, release_id).granted == runs_kept * PEOPLE_PER_RUN
    assert_invariants(held)
    # The seats that died with the process are the last ones; two passes bring them back.
    for _ in range(2):
        with transaction(held.sessions) as session:
            reconcile(session, gate())
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert session.get_one(Grant, release_id).granted == people
        holders = func.count(Voucher.resident_id.distinct())
        taken = select(func.count(), holders).where(Voucher.release_id == release_id)
        assert session.execute(taken).one() == (people, people)
        assert session.execute(select(func.count()).select_from(Notice)).scalar_one() == people
    assert_invariants(held)
