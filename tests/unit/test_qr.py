"""What is drawn is read back by an independent decoder."""

import io
import re

import zxingcpp
from PIL import Image, ImageDraw

from coupon_service.vouchers.qr import qr_png, qr_svg, qr_terminal
from coupon_service.vouchers.token import issue_token
from tests.unit.test_token import FACTS, NOW, RING

TOKEN = issue_token(RING, FACTS, now=NOW, ttl_s=300)


def test_the_png_decodes_to_the_token() -> None:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(TOKEN))))
    assert [code.text for code in found] == [TOKEN]


def test_the_svg_decodes_to_the_token() -> None:
    svg = qr_svg(TOKEN)
    size = int(re.search(r'viewBox="0 0 (\d+)', svg).group(1))  # type: ignore[union-attr]
    image = Image.new("L", (size * 8, size * 8), 255)
    draw = ImageDraw.Draw(image)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        left, top = int(x) * 8, int(y) * 8
        draw.rectangle([left, top, left + int(width) * 8 - 1, top + 7], fill=0)
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [TOKEN]


def test_the_terminal_drawing_has_as_many_lines_as_half_the_modules() -> None:
    assert len(qr_terminal(TOKEN).splitlines()) == -(-(53 + 8) // 2)
