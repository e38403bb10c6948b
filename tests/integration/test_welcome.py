"""What `coupon-service up` prints for a newcomer works as printed."""

import re

import pytest
import zxingcpp
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from PIL import Image

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.welcome import load_demo, welcome
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.token import read_token
from tests.invariants import assert_invariants

URL = "http://127.0.0.1:8000"
BLOCKS = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0), "\xa0": (0, 0)}


@pytest.fixture
def printed(settings: Settings) -> str:
    assert load_demo(settings)
    return welcome(settings, URL)


def _drawn(text: str) -> Image.Image:
    """The picture that the half blocks of a terminal make, ten pixels to the module."""
    lines = [line for line in text.splitlines() if line and set(line) <= BLOCKS.keys()]
    picture = Image.new("L", (len(lines[0]), 2 * len(lines)))
    for y, line in enumerate(lines):
        for x, block in enumerate(line):
            for half, lit in enumerate(BLOCKS[block]):
                picture.putpixel((x, 2 * y + half), 255 * lit)
    return picture.resize((10 * picture.width, 10 * picture.height), Image.Resampling.NEAREST)


def test_the_qr_code_in_the_terminal_is_a_voucher_that_verifies(
    printed: str, app: OpenAPI, held: Resources
) -> None:
    (code,) = zxingcpp.read_barcodes(_drawn(printed))
    with transaction(held.sessions) as session:
        token = read_token(keyring(session), code.text, now=db_now(session))
        assert token.facts.face_fen > 0
    assert_invariants(held)


def test_every_address_printed_is_a_page(printed: str, client: FlaskClient) -> None:
    paths = re.findall(rf"^{URL}(/\S*)$", printed, re.MULTILINE)
    assert len(paths) >= 4
    for path in paths:
        page = client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.status_code == 200, path


def test_the_demo_is_loaded_once(printed: str, settings: Settings) -> None:
    assert not load_demo(settings)


def test_a_database_without_the_demo_is_not_introduced(settings: Settings) -> None:
    assert welcome(settings, URL) == ""
