"""Two of everything, so that each principal has its own object and somebody else's to ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import time
from typing import Any
from uuid import UUID

import orjson
from flask import Response
from flask_openapi3 import OpenAPI
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from coupon_service.campaigns.models import Mode
from coupon_service.core.auth import Kind, Principal, write_cookie
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_job
from coupon_service.core.resources import Resources
from coupon_service.core.webhooks import as_key, sign
from coupon_service.issuance.lottery.close import close
from coupon_service.issuance.lottery.enter import enter
from coupon_service.issuance.lottery.models import LotteryDraw
from redemption.ar.models import ArOutcome, ArProvider, ArSession
from redemption.awards.rule import NewRule, make_rule
from redemption.models import Order, Redemption
from redemption.refund import RefundCommand, refund
from tests.factories.ar import make_anchor, make_provider, make_shop
from tests.factories.campaigns import make_campaign
from tests.factories.lists import make_list_in_use, make_visit
from tests.factories.lottery import make_lottery
from tests.factories.merchants import (
    Bazaar,
    hold_items,
    make_bazaar,
    make_payee,
    owe,
    settle_now,
)
from tests.factories.officials import make_official
from tests.factories.offline import offline_objects
from tests.factories.people import make_family, make_resident, make_sign_in
from tests.factories.pos import pos_objects
from tests.factories.redemption import Counter, make_voucher
from tests.factories.tills import till_objects
from tests.factories.waves import make_claim_code, make_mode_release

MONITOR_TOKEN = "matrix-metrics-token"


@dataclass(frozen=True)
class Side:
    """One district with a merchant, a resident and an AR provider, and an object of each kind."""

    bazaar: Bazaar
    counter: Counter
    resident_id: UUID
    provider: ArProvider
    provider_secret: str
    path: Mapping[str, str]


Form = dict[str, str] | None
Send = Callable[[str, str, object, Form], TestResponse]


@dataclass(frozen=True)
class Actor:
    """One of the matrix's principals. `send` asks as them, in a fresh client."""

    kind: Kind
    send: Send
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """Every actor belongs to `mine`, except those whose name ends in a B."""

    mine: Side
    other: Side
    actors: Mapping[str, Actor]


def make_side(held: Resources) -> Side:
    with transaction(held.sessions) as session:
        bazaar = make_bazaar(session)
        counter = make_payee(held, session, bazaar)
        paid = owe(session, bazaar, counter, 1_000)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    with transaction(held.sessions) as session:
        suspicious = owe(session, bazaar, counter, 1_000)
        case_id = hold_items(session, bazaar, counter, [suspicious])
        resident_id = make_resident(session)
        provider, secret = make_provider(session, held.vault, bazaar.small, is_built_in=True)
        anchor = make_anchor(
            session, provider, outcome=ArOutcome.AWARD, release_id=bazaar.release.id
        )
        make_shop(session, bazaar.small, provider, anchor)
        ar_session = ArSession(
            id=new_id(),
            nonce=new_id().hex,
            anchor_id=anchor.id,
            resident_id=resident_id,
            expires_at=db_now(session) + timedelta(hours=1),
        )
        session.add(ar_session)
        principal_id, proxy_id = make_family(session, resident_id)
        sign_in_id = make_sign_in(session, resident_id)
        draw_id = _closed_lottery(session, bazaar, resident_id)
        code_id, rule_id = _ways(session, bazaar)
        path = {
            "principal_id": str(principal_id),
            "proxy_id": str(proxy_id),
            "sign_in_id": str(sign_in_id),
            "draw_id": str(draw_id),
            "code_id": str(code_id),
            "rule_id": str(rule_id),
            "campaign_id": str(bazaar.release.campaign_id),
            "release_id": str(bazaar.release.id),
            "voucher_id": str(make_voucher(session, bazaar.release, resident_id=resident_id)),
            "case_id": str(case_id),
            "settlement_id": str(batch.id),
            "batch_id": str(batch.id),
            "run_id": str(_run(session, bazaar.season_id)),
            "session_id": str(ar_session.id),
            "order_no": _order_no(session, paid),
            "provider": provider.code,
            "code": anchor.code,
            "season_id": str(bazaar.season_id),
        }
    path["refund_no"] = _refund_no(held, counter, path["order_no"])
    path |= _office_objects(held, bazaar, resident_id)
    path |= pos_objects(held, counter)
    path |= till_objects(held, counter)
    path |= offline_objects(held, counter)
    return Side(bazaar, counter, resident_id, provider, secret, path)


def _order_no(session: Session, redemption_id: UUID) -> str:
    return session.scalars(
        select(Order.order_no).join(Order.redemptions).where(Redemption.id == redemption_id)
    ).one()


def _refund_no(held: Resources, counter: Counter, order_no: str) -> str:
    command = RefundCommand(counter.till.id, order_no, f"R-{order_no}", goods_fen=100)
    with transaction(held.sessions) as session:
        return refund(session, command, now=db_now(session)).refund_no


def make_world(app: OpenAPI, held: Resources) -> World:
    mine, other = make_side(held), make_side(held)
    actors = {"anonymous": Actor(Kind.ANYONE, _plain(app, {}))}
    for name, side in (("A", mine), ("B", other)):
        district_id = side.bazaar.small.district.id
        official = make_official(held, district_id)
        actors |= {
            f"resident {name}": _signed_in(
                app, Principal(Kind.RESIDENT, side.resident_id, verified=True)
            ),
            f"clerk {name}": Actor(
                Kind.TILL, _plain(app, side.counter.headers), side.counter.headers
            ),
            f"official {name}": _signed_in(
                app, Principal(Kind.OFFICIAL, official.id, district_id=district_id)
            ),
            f"AR provider {name}": Actor(Kind.AR_PROVIDER, _signing(app, side)),
        }
    district_id = mine.bazaar.small.district.id
    merchant_id = mine.counter.merchant.id
    for role in (Kind.AUDITOR, Kind.ADMINISTRATOR):
        member = make_official(held, district_id, role=role)
        actors[role.value] = _signed_in(app, Principal(role, member.id, district_id=district_id))
    owner = Principal(Kind.MERCHANT_OWNER, new_id(), district_id, merchant_id)
    monitor = {"Authorization": f"Bearer {MONITOR_TOKEN}"}
    actors |= {
        "merchant owner": _signed_in(app, owner),
        "monitor": Actor(Kind.MONITOR, _plain(app, monitor)),
    }
    return World(mine, other, actors)


def _closed_lottery(session: Session, bazaar: Bazaar, resident_id: UUID) -> UUID:
    draw_id = make_lottery(session, season=bazaar.small)
    enter(session, draw_id, resident_id)
    draw = session.get_one(LotteryDraw, draw_id)
    close(session, draw_id, now=draw.entries_close_at)
    return draw_id


def _ways(session: Session, bazaar: Bazaar) -> tuple[UUID, UUID]:
    """A claim code and an award rule."""
    campaign = make_campaign(session, bazaar.small)
    by_code = make_mode_release(session, campaign, Mode.CODE, quantity=1)
    earned = make_mode_release(session, campaign, Mode.AWARD, quantity=1)
    rule = make_rule(session, earned.id, NewRule(None, 0, 1))
    return make_claim_code(session, by_code.id).id, rule.id


def _office_objects(held: Resources, bazaar: Bazaar, resident_id: UUID) -> dict[str, str]:
    """A list that a release is given to, and a visit at a counter."""
    district_id = bazaar.small.district.id
    official = make_official(held, district_id)
    with transaction(held.sessions) as session:
        list_id = make_list_in_use(session, bazaar.season_id, bazaar.release.id)
        visit_id = make_visit(
            session, district_id=district_id, official_id=official.id, resident_id=resident_id
        )
    return {"list_id": str(list_id), "visit_id": str(visit_id)}


def _run(session: Session, season_id: UUID) -> UUID:
    return emit_job(
        session,
        "settlement.run",
        season_id=season_id,
        cutoff_at=db_now(session).isoformat(),
    )


def _plain(app: OpenAPI, headers: Mapping[str, str]) -> Send:
    def send(method: str, path: str, body: object, form: Form) -> TestResponse:
        content: dict[str, Any] = {"json": body} if form is None else {"data": form}
        if isinstance(body, str):
            content = {"data": body, "content_type": "text/csv"}
        return app.test_client(use_cookies=False).open(
            path, method=method, headers=dict(headers), **content
        )

    return send


def _signed_in(app: OpenAPI, principal: Principal) -> Actor:
    response = Response()
    with app.test_request_context():
        write_cookie(response, principal, new_id())
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie}
    return Actor(principal.kind, _plain(app, headers), headers)


def _signing(app: OpenAPI, side: Side) -> Send:
    """An AR provider, whose proof is a signature over each body."""

    def send(method: str, path: str, body: object, _form: Form) -> TestResponse:
        raw, webhook_id, timestamp = orjson.dumps(body), new_id().hex, str(int(time()))
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(
                as_key(side.provider_secret), webhook_id, int(timestamp), raw
            ),
        }
        return app.test_client().open(
            path, method=method, data=raw, headers=headers, content_type="application/json"
        )

    return send
