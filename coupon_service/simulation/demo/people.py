"""The people and machines of the demo, and what they sign in with.

Their secrets are computed from the deployment's secret key, so that the command that walks through
the demo knows them without a file, and nobody without that key does. Production refuses the demo.
"""

import base64
import hmac
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from coupon_service.core.auth import Kind
from coupon_service.core.settings import Environment, Settings
from coupon_service.core.webhooks import as_secret
from coupon_service.issuance.codes.code_text import CODE_CHARS
from coupon_service.residents.id_number import check_character
from merchants.till_key import key_of


class DemoInProductionError(Exception):
    """The demo's people have no place beside real ones."""


@dataclass(frozen=True)
class DemoOfficial:
    username: str
    name: str
    role: Kind


@dataclass(frozen=True)
class DemoTill:
    """A till at a store of the season's files. The first of each store is made for every store."""

    store: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.number}号收银台"


@dataclass(frozen=True)
class DemoResident:
    """Phone and ID number are well formed and belong to nobody: no network has the prefix 142,
    and the police hand out sequence numbers from 001.
    """

    phone: str
    name: str
    id_number: str


OFFICIALS = (
    DemoOfficial("official", "示例·经办", Kind.OFFICIAL),
    DemoOfficial("auditor", "示例·审计", Kind.AUDITOR),
    DemoOfficial("administrator", "示例·管理员", Kind.ADMINISTRATOR),
)

# The owner of the merchant with the most stores, and two of its stores' tills; a third till is
# another merchant's.
OWNER_USERNAME = "owner"
OWNER_MERCHANT = "m001"
TILLS = (DemoTill("xichanganjie-01", 1), DemoTill("xichanganjie-01", 2), DemoTill("dashilan-02", 1))

# The season's release that is claimed by a community's code.
COMMUNITY_RELEASE = "group-chain-1"

# Of the demo residents: a daughter or son, and the parent they act for.
AGENT = 0
PARENT = 2

_SURNAMES = "陈林马周赵孙李白"
_BIRTHDAYS = (
    *("19880412", "19930826", "19561203", "20010119"),
    *("19790630", "19950214", "19621108", "20040507"),
)


def demo_secret(settings: Settings, name: str) -> bytes:
    """32 bytes that only this deployment's secret key and that name give.

    Raises:
        DemoInProductionError: in production.
    """
    refuse_production(settings)
    key = settings.secret_key.get_secret_value().encode()
    return hmac.digest(key, f"demo/{name}".encode(), sha256)


def refuse_production(settings: Settings) -> None:
    """Raises DemoInProductionError in production."""
    if settings.env is Environment.PRODUCTION:
        raise DemoInProductionError("the demo season is not for production")


def password(settings: Settings, username: str) -> str:
    """A demo user's password: four groups of four letters and digits, 80 bits."""
    text = base64.b32encode(demo_secret(settings, f"password/{username}")[:10]).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def totp_secret(settings: Settings, username: str) -> str:
    """A demo official's authenticator secret, in base 32."""
    return base64.b32encode(demo_secret(settings, f"totp/{username}")[:20]).decode()


def till_key(settings: Settings, till: DemoTill) -> str:
    """A demo till's key, its id included."""
    name = f"{till.store}/{till.number}"
    till_id = UUID(bytes=demo_secret(settings, f"till-id/{name}")[:16], version=4)
    return key_of(till_id, demo_secret(settings, f"till/{name}"))


def ar_secret(settings: Settings, provider: str) -> str:
    """A demo AR provider's signing secret, `whsec_…`."""
    return as_secret(demo_secret(settings, f"ar/{provider}"))


def seed(settings: Settings, name: str) -> str:
    """The 32 bytes of a demo draw's seed file, as hex."""
    return demo_secret(settings, f"seed/{name}").hex()


def community_code(settings: Settings, release: str) -> str:
    """The code of a demo release that is claimed by code, in its normal form: digits only."""
    number = int.from_bytes(demo_secret(settings, f"code/{release}"))
    return f"{number % 10**CODE_CHARS:0{CODE_CHARS}d}"


def demo_residents() -> tuple[DemoResident, ...]:
    """Eight adults of all ages."""
    return tuple(
        DemoResident(f"1420000{number:04d}", f"{surname}示例", _id_number(birthday))
        for number, (surname, birthday) in enumerate(
            zip(_SURNAMES, _BIRTHDAYS, strict=True), start=1
        )
    )


def _id_number(birthday: str) -> str:
    first_seventeen = f"110102{birthday}000"
    return first_seventeen + check_character(first_seventeen)
