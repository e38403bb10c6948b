"""A provider with an award and a redeem anchor, and a resident who stands before them."""

from dataclasses import dataclass, replace
from datetime import time
from typing import Any
from uuid import UUID, uuid4

import httpx
from flask import Response
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.core.auth import Kind, Principal, start_session
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.core.resources import Resources
from coupon_service.core.webhooks import as_secret, new_key
from coupon_service.simulation.ar_provider import ArProviderSimulator
from merchants.models import Store
from merchants.onboard import NewStore, create_merchant, create_store
from redemption.ar.event import Sighting
from redemption.ar.keys import seal_secret
from redemption.ar.models import ArAnchor, ArGood, ArOutcome, ArProvider, ArScene
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.people import make_resident

LAT, LON = 39.8948, 116.3908
ORDER_FEN = 6_000

# Everything an accepted proof may touch, and a refused one must not.
_TABLES = (
    "ar_sessions",
    "ar_events",
    "ar_providers",
    "ar_provider_days",
    "ar_callbacks",
    "vouchers",
    "redemptions",
    "payables",
    "ledger_transfers",
    "outbox",
)


@dataclass(frozen=True)
class Scene:
    """Ids and secrets of a small AR city; everything else is in the database."""

    small: SmallSeason
    campaign: Campaign
    release: Release
    provider: ArProvider
    secret: str
    award: ArAnchor
    redeem: ArAnchor
    store: Store
    resident_id: UUID


def make_scene(session: Session, vault: Vault, *, quantity: int = 100, **terms: Any) -> Scene:
    """One provider, an award anchor, a redeem anchor at a virtual store, and a resident."""
    small = make_season(session)
    campaign = make_campaign(session, small, **terms)
    release = make_release(session, campaign, quantity=quantity)
    provider, secret = make_provider(session, vault, small, node_id=small.event.id)
    store = make_virtual_store(session, small)
    return Scene(
        small=small,
        campaign=campaign,
        release=release,
        provider=provider,
        secret=secret,
        award=make_anchor(session, provider, outcome=ArOutcome.AWARD, release_id=release.id),
        redeem=make_anchor(session, provider, outcome=ArOutcome.REDEEM, store_id=store.id),
        store=store,
        resident_id=make_resident(session),
    )


def make_provider(
    session: Session, vault: Vault, small: SmallSeason, **columns: Any
) -> tuple[ArProvider, str]:
    """An active provider and its secret; it has a budget node only if `columns` name one."""
    secret = as_secret(new_key())
    provider = ArProvider(
        id=new_id(),
        district_id=small.district.id,
        code=f"p-{uuid4().hex[:8]}",
        name="测试AR平台",
        secret_sealed=seal_secret(vault, secret),
        **columns,
    )
    session.add(provider)
    session.flush()
    return provider, secret


def make_anchor(session: Session, provider: ArProvider, **columns: Any) -> ArAnchor:
    """An anchor with a fence of 100 m and a floor of 0.8; `columns` say what it brings."""
    defaults: dict[str, Any] = {
        "id": new_id(),
        "provider_id": provider.id,
        "code": f"a-{uuid4().hex[:8]}",
        "name": "灯笼",
        "lat": LAT,
        "lon": LON,
        "radius_m": 100,
        "confidence_min": 0.8,
    }
    anchor = ArAnchor(**(defaults | columns))
    session.add(anchor)
    session.flush()
    return anchor


def make_shop(
    session: Session, small: SmallSeason, provider: ArProvider, anchor: ArAnchor
) -> ArAnchor:
    """A scene at the award anchor, with a shop that sells tea for 68 yuan and a bookmark for 26."""
    store = make_virtual_store(session, small)
    shop = make_anchor(session, provider, outcome=ArOutcome.REDEEM, store_id=store.id, name="茶铺")
    session.add_all(
        [
            ArScene(anchor_id=anchor.id, shop_anchor_id=shop.id),
            ArGood(anchor_id=shop.id, position=1, name="茉莉花茶", price_fen=6_800),
            ArGood(anchor_id=shop.id, position=2, name="宫灯书签", price_fen=2_600),
        ]
    )
    session.flush()
    return shop


def make_virtual_store(session: Session, small: SmallSeason) -> Store:
    """A merchant's storefront that exists in AR only."""
    code = uuid4().hex[:8]
    merchant = create_merchant(
        session, district_id=small.district.id, code=f"m-{code}", name="云上茶铺"
    )
    return create_store(
        session,
        merchant.id,
        NewStore(
            code=f"v-{code}",
            name="云上茶铺",
            category="tea",
            zone="dashilan",
            street="大栅栏街道",
            address="云上",
            lat=LAT,
            lon=LON,
            opens=time(0),
            closes=time(23, 59),
            channel=Channel.VIRTUAL,
        ),
    )


def resident_client(app: OpenAPI, resident_id: UUID, *, verified: bool = True) -> FlaskClient:
    """A browser in which the resident is signed in."""
    held = app.extensions["coupon_service"]
    principal = Principal(Kind.RESIDENT, resident_id, verified=verified)
    response = Response()
    with app.test_request_context(), transaction(held.sessions) as session:
        start_session(session, principal, response)
    browser = app.test_client()
    name, _, value = response.headers["Set-Cookie"].partition("=")
    browser.set_cookie(name, value.partition(";")[0])
    return browser


def simulator(app: OpenAPI, code: str, secret: str) -> ArProviderSimulator:
    """The simulated provider, talking to the application through WSGI."""
    client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost")
    return ArProviderSimulator(client, code, secret)


@dataclass(frozen=True)
class Stage:
    """A scene with its actors: the resident's browser and the provider's platform."""

    app: OpenAPI
    scene: Scene
    browser: FlaskClient
    provider: ArProviderSimulator

    def begin(self, anchor: ArAnchor, **intent: Any) -> dict[str, Any]:
        """The resident begins at an anchor; the answer of the service."""
        answer = self.browser.post(
            "/api/v1/ar/sessions", json={"anchor_id": str(anchor.id), **intent}
        )
        assert answer.status_code == 201, answer.json
        return dict(answer.get_json())

    def see(self, started: dict[str, Any], **changes: Any) -> Sighting:
        """What the provider would truthfully report, with `changes` to it."""
        return replace(Sighting.at_anchor(started), **changes)

    def session(self, started: dict[str, Any]) -> dict[str, Any]:
        """What the resident sees of the session."""
        answer = self.browser.get(f"/api/v1/ar/sessions/{started['session_id']}")
        assert answer.status_code == 200, answer.json
        return dict(answer.get_json())

    def win(self) -> str:
        """Win a voucher at the award anchor; its id."""
        started = self.begin(self.scene.award)
        assert self.provider.report(self.see(started)).status_code == 200
        return str(self.session(started)["voucher_id"])

    def begin_order(self, voucher_id: str, order_fen: int = ORDER_FEN) -> dict[str, Any]:
        """The resident begins an order at the virtual store."""
        return self.begin(self.scene.redeem, voucher_id=voucher_id, order_fen=order_fen)


def make_stage(app: OpenAPI, held: Resources, **terms: Any) -> Stage:
    """A scene that is committed, and its actors."""
    with transaction(held.sessions) as session:
        scene = make_scene(session, held.vault, **terms)
    return Stage(
        app=app,
        scene=scene,
        browser=resident_client(app, scene.resident_id),
        provider=simulator(app, scene.provider.code, scene.secret),
    )


def whole_state(held: Resources) -> dict[str, str | None]:
    """A digest of every table a proof may touch; equal digests mean that nothing was written."""
    with transaction(held.sessions) as session:
        return {
            table: session.execute(
                text(f"SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {table} t")
            ).scalar_one()
            for table in _TABLES
        }
