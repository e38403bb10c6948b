"""Names as identity cards show them, and how much of a name and a phone is shown again."""

import re
import unicodedata

from coupon_service.residents.errors import InvalidNameError

NAME_CHARS_MAX = 40
# Letters of any script; a middle dot, blank, hyphen, apostrophe or point only between them.
_NAME = re.compile(r"[^\W\d_]+(?:[· .'-]{1,2}[^\W\d_]+)*\.?")
_DOTS = str.maketrans("•・‧∙．", "·····")


def normalise_name(typed: str) -> str:
    """One spelling for one name: composed, one kind of dot, single blanks.

    Raises:
        InvalidNameError
    """
    name = " ".join(unicodedata.normalize("NFC", typed).translate(_DOTS).split())
    if not 2 <= len(name) <= NAME_CHARS_MAX or not _NAME.fullmatch(name):
        raise InvalidNameError
    return name


def mask_name(name: str) -> str:
    """`张**`."""
    return name[0] + "*" * min(len(name) - 1, 2)


def mask_phone(phone: str) -> str:
    """`138****0000`."""
    return phone[:3] + "****" + phone[-4:]
