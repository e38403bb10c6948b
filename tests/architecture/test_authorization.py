"""The authorization matrix: every route × every principal × own or somebody else's object.

`ROUTES` has one row per route; a route without one fails. A row names who may pass, and the body
that is valid enough to reach the object. What is not named must be refused before anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from pydantic import SecretStr
from werkzeug.routing import Rule

from coupon_service.core.auth import Kind, access_of
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.core.web import OPEN_BLUEPRINTS, OPEN_ENDPOINTS
from tests.architecture.world import MONITOR_TOKEN, World, make_world

ANYONE = {Kind.ANYONE}
RESIDENT = {Kind.RESIDENT}
TILL = {Kind.TILL}
OWNER = {Kind.MERCHANT_OWNER}
OFFICIAL = {Kind.OFFICIAL}
READERS = {Kind.OFFICIAL, Kind.AUDITOR, Kind.ADMINISTRATOR}
NOT_ALLOWED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
NOT_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}


@dataclass(frozen=True)
class Row:
    """Who may use a route.

    Attributes:
        kinds: whom it lets in; everybody if it contains `ANYONE`.
        owned: whether its path names an object that belongs to somebody.
        body: JSON that passes validation, where the route takes any.
        query: a query string that names an owned object, with `{season_id}` and the like.
    """

    kinds: set[Kind]
    owned: bool = False
    body: object = field(default_factory=dict)
    query: str = ""


REASON = {"reason": "核实完毕"}

ROUTES: dict[str, Row] = {
    "ops.healthz": Row(ANYONE),
    "ops.readyz": Row(ANYONE),
    "ops.metrics": Row({Kind.MONITOR}),
    "core.switch_language": Row(ANYONE),
    "core.list_errors": Row(ANYONE),
    "campaigns_api.list_releases": Row(ANYONE),
    "campaigns_api.show_release": Row(ANYONE),
    "merchants_api.show_stores": Row(ANYONE),
    "vouchers_api.list_keys": Row(ANYONE),
    "residents_api.create_code": Row(ANYONE),
    "residents_api.create_sign_in": Row(ANYONE),
    "residents_api.create_sign_out": Row(RESIDENT),
    "residents_api.show_me": Row(RESIDENT),
    "residents_api.create_real_name": Row(RESIDENT),
    "issuance_api.create_claim": Row(RESIDENT),
    "vouchers_api.list_vouchers": Row(RESIDENT),
    "vouchers_api.show_voucher": Row(RESIDENT, owned=True),
    "vouchers_api.draw_svg": Row(RESIDENT, owned=True),
    "vouchers_api.draw_png": Row(RESIDENT, owned=True),
    "ar.list_anchors": Row(ANYONE),
    "ar.start_session": Row(RESIDENT),
    "ar.show_session": Row(RESIDENT, owned=True),
    "ar.receive_event": Row({Kind.AR_PROVIDER}, owned=True),
    "redemption_api.create_quote": Row(TILL),
    "redemption_api.create_redemption": Row(TILL),
    "redemption_api.show_redemption": Row(TILL, owned=True),
    # Somebody else's order number is a number of one's own that has not arrived: a tombstone.
    "redemption_api.reverse_redemption": Row(TILL),
    "redemption.show_sign_in": Row(ANYONE),
    "redemption.do_sign_in": Row(ANYONE),
    "redemption.do_sign_out": Row(TILL),
    "redemption.show_counter": Row(TILL),
    "redemption.do_quote": Row(TILL),
    "redemption.do_redeem": Row(TILL),
    "redemption.show_order": Row(TILL, owned=True),
    "redemption.do_reverse": Row(TILL),
    "redemption.show_today": Row(TILL),
    "merchants.show_sign_in": Row(ANYONE),
    "merchants.do_sign_in": Row(ANYONE),
    "merchants.do_sign_out": Row(OWNER),
    "merchants.show_statement": Row(OWNER),
    "office_api.create_session": Row(ANYONE),
    "office_api.delete_session": Row(READERS),
    "office_api.list_seasons": Row(READERS),
    "office_api.show_totals": Row(READERS, owned=True, query="?season_id={season_id}"),
    "office_api.list_cases": Row(READERS),
    "office_api.show_case": Row(READERS, owned=True),
    "office_api.release_case": Row(OFFICIAL, owned=True, body=REASON),
    "office_api.confirm_case": Row(OFFICIAL, owned=True, body=REASON),
    "office_api.prolong_case": Row(OFFICIAL, owned=True, body=REASON),
    "office_api.list_releases": Row(READERS),
    "office_api.pause_release": Row(OFFICIAL, owned=True),
    "office_api.resume_release": Row(OFFICIAL, owned=True),
    "settlement_api.request_settlement": Row(OFFICIAL),
    "settlement_api.show_run": Row(READERS, owned=True),
    "settlement_api.show_settlements": Row(READERS),
    "settlement_api.show_settlement": Row(READERS, owned=True),
    "settlement_api.download_payout_file": Row({Kind.OFFICIAL, Kind.AUDITOR}, owned=True),
    "settlement_api.take_bank_answer": Row(OFFICIAL, owned=True),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_token": SecretStr(MONITOR_TOKEN)})


@pytest.fixture
def world(app: OpenAPI, held: Resources) -> World:
    return make_world(app, held)


def routes(app: OpenAPI) -> Iterator[tuple[Rule, str]]:
    """Every route of ours with each of its methods."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN_ENDPOINTS or rule.endpoint.endswith("static"):
            continue
        if rule.endpoint.partition(".")[0] in OPEN_BLUEPRINTS:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def test_every_route_has_a_row_and_every_row_a_route(app: OpenAPI) -> None:
    assert {rule.endpoint for rule, _ in routes(app)} == set(ROUTES)


def test_every_view_demands_exactly_the_principals_of_its_row(app: OpenAPI) -> None:
    for rule, _ in routes(app):
        access = access_of(app.view_functions[rule.endpoint])
        assert access is not None, rule.endpoint
        assert access.kinds == ROUTES[rule.endpoint].kinds, rule.endpoint


def test_only_the_named_principals_pass_and_only_to_their_own(app: OpenAPI, world: World) -> None:
    wrong: list[str] = []
    for rule, method in routes(app):
        row = ROUTES[rule.endpoint]
        for name, actor in world.actors.items():
            mine = name.endswith("B")
            for label, side in (("own", world.mine), ("other", world.other)):
                owns = (side is world.other) == mine
                path = _path(app, rule, side.path) + row.query.format(**side.path)
                answer = actor.send(method, path, row.body)
                status = HTTPStatus(answer.status_code)
                if Kind.ANYONE in row.kinds:
                    fine = status not in NOT_ALLOWED or rule.endpoint.endswith(
                        ("create_session", "create_sign_in", "do_sign_in")
                    )
                elif actor.kind not in row.kinds:
                    fine = status in NOT_ALLOWED or _sent_to_sign_in(answer.location)
                elif row.owned and not owns:
                    fine = status in NOT_THERE
                else:
                    fine = status not in NOT_THERE
                if not fine:
                    wrong.append(f"{method} {path} as {name} ({label}): {status}")
                assert status < HTTPStatus.INTERNAL_SERVER_ERROR, f"{method} {path} as {name}"
    assert wrong == []


def _path(app: OpenAPI, rule: Rule, names: object) -> str:
    assert isinstance(names, dict)
    values = {
        argument: UUID(names[argument]) if argument.endswith("_id") else names[argument]
        for argument in rule.arguments
    }
    with app.test_request_context():
        built = rule.build(values)
    assert built is not None
    return str(built[1])


def _sent_to_sign_in(location: str | None) -> bool:
    return location is not None and "/sign-in?" in location
