"""The waiting list and handing back, on the phone, without JavaScript."""

from flask_openapi3 import OpenAPI

from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from tests.factories.campaigns import open_release
from tests.factories.residents import signed_in_browser
from tests.harness.web import claim_path
from tests.invariants import assert_invariants


def test_a_resident_waits_and_gets_what_another_hands_back(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
    holder = signed_in_browser(app, verified=True)
    claimed = holder.put(claim_path(release_id))
    voucher = f"/vouchers/{claimed.json['voucher_id']}"
    page = f"/waiting/{release_id}"
    waiting = signed_in_browser(app, verified=True)
    assert "加入候补" in waiting.get(page).text
    assert waiting.post(page, data={"act": "join"}).status_code == 303
    assert "data-ahead>0<" in waiting.get(page).text
    assert "确认退回" in holder.get(f"{voucher}/return").text
    assert holder.post(f"{voucher}/return").status_code == 303
    assert "已退回" in holder.get(f"{voucher}/return").text
    drain(held.sessions)
    assert "轮到您了" in waiting.get(page).text
    assert "不能退回" not in holder.get(f"{voucher}/return").text
    assert_invariants(held)


def test_leaving_twice_is_no_fault_and_a_refusal_is_a_page(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=5)
    browser = signed_in_browser(app, verified=True)
    page = f"/waiting/{release_id}"
    assert browser.post(page, data={"act": "leave"}).status_code == 303
    refused = browser.post(page, data={"act": "join"})
    assert (refused.status_code, "不用候补" in refused.text) == (409, True)
    assert browser.post(page, data={"act": "jump"}).status_code == 400
    assert_invariants(held)


def test_somebody_elses_voucher_cannot_be_handed_back(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
    holder = signed_in_browser(app, verified=True)
    claimed = holder.put(claim_path(release_id))
    voucher = f"/vouchers/{claimed.json['voucher_id']}"
    stranger = signed_in_browser(app, verified=True)
    assert stranger.get(f"{voucher}/return").status_code == 404
    assert stranger.post(f"{voucher}/return").status_code == 404
    assert holder.get(f"/api/v1{voucher}").json["state"] == "issued"
    assert_invariants(held)
