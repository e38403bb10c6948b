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

MASK = 3
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
    """An SVG without a size of its own: one path, one unit per module, quiet zone included."""
    modules = _code(text, look).get_matrix()
    size = len(modules)
    runs = []
    for y, row in enumerate(modules):
        x = 0
        while x < size:
            if not row[x]:
                x += 1
                continue
            start = x
            while x < size and row[x]:
                x += 1
            runs.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path d="{"".join(runs)}"/></svg>'
    )


def qr_png(text: str) -> bytes:
    """A black and white PNG, `PNG_PIXELS_PER_MODULE` pixels to the module."""
    out = BytesIO()
    _code(text, TOKEN_LOOK).make_image(image_factory=PyPNGImage).save(out)
    return out.getvalue()


def qr_terminal(text: str) -> str:
    """Half-block characters for a dark terminal."""
    out = StringIO()
    _code(text, TOKEN_LOOK).print_ascii(out=out, invert=True)
    return out.getvalue()


def _code(text: str, look: Look) -> QRCode[PilImage | PyPNGImage]:
    code = QRCode(
        version=look.version,
        error_correction=look.error_correction,
        box_size=PNG_PIXELS_PER_MODULE,
        border=QUIET_MODULES,
        mask_pattern=MASK,
    )
    # A code is Base32, so the library's choice of one mode for all of it is the alphanumeric one.
    code.add_data(text, optimize=0)
    code.make(fit=False)
    return code
