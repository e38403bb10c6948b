"""How a claim code is written, and the one form in which it is compared.

Eight characters of Crockford's Base32 (https://www.crockford.com/base32.html), 40 random bits:
digits and capitals without I, L, O and U, shown in two groups of four.
"""

import re
import secrets
import unicodedata

from coupon_service.core.personal import Vault

CODE_CHARS = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("OIL", "011")
# What people put between groups: blanks, and the dashes of any keyboard.
_BETWEEN = re.compile(r"[\s_\u002d\u2010-\u2015\u2212]+")
_WRITTEN = re.compile(f"[{_ALPHABET}]{{{CODE_CHARS}}}")


def fresh_code() -> str:
    """A code nobody has, in its normal form."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_CHARS))


def normalised(typed: str) -> str | None:
    """The normal form of what somebody typed, or None if no code is written like that.

    Full-width characters, small letters, blanks and dashes are forgiven, and so is taking O for 0
    and I or L for 1.
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed[:80])).upper()
    folded = plain.translate(_LOOK_ALIKES)
    return folded if _WRITTEN.fullmatch(folded) else None


def shown(code: str) -> str:
    """A normal form as people read it: `7KQ4-M2XH`."""
    half = CODE_CHARS // 2
    return f"{code[:half]}-{code[half:]}"


def index_of(vault: Vault, code: str) -> bytes:
    """The keyed hash a normal form is found by."""
    return vault.index("claim-code", code)
