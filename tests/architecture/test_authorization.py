"""The authorization matrix: every route × every principal × own or somebody else's object.

`ROUTES` has one row per route; a route without one fails. A row names who may pass, and the body
that is valid enough to reach the object. What is not named must be refused before anything else.
"""

from collections.abc import Iterator
from http import HTTPStatus
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from pydantic import SecretStr
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from coupon_service.core.auth import Kind, access_of
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.core.web import OPEN_BLUEPRINTS, OPEN_ENDPOINTS
from tests.architecture.routes import ROUTES
from tests.architecture.world import MONITOR_TOKEN, World, make_world

DOOR_SLUGS = {"not-signed-in", "forbidden", "real-name-needed", "ar-signature-invalid"}
NOT_ALLOWED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
NOT_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}


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
            for label, side in (("A's", world.mine), ("B's", world.other)):
                owns = (side is world.other) == mine
                path = _path(app, rule, {**side.path, **row.path}) + row.query.format(**side.path)
                answer = actor.send(method, path, row.body, row.form)
                status = HTTPStatus(answer.status_code)
                if Kind.ANYONE in row.kinds:
                    fine = not _turned_away(answer)
                elif actor.kind not in row.kinds:
                    fine = _turned_away(answer)
                elif row.owned and not owns:
                    fine = status in NOT_THERE
                else:
                    fine = status not in NOT_THERE
                if not fine:
                    wrong.append(f"{method} {path} as {name} ({label}): {status}")
                assert status < HTTPStatus.INTERNAL_SERVER_ERROR, f"{method} {path} as {name}"
    assert wrong == [], "\n".join(wrong)


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


def _turned_away(answer: TestResponse) -> bool:
    """Whether the door was shut, as opposed to an open door where a password was wrong."""
    if answer.is_json:
        return answer.status_code in NOT_ALLOWED and answer.json["slug"] in DOOR_SLUGS
    return answer.location is not None and "/sign-in?" in answer.location
