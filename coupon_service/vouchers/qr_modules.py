"""The modules of a QR code (ISO/IEC 18004), found in a fraction of a millisecond.

A picture of a fixed version, level and mask differs from another only by its codewords. So the
library is asked once where it puts each bit of them, and from then on putting them there is a
look-up. Reed-Solomon's remainder is divided a whole byte at a time, likewise from a table.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain, product, zip_longest
from operator import itemgetter

from qrcode import QRCode
from qrcode.base import RSBlock, gexp, glog, rs_blocks
from qrcode.util import ALPHA_NUM, MODE_8BIT_BYTE, MODE_ALPHA_NUM, length_in_bits

MASK = 3

_MODE_BITS = 4
_PAD = ("11101100", "00010001")
_LETTERS = ALPHA_NUM.decode()
# Two letters take 11 bits, a last one by itself 6.
_LETTER_BITS = {letter: f"{value:06b}" for value, letter in enumerate(_LETTERS)} | {
    first + second: f"{number:011b}"
    for number, (first, second) in enumerate(product(_LETTERS, repeat=2))
}


def dark_modules(text: str, version: int, error_correction: int) -> Sequence[bytes]:
    """The rows from above, each as bits from the left, filled up with light ones to whole bytes.

    Raises:
        ValueError: the text is too long.
    """
    return _Form.of(version, error_correction).rows(text)


class _Form:
    """What all codes of a version and level have in common."""

    def __init__(self, version: int, error_correction: int) -> None:
        self._version = version
        self._level = error_correction
        self._blocks = rs_blocks(version, error_correction)
        self._data_bits = 8 * sum(block.data_count for block in self._blocks)
        self._all_bits = 8 * sum(block.total_count for block in self._blocks)
        self._row_bytes = -(-(version * 4 + 17) // 8)
        self._masked, self._place = self._layout()

    @staticmethod
    @cache
    def of(version: int, error_correction: int) -> "_Form":
        return _Form(version, error_correction)

    def rows(self, text: str) -> Sequence[bytes]:
        data = self._data(text)
        stream = int.from_bytes(_interleaved(self._blocks, data)) ^ self._masked
        bits = f"{stream:0{self._all_bits}b}01"
        size = self._row_bytes
        picture = int("".join(self._place(bits)), 2).to_bytes(size * (self._version * 4 + 17))
        return [picture[start : start + size] for start in range(0, len(picture), size)]

    def _data(self, text: str) -> bytes:
        """The text as codewords, filled up to the version's number of them."""
        if _LETTERS_ONLY.issuperset(text):
            mode, count = MODE_ALPHA_NUM, len(text)
            width = length_in_bits(MODE_ALPHA_NUM, self._version)  # type: ignore[arg-type]  # a literal
            body = "".join([_LETTER_BITS[text[at : at + 2]] for at in range(0, count, 2)])
        else:
            raw = text.encode()
            mode, count = MODE_8BIT_BYTE, len(raw)
            width = length_in_bits(MODE_8BIT_BYTE, self._version)  # type: ignore[arg-type]  # a literal
            body = "".join([f"{byte:08b}" for byte in raw])
        bits = f"{mode:0{_MODE_BITS}b}{count:0{width}b}{body}"
        room = self._data_bits
        if len(bits) > room:
            raise ValueError(f"{count} characters do not fit version {self._version}")
        bits += "0" * min(4, room - len(bits))
        bits += "0" * (-len(bits) % 8)
        missing = (room - len(bits)) // 8
        bits += "".join(_PAD) * (missing // 2) + _PAD[0] * (missing % 2)
        return int(bits, 2).to_bytes(room // 8)

    def _layout(self) -> tuple[int, Callable[[str], tuple[str, ...]]]:
        """The codewords' bits that the mask turns over, and what to take for each module.

        A module is given by the number of a bit, or `_all_bits` for one that is always light and
        the next for one that is always dark. Found by drawing each digit of the bits' numbers.
        """
        numbers = range(1, self._all_bits + 1)
        drawn = [
            self._drawn([number >> digit & 1 for number in numbers])
            for digit in range(self._all_bits.bit_length())
        ]
        plain = self._drawn([0] * self._all_bits)
        place, masked = [], 0
        for module, dark in enumerate(plain):
            number = sum((one[module] != dark) << digit for digit, one in enumerate(drawn))
            if number == 0:
                place.append(self._all_bits + dark)
                continue
            place.append(number - 1)
            masked |= dark << self._all_bits - number
        return masked, itemgetter(*place)

    def _drawn(self, bits: Sequence[int]) -> list[bool]:
        """The library's picture of these codewords, its rows filled up to whole bytes."""
        code = QRCode(self._version, self._level, mask_pattern=MASK)
        code.data_cache = [
            int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8)
        ]
        code.make(fit=False)
        spare = [False] * (self._row_bytes * 8 - code.modules_count)
        return [bool(module) for row in code.modules for module in (*row, *spare)]


_LETTERS_ONLY = frozenset(_LETTERS)


def _interleaved(blocks: Sequence[RSBlock], data: bytes) -> bytes:
    """The codewords as they are drawn: of each block the first, the second, …; then the checks."""
    parts, checks, start = [], [], 0
    for block in blocks:
        part = data[start : start + block.data_count]
        start += block.data_count
        parts.append(part)
        checks.append(_check(part, block.total_count - block.data_count))
    columns = chain(zip_longest(*parts), zip(*checks, strict=True))
    return bytes([word for column in columns for word in column if word is not None])


def _check(part: bytes, count: int) -> bytes:
    """The `count` check codewords of a block: what is left of it divided by the generator."""
    multiples, width = _multiples(count), 8 * (count - 1)
    below = (1 << width) - 1
    rest = 0
    for word in part:
        rest = (rest & below) << 8 ^ multiples[word ^ rest >> width]
    return rest.to_bytes(count)


@cache
def _multiples(count: int) -> Sequence[int]:
    """The generator of `count` check codewords, without its leading 1, times each byte."""
    generator = [1]
    for power in range(count):  # times (x - 2^power)
        shifted = [*generator, 0]
        for at, factor in enumerate(generator, 1):
            shifted[at] ^= _times(factor, gexp(power))
        generator = shifted
    return [
        int.from_bytes(bytes(_times(byte, factor) for factor in generator[1:]))
        for byte in range(256)
    ]


def _times(one: int, other: int) -> int:
    """The product in GF(256)."""
    return int(gexp(glog(one) + glog(other))) if one and other else 0
