"""Practice: the answers of the counter, and not a row changed."""

from flask.testing import FlaskClient
from sqlalchemy import text

from coupon_service.core.db import Base, transaction
from coupon_service.core.resources import Resources
from redemption.till.practice import PracticeCode
from tests.factories.redemption import market_with_voucher
from tests.factories.tills import sign_in_till


def everything(held: Resources) -> dict[str, str]:
    """A digest of every table, row by row."""
    with transaction(held.sessions) as session:
        return {
            table: session.execute(
                text(
                    f"SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {table} t"
                )
            ).scalar_one()
            for table in Base.metadata.tables
        }


def test_practising_changes_nothing_anywhere_and_tells_real_codes_from_its_own(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    sign_in_till(client, market.counter)
    page = client.get("/till/practice").text
    assert "练习模式" in page
    assert page.count("data-practice-code") == len(PracticeCode)
    before = everything(held)
    for amount, scanned, status, words in (
        ("80", [PracticeCode.GOOD], 200, "核销成功"),
        ("80", ["", PracticeCode.GOOD], 200, "核销成功"),
        ("49.99", [PracticeCode.GOOD], 409, "满 50 元可用"),
        ("80", [PracticeCode.USED], 409, "已经使用过"),
        ("80", [PracticeCode.EXPIRED], 409, "已过有效期"),
        ("80", [code.typed_code], 400, "没有认出"),
        ("80", [code.token], 400, "没有认出"),
        ("八十", [PracticeCode.GOOD], 400, "请填写订单金额"),
    ):
        answer = client.post("/till/practice", data={"amount": amount, "code": scanned})
        assert (answer.status_code, words in answer.text) == (status, True), scanned
    for scanned, order_fen, status, expected in (
        (PracticeCode.GOOD, 80_00, 200, {"customer_pays_fen": 60_00, "discount_fen": 20_00}),
        (PracticeCode.GOOD, 49_99, 409, {"slug": "below-threshold", "threshold_fen": 50_00}),
        (code.token, 80_00, 400, {"slug": "code-not-recognised"}),
        (PracticeCode.GOOD, 0, 400, {"slug": "invalid-request"}),
    ):
        body = {"code": scanned, "order_fen": order_fen}
        answer = client.post("/till/practice/redemptions", json=body)
        assert answer.status_code == status
        assert answer.json is not None
        assert expected.items() <= answer.json.items()
    # And at the real counter a practice code is none.
    for practice in PracticeCode:
        form = {"amount": "80", "order_no": "A-1", "code": practice.value}
        answer = client.post("/till/redeem", data=form)
        assert (answer.status_code, "没有认出" in answer.text) == (400, True)
    assert everything(held) == before
