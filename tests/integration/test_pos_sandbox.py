"""A sandbox redeems like the real thing, and never meets it."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from coupon_service.campaigns.models import District
from coupon_service.campaigns.queries import current_seasons, offered_releases
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.gate import gate
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.queries import season_totals_fen
from merchants.errors import DistrictNotFoundError
from merchants.pos_keys import create_pos_key
from merchants.sandbox.cli import pos_sandbox
from merchants.sandbox.give_vouchers import GivenVoucher, give_vouchers
from merchants.sandbox.open_sandbox import OpenSandbox, open_sandbox
from tests.factories.pos import PosSystem, make_pos_key
from tests.factories.redemption import market_with_voucher
from tests.invariants import assert_invariants

REDEEM = "/api/v1/redemptions"


def order(code: str, order_no: str = "T-1") -> dict[str, Any]:
    return {"vouchers": [{"code": code}], "order_no": order_no, "order_fen": 8_000}


def opened(held: Resources, district: District) -> tuple[OpenSandbox, str, list[GivenVoucher]]:
    with transaction(held.sessions) as session:
        now = db_now(session)
        box = open_sandbox(session, district.code, now=now)
        key = create_pos_key(session, held.vault, box.merchant_id, box.till_id).text
        given = give_vouchers(session, held.vault, gate(), box.campaign, 3, now=now)
        return box, key, given


def test_a_sandbox_redeems_its_vouchers_with_its_own_money(
    held: Resources, client: FlaskClient
) -> None:
    market, _, real = market_with_voucher(held)
    box, key, given = opened(held, market.small.district)
    assert key.startswith("pos_test_")
    system = PosSystem(client, key)
    made = system.ask("POST", REDEEM, order(given[0].shown.token))
    assert made.status_code == 201, made.text
    assert made.json is not None
    assert made.json["discount_fen"] == 2_000
    assert system.ask("POST", REDEEM, order(given[1].shown.typed_code, "T-2")).status_code == 201
    assert system.ask("POST", f"{REDEEM}/T-1/reversal").status_code == 200
    # Neither money knows the other.
    refused = system.ask("POST", REDEEM, order(real.token, "T-3"))
    assert refused.json is not None
    assert refused.json["slug"] == "code-not-recognised"
    real_system = PosSystem(client, make_pos_key(held, market.counter))
    refused = real_system.ask("POST", REDEEM, order(given[2].shown.token))
    assert refused.json is not None
    assert refused.json["slug"] == "code-not-recognised"
    with transaction(held.sessions) as session:
        play = season_totals_fen(session, box.campaign.season_id)
        public = season_totals_fen(session, market.small.season.id)
    assert play[AccountKind.PAYABLE] == 2_000
    assert public[AccountKind.PAYABLE] == 0
    assert_invariants(held)


def test_residents_see_nothing_of_a_sandbox(held: Resources, client: FlaskClient) -> None:
    market, _, _ = market_with_voucher(held)
    box, _, _ = opened(held, market.small.district)
    with transaction(held.sessions) as session:
        now = db_now(session)
        assert [season.id for season in current_seasons(session, now)] == [market.small.season.id]
        offered = {release.campaign_id for release in offered_releases(session, now)}
    assert offered == {market.campaign.id}
    stores = client.get("/api/v1/stores").json
    assert stores is not None
    assert [store["code"] for store in stores["stores"]] == [market.counter.store.code]
    assert box.campaign.name not in client.get("/").text


def test_a_sandbox_is_opened_once_and_gives_more_vouchers_each_time(
    app: OpenAPI, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    run = app.test_cli_runner().invoke
    first = run(pos_sandbox, [market.small.district.code, "--vouchers", "2"])
    again = run(pos_sandbox, [market.small.district.code, "--vouchers", "1"])
    anew = run(pos_sandbox, [market.small.district.code, "--vouchers", "1", "--new-key"])
    assert [first.exit_code, again.exit_code, anew.exit_code] == [0, 0, 0], first.output
    keys = [re.findall(r"pos_test_\S+", one.output) for one in (first, again, anew)]
    assert [len(found) for found in keys] == [1, 0, 1]
    assert keys[0] != keys[2]
    codes = [re.findall(r"^  (\d{12})$", one.output, re.MULTILINE) for one in (first, again, anew)]
    assert [len(found) for found in codes] == [2, 1, 1]
    with transaction(held.sessions) as session:
        assert len(session.scalars(select(District)).all()) == 2
    assert_invariants(held)


def test_there_is_no_sandbox_of_an_unknown_district(held: Resources) -> None:
    with transaction(held.sessions) as session, pytest.raises(DistrictNotFoundError):
        open_sandbox(session, "000000", now=db_now(session))
