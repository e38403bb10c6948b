"""What is drawn is read back by an independent decoder."""

import io
import re
from typing import Literal

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q

from coupon_service.vouchers.qr import (
    PAPER_LOOK,
    TOKEN_LOOK,
    Look,
    qr_png,
    qr_svg,
    qr_terminal,
)
from coupon_service.vouchers.qr_modules import MASK, dark_modules
from coupon_service.vouchers.token import issue_token
from tests.unit.test_token import FACTS, NOW, RING

TOKEN = issue_token(RING, FACTS, now=NOW, ttl_s=300)


def test_the_png_decodes_to_the_token() -> None:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(TOKEN))))
    assert [code.text for code in found] == [TOKEN]


def picture_of(svg: str) -> Image.Image:
    """What a browser draws: the dark path's strokes, one module high."""
    size = int(re.search(r'viewBox="0 0 (\d+)', svg).group(1))  # type: ignore[union-attr]
    image = Image.new("L", (size * 8, size * 8), 255)
    draw = ImageDraw.Draw(image)
    path = re.search(r'stroke="#000" d="([^"]+)"', svg).group(1)  # type: ignore[union-attr]
    for start, row, strokes in re.findall(r"M(\d+) (\d+)\.5((?:h\d+|m\d+ 0)*)", path):
        x, top = int(start), int(row) * 8
        for pen, length in re.findall(r"([hm])(\d+)", strokes):
            end = x + int(length)
            if pen == "h":
                draw.rectangle([x * 8, top, end * 8 - 1, top + 7], fill=0)
            x = end
    return image


@pytest.mark.parametrize(
    ("text", "look"),
    [
        (TOKEN, TOKEN_LOOK),
        ("P" * 157, PAPER_LOOK),  # as many as there is room for
        ("HTTPS://EXAMPLE.CN/C/7QX2", PAPER_LOOK),
        ("https://example.cn/till/pair?code=ABC-123", Look(8, ERROR_CORRECT_M)),
        ("请出示", Look(2, ERROR_CORRECT_M)),
        ("123456789012", Look(2, ERROR_CORRECT_M)),
    ],
)
def test_the_svg_decodes_to_the_text(text: str, look: Look) -> None:
    found = zxingcpp.read_barcodes(picture_of(qr_svg(text, look)))
    assert [code.text for code in found] == [text]


@pytest.mark.parametrize("version", [2, 5, 8, 9, 11])
@pytest.mark.parametrize("level", [ERROR_CORRECT_M, ERROR_CORRECT_Q])
def test_the_modules_are_those_of_the_library(version: int, level: Literal[0, 3]) -> None:
    text = "A1B2C3D4E5F6"
    code = QRCode(version, level, mask_pattern=MASK)
    code.add_data(text, optimize=0)
    code.make(fit=False)
    side = version * 4 + 17
    rows = [
        [bool(row[x // 8] >> 7 - x % 8 & 1) for x in range(side)]
        for row in dark_modules(text, version, level)
    ]
    assert rows == code.modules


def test_a_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        qr_svg("P" * 158, PAPER_LOOK)


def test_the_terminal_drawing_has_as_many_lines_as_half_the_modules() -> None:
    assert len(qr_terminal(TOKEN).splitlines()) == -(-(53 + 8) // 2)
