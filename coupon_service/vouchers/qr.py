"""Drawing a code as a QR code.

Version and mask are fixed: a level-1 token always fits version 9 at level M (262 alphanumeric
characters, ISO/IEC 18004 table 7), and trying all eight masks is most of the library's time. A
sheet of paper gets creased and stained: its shorter code has level Q (157 characters in version 8).
Proofs are drawn by the phones, in version 11 at level M (366).
"""

from dataclasses import dataclass
from io import BytesIO, StringIO

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.image.pil import PilImage
from qrcode.image.pure import PyPNGImage

from coupon_service.vouchers.qr_modules import MASK, dark_modules

QUIET_MODULES = 4
PNG_PIXELS_PER_MODULE = 8


@dataclass(frozen=True)
class Look:
    """A version of the QR standard, and how much of the picture may be damaged."""

    version: int
    error_correction: int


TOKEN_LOOK = Look(9, ERROR_CORRECT_M)
PAPER_LOOK = Look(8, ERROR_CORRECT_Q)


def qr_svg(text: str, look: Look = TOKEN_LOOK) -> str:
    """An SVG without a size of its own: one path, one unit per module, quiet zone included.

    Raises:
        ValueError: the text is too long for the look.
    """
    rows = dark_modules(text, look.version, look.error_correction)
    size = len(rows) + 2 * QUIET_MODULES
    path = "".join(
        [
            f"M{QUIET_MODULES} {y}.5{''.join([_STROKES[eight] for eight in row])}"
            for y, row in enumerate(rows, QUIET_MODULES)
        ]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path fill="none" stroke="#000" d="{path}"/></svg>'
    )


def qr_png(text: str) -> bytes:
    """A black and white PNG, `PNG_PIXELS_PER_MODULE` pixels to the module."""
    out = BytesIO()
    _code(text).make_image(image_factory=PyPNGImage).save(out)
    return out.getvalue()


def qr_terminal(text: str) -> str:
    """Half-block characters for a dark terminal."""
    out = StringIO()
    _code(text).print_ascii(out=out, invert=True)
    return out.getvalue()


def _code(text: str) -> QRCode[PilImage | PyPNGImage]:
    code = QRCode(
        version=TOKEN_LOOK.version,
        error_correction=TOKEN_LOOK.error_correction,
        box_size=PNG_PIXELS_PER_MODULE,
        border=QUIET_MODULES,
        mask_pattern=MASK,
    )
    # A code is Base32, so the library's choice of one mode for all of it is the alphanumeric one.
    code.add_data(text, optimize=0)
    code.make(fit=False)
    return code


def _strokes(eight: int) -> str:
    """The pen's way over eight modules in a row: `h` draws the dark ones, `m` skips the others."""
    bits = f"{eight:08b}"
    runs, start = [], 0
    for end in range(1, 9):
        if end == 8 or bits[end] != bits[start]:
            runs.append(f"h{end - start}" if bits[start] == "1" else f"m{end - start} 0")
            start = end
    return "".join(runs)


_STROKES = [_strokes(eight) for eight in range(256)]
