"""Lists of residents: imported from officials' files, kept as keyed hashes only."""

import time
from pathlib import Path
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain, emit_job
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import Granted
from coupon_service.issuance.errors import NotOnListError
from coupon_service.issuance.lists import import_lines
from coupon_service.issuance.lists.discard import discard_list
from coupon_service.issuance.lists.errors import ListInUseError, ListNotReadyError
from coupon_service.issuance.lists.models import (
    Fault,
    ListChunk,
    ListFault,
    ListMember,
    ListState,
    ResidentList,
)
from coupon_service.issuance.lists.queries import on_list
from coupon_service.issuance.lists.upload import IMPORT
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.lists import id_number, id_numbers, imported, known_person, list_file, upload
from tests.factories.residents import fresh_phone
from tests.integration.test_claim import claim_one, refusal
from tests.invariants import assert_invariants


@pytest.fixture
def small(held: Resources) -> SmallSeason:
    with transaction(held.sessions) as session:
        return make_season(session)


def read_list(held: Resources, list_id: UUID) -> ResidentList:
    with transaction(held.sessions) as session:
        return session.get_one(ResidentList, list_id)


def faults(held: Resources, list_id: UUID) -> dict[int, tuple[str, int | None]]:
    with transaction(held.sessions) as session:
        found = session.scalars(select(ListFault).where(ListFault.list_id == list_id))
        return {one.line_no: (one.fault, one.same_as_line) for one in found}


def test_a_file_becomes_members_and_faults_each_under_its_line(
    held: Resources, small: SmallSeason
) -> None:
    first, second = id_numbers(2)
    wrong = first[:17] + ("1" if first[17] != "1" else "2")
    content = list_file(
        [
            f"甲,{first},",
            f"乙,{wrong},",
            "丙,,",
            f"丁,{first.lower()},",
            f"戊,{second},12",
            "己,,12",
            "",
            "庚,,13800138000",
        ],
        header="姓名,身份证号,手机号",
        encoding="gb18030",
    )
    list_id = imported(held, small, content)
    found = read_list(held, list_id)
    assert (found.encoding, found.line_count) == ("gb18030", 7)
    assert (found.member_count, found.fault_count) == (3, 4)
    assert faults(held, list_id) == {
        3: (Fault.CHECK_CHARACTER, None),
        4: (Fault.EMPTY, None),
        5: (Fault.DUPLICATE, 2),
        7: (Fault.PHONE, None),
    }
    assert_invariants(held)


def test_the_file_is_sealed_while_it_waits_and_gone_when_it_is_imported(
    held: Resources, small: SmallSeason
) -> None:
    number = id_number()
    list_id = upload(held, small, list_file([number, *id_numbers(1)]))
    with transaction(held.sessions) as session:
        (sealed,) = session.scalars(select(ListChunk.sealed)).all()
        assert number.encode() not in sealed
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert session.scalars(select(ListChunk)).all() == []
        stored = session.execute(text("SELECT m::text FROM resident_list_members m")).scalars()
        assert all(number not in row for row in stored)
        assert session.execute(
            select(ListMember.person_index).where(
                ListMember.list_id == list_id, ListMember.line_no == 2
            )
        ).scalar_one() == held.vault.index("id_number", number)


def test_twenty_thousand_lines_take_a_few_seconds_and_a_repeat_far_below_names_its_first(
    held: Resources, small: SmallSeason
) -> None:
    people = id_numbers(20_000)
    people[-1] = people[4]
    began = time.monotonic()
    list_id = imported(held, small, list_file(people))
    took_s = time.monotonic() - began
    found = read_list(held, list_id)
    assert found.member_count == len(people) - 1
    assert faults(held, list_id) == {len(people) + 1: (Fault.DUPLICATE, 6)}
    assert took_s < 6
    assert_invariants(held)


def test_an_import_goes_on_where_it_was_across_pieces_of_the_file(
    held: Resources, small: SmallSeason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_lines, "LINES_PER_RUN", 7)
    monkeypatch.setattr("coupon_service.issuance.lists.upload.CHUNK_BYTES", 50)
    monkeypatch.setattr("coupon_service.issuance.lists.chunks.CHUNK_BYTES", 50)
    people = id_numbers(60)
    rows = [f'"注\n记 {n}",{number}' for n, number in enumerate(people)]
    list_id = upload(held, small, list_file(rows, header="备注,身份证号", encoding="gb18030"))
    # A second chain of runs does no harm.
    with transaction(held.sessions) as session:
        emit_job(session, IMPORT, list_id=list_id)
    drain(held.sessions)
    assert read_list(held, list_id).member_count == 60
    with transaction(held.sessions) as session:
        lines = session.scalars(select(ListMember.line_no).order_by(ListMember.line_no)).all()
    assert lines == [2 + 2 * n for n in range(60)]
    assert_invariants(held)


def test_a_piece_that_was_moved_is_not_imported(held: Resources, small: SmallSeason) -> None:
    mine, other = (upload(held, small, list_file([id_number()])) for _ in range(2))
    with transaction(held.sessions) as session:
        stolen = session.execute(
            select(ListChunk.sealed).where(ListChunk.list_id == other)
        ).scalar_one()
        session.get_one(ListChunk, (mine, 0)).sealed = stolen
    drain(held.sessions)
    assert read_list(held, mine).state == ListState.IMPORTING
    assert read_list(held, mine).member_count == 0
    with transaction(held.sessions) as session:
        errors = session.scalars(select(OutboxRow.last_error).where(OutboxRow.done_at.is_(None)))
        assert list(errors) == ["InvalidTag"]
    assert read_list(held, other).state == ListState.READY


def test_a_stalled_import_is_taken_up_again(held: Resources, small: SmallSeason) -> None:
    list_id = upload(held, small, list_file([id_number()]))
    with transaction(held.sessions) as session:
        session.execute(text("DELETE FROM outbox"))
        emit_job(session, "lists.revive")
    drain(held.sessions)
    assert read_list(held, list_id).state == ListState.IMPORTING
    with transaction(held.sessions) as session:
        session.execute(text("UPDATE resident_lists SET touched_at = now() - interval '5 minutes'"))
        emit_job(session, "lists.revive")
    drain(held.sessions)
    assert read_list(held, list_id).state == ListState.READY


def test_who_is_on_a_list_is_told_by_id_number_or_by_phone(
    held: Resources, small: SmallSeason
) -> None:
    by_number, by_phone, absent = id_numbers(3)
    phone = fresh_phone()
    list_id = imported(
        held, small, list_file([f"{by_number},", f",{phone}"], header="id_number,phone")
    )
    with transaction(held.sessions) as session:
        people = [
            known_person(session, held, by_number),
            known_person(session, held, by_phone, phone=phone),
            known_person(session, held, absent),
        ]
        assert on_list(session, list_id, people) == set(people[:2])
        campaign = make_campaign(session, small, eligibility={"list_id": str(list_id)})
        release_id = make_release(session, campaign).id
    for person in people[:2]:
        assert isinstance(claim_one(held, release_id, person), Granted)
    assert refusal(claim_one(held, release_id, people[2])) is NotOnListError
    assert_invariants(held)


def test_a_list_nobody_relies_on_can_be_discarded_and_says_nothing_of_people_any_more(
    held: Resources, small: SmallSeason
) -> None:
    list_id = imported(held, small, list_file([id_number(), "1"]))
    with transaction(held.sessions) as session:
        discard_list(session, list_id, now=db_now(session))
    assert read_list(held, list_id).state == ListState.DISCARDED
    with transaction(held.sessions) as session:
        for table in (ListMember, ListFault, ListChunk):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0
    with pytest.raises(ListNotReadyError), transaction(held.sessions) as session:
        discard_list(session, list_id, now=db_now(session))
    assert_invariants(held)


def test_a_list_that_a_campaign_asks_for_is_not_discarded(
    held: Resources, small: SmallSeason
) -> None:
    list_id = imported(held, small, list_file([id_number()]))
    with transaction(held.sessions) as session:
        make_campaign(session, small, eligibility={"list_id": str(list_id)})
    with pytest.raises(ListInUseError), transaction(held.sessions) as session:
        discard_list(session, list_id, now=db_now(session))
    assert read_list(held, list_id).member_count == 1


def test_the_command_uploads_a_file(
    app: OpenAPI, held: Resources, small: SmallSeason, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from coupon_service.issuance.lists.cli import import_list

    file = tmp_path / "people.csv"
    file.write_bytes(list_file([id_number()]))
    season = ["--season", small.season.code, "--name", "名单"]
    assert CliRunner().invoke(import_list, [str(file), *season]).exit_code == 0
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert session.scalars(select(ResidentList)).one().member_count == 1
    file.write_bytes(b"name\n1\n")
    refused = CliRunner().invoke(import_list, [str(file), *season])
    assert refused.exit_code == 1
    assert "list-header" in refused.output
