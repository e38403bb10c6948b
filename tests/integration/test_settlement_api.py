"""Officials settle their own district's seasons; nobody else's."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.jobs import drain
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from merchants.models import SettlementBatch
from merchants.settlement.cli import settle as settle_command
from tests.factories.campaigns import make_season
from tests.factories.merchants import (
    Bazaar,
    bank_answer,
    batch_file,
    make_bazaar,
    make_payee,
    owe,
    settle_now,
    sign_in_as,
)
from tests.factories.redemption import make_counter
from tests.invariants import assert_invariants

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def bazaar(held: Resources) -> Bazaar:
    """One merchant is owed 30 yuan, another 5 but has no account."""
    with transaction(held.sessions) as session:
        bazaar = make_bazaar(session)
        owe(session, bazaar, make_payee(held, session, bazaar), 3_000)
        owe(session, bazaar, make_counter(session, bazaar.small.district), 500)
        return bazaar


@pytest.fixture
def official(client: FlaskClient, held: Resources, bazaar: Bazaar) -> FlaskClient:
    enter(client, held, Kind.OFFICIAL, bazaar.small.district.id)
    return client


def enter(client: FlaskClient, held: Resources, kind: Kind, district_id: UUID) -> None:
    sign_in_as(client, held, Principal(kind, uuid4(), district_id=district_id))


def instructed(held: Resources, bazaar: Bazaar) -> UUID:
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    return batch.id


def test_an_official_settles_fetches_the_file_and_brings_the_answer(
    official: FlaskClient, held: Resources, bazaar: Bazaar
) -> None:
    with transaction(held.sessions) as session:
        cutoff_at = db_now(session)
    body = {"season_id": str(bazaar.season_id), "cutoff_at": cutoff_at.isoformat()}
    asked = official.post("/api/v1/settlements", json=body)
    assert asked.status_code == 202
    assert asked.json is not None
    assert (asked.json["is_done"], asked.json["settlement_id"]) == (False, None)

    drain(held.sessions)
    run = official.get(asked.headers["Location"]).json
    assert run is not None
    assert run["is_done"]
    address = f"/api/v1/settlements/{run['settlement_id']}"
    shown = official.get(address).json
    assert shown is not None
    assert (shown["state"], shown["line_count"], shown["total_fen"]) == ("instructed", 1, 3_000)
    assert shown["left_out"][0]["items_fen"] == 500
    assert shown["payouts"][0]["account_last4"] == "0012"
    assert "6299990000000000012" not in official.get(address).text
    listed = official.get("/api/v1/settlements").json
    assert listed is not None
    assert [one["settlement_id"] for one in listed["settlements"]] == [run["settlement_id"]]

    file = official.get(f"{address}/payouts.csv")
    assert (file.status_code, file.mimetype) == (200, "text/csv")
    assert b"6299990000000000012" in file.data
    answer = bank_answer(file.data)
    for expected in ({"paid": 1, "repeated": 0}, {"paid": 0, "repeated": 1}):
        taken = official.post(f"{address}/bank-answer", data=answer, headers=CSV)
        assert taken.status_code == 200
        assert taken.json is not None
        assert {key: taken.json[key] for key in expected} == expected
    assert official.get(address).json["state"] == "settled"  # type: ignore[index]
    assert_invariants(held)


def test_a_wrong_answer_is_refused_with_lines_and_without_echo(
    official: FlaskClient, held: Resources, bazaar: Bazaar
) -> None:
    batch_id = instructed(held, bazaar)
    content = bank_answer(batch_file(held, batch_id)).replace(",30.00,", ",31.00,")
    refused = official.post(
        f"/api/v1/settlements/{batch_id}/bank-answer", data=content, headers=CSV
    )
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["slug"] == "bank-answer-invalid"
    assert refused.json["faults"] == [{"line": 2, "fault": "another amount than instructed"}]
    assert "31.00" not in refused.text
    as_json = official.post(f"/api/v1/settlements/{batch_id}/bank-answer", json={"a": 1})
    assert as_json.status_code == 415
    assert_invariants(held)


def test_an_answer_may_be_larger_than_a_form_but_not_without_bound(
    official: FlaskClient, held: Resources, bazaar: Bazaar
) -> None:
    address = f"/api/v1/settlements/{instructed(held, bazaar)}/bank-answer"
    assert official.post(address, data=b"x" * 100_000, headers=CSV).status_code == 400
    assert official.post(address, data=b"x" * 9_000_000, headers=CSV).status_code == 413
    assert_invariants(held)


def test_a_malformed_request_for_settlement_is_refused(
    official: FlaskClient, held: Resources
) -> None:
    season: dict[str, object] = {"season_id": str(uuid4())}
    bodies: list[dict[str, object]] = [
        {},
        {"season_id": "x"},
        season | {"cutoff_at": "2022-08-01T00:00:00"},
        season | {"cutoff_at": "0001-01-01T00:00:00+14:00"},
        season | {"cutoff_at": "9999-12-31T23:59:59-14:00"},
        season | {"cutoff_at": 2**63},
        season | {"amount_fen": 1},
    ]
    for body in bodies:
        assert official.post("/api/v1/settlements", json=body).status_code == 400, body
    with transaction(held.sessions) as session:
        asked = select(func.count()).where(OutboxRow.job == "settlement.run")
        assert session.execute(asked).scalar_one() == 0


def test_a_cutoff_in_the_future_is_refused_before_anything_is_recorded(
    official: FlaskClient, held: Resources, bazaar: Bazaar
) -> None:
    with transaction(held.sessions) as session:
        later = db_now(session) + timedelta(minutes=5)
    body = {"season_id": str(bazaar.season_id), "cutoff_at": later.isoformat()}
    refused = official.post("/api/v1/settlements", json=body)
    assert (refused.status_code, refused.json["slug"]) == (400, "cutoff-in-future")  # type: ignore[index]


def test_another_districts_official_finds_nothing(
    client: FlaskClient, held: Resources, bazaar: Bazaar
) -> None:
    batch_id = instructed(held, bazaar)
    with transaction(held.sessions) as session:
        elsewhere = make_season(session).district.id
    enter(client, held, Kind.OFFICIAL, elsewhere)
    answer = bank_answer(batch_file(held, batch_id))
    base = f"/api/v1/settlements/{batch_id}"
    answers = [
        client.post("/api/v1/settlements", json={"season_id": str(bazaar.season_id)}),
        client.get(base),
        client.get(f"{base}/payouts.csv"),
        client.post(f"{base}/bank-answer", data=answer, headers=CSV),
    ]
    assert [one.status_code for one in answers] == [404] * 4
    assert client.get("/api/v1/settlements").json == {"settlements": [], "next_cursor": None}
    with transaction(held.sessions) as session:
        assert session.get_one(SettlementBatch, batch_id).state == "instructed"
    assert_invariants(held)


@pytest.mark.parametrize("kind", [Kind.AUDITOR, Kind.ADMINISTRATOR])
def test_auditors_and_administrators_read_and_change_nothing(
    client: FlaskClient, held: Resources, bazaar: Bazaar, kind: Kind
) -> None:
    batch_id = instructed(held, bazaar)
    enter(client, held, kind, bazaar.small.district.id)
    base = f"/api/v1/settlements/{batch_id}"
    assert client.get(base).status_code == 200
    assert client.get("/api/v1/settlements").status_code == 200
    file = client.get(f"{base}/payouts.csv")
    assert file.status_code == (200 if kind is Kind.AUDITOR else 401)
    season = {"season_id": str(bazaar.season_id)}
    assert client.post("/api/v1/settlements", json=season).status_code == 401
    assert client.post(f"{base}/bank-answer", data="x", headers=CSV).status_code == 401


def test_settlements_are_listed_a_page_at_a_time_newest_first(
    official: FlaskClient, held: Resources, bazaar: Bazaar
) -> None:
    ids = [str(instructed(held, bazaar))]
    for _ in range(2):
        with transaction(held.sessions) as session:
            owe(session, bazaar, make_payee(held, session, bazaar), 100)
        ids.append(str(instructed(held, bazaar)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=1&cursor={cursor}" if cursor else "?limit=1"
        page = official.get(f"/api/v1/settlements{query}").json
        assert page is not None
        seen += [one["settlement_id"] for one in page["settlements"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]


def test_the_command_settles_writes_the_file_and_imports_the_answer(
    held: Resources, bazaar: Bazaar, tmp_path: Path
) -> None:
    out, answer = tmp_path / "payouts.csv", tmp_path / "answer.csv"
    code = bazaar.small.season.code
    arguments = ["--season", code, "--cutoff", "now", "--out", str(out)]
    made = CliRunner().invoke(settle_command, arguments)
    assert made.exit_code == 0, made.output
    assert "1 transfers, 30 yuan" in made.output
    assert "no-payout-account, 5 yuan" in made.output
    assert out.stat().st_mode & 0o777 == 0o600

    answer.write_text(bank_answer(out.read_bytes()).replace("30.00", "30.01"))
    refused = CliRunner().invoke(settle_command, ["--answer", str(answer)])
    assert refused.exit_code == 1
    assert "line 2: another amount than instructed" in refused.output
    answer.write_text(bank_answer(out.read_bytes()))
    taken = CliRunner().invoke(settle_command, ["--answer", str(answer)])
    assert taken.exit_code == 0, taken.output
    assert "1 paid, 0 rejected, 0 known already, 0 still open" in taken.output
    assert_invariants(held)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--season", "nowhere"],
        ["--season", "nowhere", "--cutoff", "yesterday"],
        ["--answer", "/no/such/file"],
        ["--answer", "/dev/null", "--cutoff", "now"],
        ["--answer", "/dev/null"],
    ],
)
def test_the_command_refuses_what_makes_no_sense(held: Resources, arguments: list[str]) -> None:
    assert CliRunner().invoke(settle_command, arguments).exit_code in (1, 2)


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        ("DELETE FROM settlement_lines", "exactly one live settlement line"),
        ("UPDATE settlement_lines SET amount_fen = amount_fen + 1", "agrees with its payable"),
        ("UPDATE settlement_lines SET voided_at = now()", "lines are void exactly where"),
        ("UPDATE payouts SET amount_fen = amount_fen + 1", "add up to its lines"),
        ("UPDATE payouts SET netted_fen = netted_fen + 1", "adds up to its nettings"),
        ("UPDATE settlement_batches SET total_fen = total_fen + 1", "totals are those of"),
        (
            "UPDATE payouts SET state = 'paid', bank_reference = 'x', answered_at = now()",
            "what banks transferred",
        ),
        (
            "UPDATE payables SET standing = 'paid' WHERE standing = 'in_flight'",
            "a merchant's payables in one standing",
        ),
    ],
)
def test_the_invariants_see_what_was_tampered_with(
    held: Resources, bazaar: Bazaar, damage: str, seen: str
) -> None:
    instructed(held, bazaar)
    assert_invariants(held)
    with transaction(held.sessions) as session:
        session.execute(text(damage))
    with transaction(held.sessions) as session:
        broken = violations(session, held.invariants)
    assert any(seen in violation.invariant for violation in broken)
