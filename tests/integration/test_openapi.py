"""The described API holds under generated input, signed in as everybody it is for."""

import schemathesis
from flask_openapi3 import OpenAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from coupon_service.core.resources import Resources
from tests.architecture.world import make_world
from tests.invariants import assert_invariants

EXAMPLES_PER_OPERATION = 15
# Cookies of every kind and a till's key at once: each route takes what it demands.
ACTORS = ("resident A", "official A", "merchant owner")


def test_no_generated_request_makes_a_server_error(app: OpenAPI, held: Resources) -> None:
    world = make_world(app, held)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    headers = {
        "Cookie": "; ".join(world.actors[name].headers["Cookie"] for name in ACTORS),
        **world.actors["clerk A"].headers,
    }
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 30
    for operation in operations:

        @given(case=operation.as_strategy())
        @hypothesis_settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def holds(case: schemathesis.Case) -> None:
            response = case.call(headers=headers)
            case.validate_response(response, checks=[not_a_server_error])

        holds()
    assert_invariants(held)


def test_the_description_names_every_refusal_as_problem_json(app: OpenAPI) -> None:
    description = app.test_client().get("/openapi.json").json
    assert description["openapi"].startswith("3.1")
    assert None not in description["components"]["securitySchemes"].values()
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), f"{method} {path} has no summary"


def test_the_description_and_its_pages_need_no_other_host(app: OpenAPI) -> None:
    client = app.test_client()
    for page in ("/docs/", "/docs/swagger"):
        html = client.get(page).get_data(as_text=True)
        assert "://" not in html.replace("http://www.w3.org", ""), page
