"""The official's numbers against the ledger, over a season made through the real use cases."""

import csv
import io
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import event
from sqlalchemy.orm import Session

from admin.figures import shown_boards, shown_days, shown_flow
from admin.queries import freeze, season_of
from admin.totals import SeasonTotals, season_totals
from coupon_service.campaigns.fund import allocate, give_back_unused
from coupon_service.campaigns.models import BudgetNode, NodeLevel
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.queries import season_totals_fen
from coupon_service.vouchers.lifecycle import void
from fraud.decide import confirm
from fraud.models import Case
from merchants.payout_account import BankAccount, set_payout_account
from merchants.settlement.answer import import_answer
from merchants.settlement.queries import payouts_of
from merchants.settlement.settle import settle
from redemption.reverse import reverse
from tests.factories.campaigns import SmallSeason, make_campaign, make_release
from tests.factories.fraud import Scene, bought, claimed, make_scene, planted_pattern
from tests.factories.officials import make_official, signed_in_as
from tests.invariants import assert_invariants

SECOND_BOARD_FEN = 30_000_000


def second_board(session: Session, small: SmallSeason) -> list[BudgetNode]:
    """Take money back up from the first board and give it to another one."""
    for node in (small.event, small.series, small.board):
        give_back_unused(session, node.id, SECOND_BOARD_FEN)
    nodes: list[BudgetNode] = []
    for level in (NodeLevel.BOARD, NodeLevel.SERIES, NodeLevel.EVENT):
        node = BudgetNode(
            id=new_id(),
            season_id=small.season.id,
            parent_id=nodes[-1].id if nodes else None,
            level=level,
            code=f"second-{level}",
            name=f"第二{level}",
            position=1,
        )
        session.add(node)
        session.flush()
        nodes.append(node)
    for node, amount_fen in zip(nodes, (SECOND_BOARD_FEN, 20_000_000, 20_000_000), strict=True):
        allocate(session, node, amount_fen)
    return nodes


def pay_what_is_owed(held: Resources, scene: Scene, *, until: datetime) -> None:
    """Settle up to that moment, and let the bank answer that all is paid."""
    account = BankAccount(holder="测试小馆", bank="北京银行", number="6222000011112222")
    with transaction(held.sessions) as session:
        now = db_now(session)
        set_payout_account(session, held.vault, scene.shop.merchant.id, account, now=now)
        batch = settle(
            session, held.vault, season_id=scene.small.season.id, cutoff_at=until, now=until
        )
        assert batch is not None
        (payout,) = payouts_of(session, batch.id)
        answer = (
            "batch_id,position,merchant,amount_yuan,result,bank_reference\n"
            f"{batch.id},1,{payout.merchant.code},{payout.amount_fen / 100:.2f},paid,REF1\n"
        )
        import_answer(session, batch.id, answer.encode(), now=until)


def totals_of(held: Resources, scene: Scene) -> SeasonTotals:
    with transaction(held.sessions) as session:
        freeze(session)
        now = db_now(session)
        season = season_of(session, scene.small.district.id, None, now)
        return season_totals(session, season, now)


@pytest.fixture
def scene(held: Resources) -> Scene:
    return make_scene(held, quantity=500)


@pytest.fixture
def second_release(held: Resources, scene: Scene) -> UUID:
    with transaction(held.sessions) as session:
        _, _, node = second_board(session, scene.small)
        campaign = make_campaign(
            session,
            scene.small,
            node_id=node.id,
            face_fen=3_000,
            rate_bp=2_000,
            threshold_fen=0,
            name="八折券",
        )
        return make_release(session, campaign, quantity=200).id


def test_boards_add_up_to_the_season_and_the_season_to_the_ledger(
    held: Resources, scene: Scene, second_release: UUID
) -> None:
    redeemed = [bought(held, scene, at=timedelta(minutes=20 * n)) for n in range(1, 13)]
    percent = [
        bought(
            held,
            scene,
            order_fen=10_001,
            release_id=second_release,
            at=timedelta(minutes=20 * n),
        )
        for n in range(1, 4)
    ]
    reversed_, paid_then_reversed = redeemed[0], redeemed[1]
    with transaction(held.sessions) as session:
        claimed(session, scene.release.id)
        void(session, claimed(session, scene.release.id))
        reverse(session, scene.shop.till.id, reversed_.order_no, now=reversed_.redeemed_at)
    pay_what_is_owed(held, scene, until=redeemed[2].redeemed_at + timedelta(seconds=1))
    with transaction(held.sessions) as session:
        reverse(
            session,
            scene.shop.till.id,
            paid_then_reversed.order_no,
            now=paid_then_reversed.redeemed_at,
        )
    drain(held.sessions)

    totals = totals_of(held, scene)
    with transaction(held.sessions) as session:
        ledger = season_totals_fen(session, scene.small.season.id)
    whole = totals.tally
    assert totals.appropriated_fen == -ledger[AccountKind.APPROPRIATION] == 100_000_000
    assert totals.treasury_fen == ledger[AccountKind.TREASURY] == 0
    assert totals.owed_back_fen == ledger[AccountKind.MERCHANT_DEBIT] == 2_000
    assert whole.left_fen == ledger[AccountKind.BUDGET]
    assert whole.reserved_fen == ledger[AccountKind.RESERVED]
    assert whole.paid_fen == ledger[AccountKind.PAID] == 2_000 * 4
    assert whole.payable_fen == ledger[AccountKind.PAYABLE]
    assert whole.spent_fen == whole.redeemed_fen == 10 * 2_000 + 3 * 2_000
    assert whole.allocated_fen == sum(board.tally.allocated_fen for board in totals.boards)
    assert whole.allocated_fen == (
        whole.left_fen + whole.reserved_fen + whole.spent_fen + totals.owed_back_fen
    )

    first, second = totals.boards
    assert (first.tally.allocated_fen, second.tally.allocated_fen) == (70_000_000, 30_000_000)
    assert (first.tally.redeemed_count, second.tally.redeemed_count) == (10, len(percent))
    for name in ("left_fen", "reserved_fen", "spent_fen", "issued_count", "redeemed_fen"):
        assert getattr(whole, name) == sum(getattr(b.tally, name) for b in totals.boards)
        for board in totals.boards:
            (series,) = board.children
            (leaf,) = series.children
            own = 10_000_000 if (board is second and name == "left_fen") else 0
            assert getattr(board.tally, name) == getattr(series.tally, name) + own
            assert getattr(series.tally, name) == getattr(leaf.tally, name)
    assert whole.released_count == 700
    assert whole.issued_count == 12 + 3 + 1  # the void one is out
    assert whole.issued_fen == 13 * 2_000 + 3 * 3_000
    assert whole.rate_by_count_bp == 13 * 10_000 // 16
    assert whole.rate_by_value_bp == (26_000 * 20_000 + 35_000) // 70_000
    assert whole.turnover_fen == 10 * 6_800 + 3 * 10_001
    assert whole.leverage_bp == (98_003 * 20_000 + 26_000) // 52_000
    assert sum(day.redeemed_fen for day in totals.days) == whole.redeemed_fen
    assert sum(day.issued_count for day in totals.days) == whole.issued_count
    assert sum(totals.flow.values()) == whole.redeemed_count
    assert_invariants(held)


def test_confirmed_fraud_is_spend_but_no_leverage(held: Resources, scene: Scene) -> None:
    bought(held, scene, order_fen=9_000, at=timedelta(minutes=30))
    planted = planted_pattern(held, scene)
    drain(held.sessions)
    before = totals_of(held, scene).tally
    with transaction(held.sessions) as session:
        (case,) = session.query(Case).all()
        confirm(session, case.id, official_id=uuid4(), reason="虚构交易", now=db_now(session))
    after = totals_of(held, scene).tally
    assert (after.spent_fen, after.held_fen) == (before.spent_fen, 2_000 * len(planted))
    assert (after.fraud_count, after.fraud_fen) == (len(planted), 2_000 * len(planted))
    assert before.leverage_bp == (9_000 + 5_000 * len(planted)) * 10_000 // (2_000 * 9)
    assert after.leverage_bp == 45_000
    assert_invariants(held)


def test_a_day_is_a_day_in_beijing(held: Resources, scene: Scene) -> None:
    redemption = bought(held, scene, at=timedelta(hours=1))
    totals = totals_of(held, scene)
    (day,) = [day for day in totals.days if day.redeemed_count]
    assert day.day == local_date(redemption.redeemed_at)


def test_an_empty_season_has_no_rate_instead_of_a_zero(held: Resources, scene: Scene) -> None:
    tally = totals_of(held, scene).tally
    assert (tally.rate_by_count_bp, tally.rate_by_value_bp, tally.leverage_bp) == (None, None, None)
    assert tally.reserved_fen == 500 * 2_000


def test_small_cells_are_hidden_below_the_boards(
    held: Resources, scene: Scene, second_release: UUID
) -> None:
    for n in range(1, 13):
        bought(held, scene, at=timedelta(minutes=20 * n))
    for n in range(1, 4):
        bought(
            held,
            scene,
            release_id=second_release,
            order_fen=9_900,
            at=timedelta(minutes=20 * n),
        )
    totals = totals_of(held, scene)
    first, second = shown_boards(totals)
    assert (first.redeemed_count, second.redeemed_count) == (12, 3)
    assert first.children[0].redeemed_count == 12
    hidden = second.children[0]
    assert (hidden.issued_count, hidden.redeemed_count) == (None, None)
    assert (hidden.rate_by_count_bp, hidden.rate_by_value_bp) == (None, None)
    assert hidden.children[0].redeemed_count is None
    assert hidden.tally.spent_fen == 3 * 1_980  # the money of the tree is public accounting
    assert shown_flow(totals)[0].count == 15
    assert sum(day.redeemed_count or 0 for day in shown_days(totals)) <= 15


def test_the_number_of_statements_does_not_grow_with_the_season(
    held: Resources, scene: Scene, second_release: UUID
) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(held.engine, "before_cursor_execute", note)
        try:
            totals_of(held, scene)
        finally:
            event.remove(held.engine, "before_cursor_execute", note)
        return len(seen)

    few = statements()
    for n in range(1, 6):
        bought(held, scene, at=timedelta(minutes=20 * n))
    assert statements() == few <= 12


def test_the_api_tells_the_same_numbers(app: OpenAPI, held: Resources, scene: Scene) -> None:
    for n in range(1, 4):
        bought(held, scene, at=timedelta(minutes=20 * n))
    client = signed_in_as(app, make_official(held, scene.small.district.id))
    body = client.get("/api/v1/office/totals").json
    tally = totals_of(held, scene).tally
    assert body["redeemed_count"] == 3
    assert body["money"]["spent_fen"] == body["redeemed_fen"] == tally.spent_fen == 6_000
    assert body["appropriated_fen"] == 100_000_000
    assert body["suppressed_below"] == 10
    levels = [node["level"] for node in body["nodes"]]
    assert levels == ["board", "series", "event"]
    assert body["nodes"][0]["use"]["redeemed_count"] == 3
    assert body["nodes"][2]["use"]["redeemed_count"] is None
    assert body["days"][-1]["redeemed_count"] is None
    asked = client.get(f"/api/v1/office/totals?season_id={scene.small.season.id}")
    assert asked.json["redeemed_fen"] == 6_000


def test_another_districts_season_does_not_exist(
    app: OpenAPI, held: Resources, scene: Scene
) -> None:
    elsewhere = make_scene(held)
    client = signed_in_as(app, make_official(held, scene.small.district.id))
    answer = client.get(f"/api/v1/office/totals?season_id={elsewhere.small.season.id}")
    assert (answer.status_code, answer.json["slug"]) == (404, "season-not-found")
    seasons = client.get("/api/v1/office/seasons").json["seasons"]
    assert [season["season_id"] for season in seasons] == [str(scene.small.season.id)]


def test_the_export_opens_safely_in_a_spreadsheet_and_names_the_officer(
    app: OpenAPI, held: Resources, scene: Scene
) -> None:
    with transaction(held.sessions) as session:
        node = session.get_one(BudgetNode, scene.small.event.id)
        node.name = '=HYPERLINK("http://example.invalid")'
    bought(held, scene, at=timedelta(minutes=20))
    official = make_official(held, scene.small.district.id, name="@张三")
    client = signed_in_as(app, official)
    answer = client.get("/admin/totals.csv")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.data.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
    assert any("张三" in cell and official.username in cell for cell in cells)
    assert "1000000.00" in cells
    entries = client.get("/api/v1/office/audit").json["entries"]
    assert entries[0]["action"] == "totals.export"
