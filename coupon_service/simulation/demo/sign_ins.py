"""The demo's sign-ins, for whoever has just started the service."""

from dataclasses import dataclass
from datetime import datetime

import pyotp

from coupon_service.core.auth import Kind
from coupon_service.core.settings import Settings
from coupon_service.simulation.demo import people as demo_people


@dataclass(frozen=True)
class SignIn:
    """How to be somebody of the demo.

    Attributes:
        where: path of the page.
        name: user name or phone.
        secret: password or till key; empty for a resident, whose code the page shows.
        totp_secret: of officials, what an authenticator app is given.
    """

    role: Kind
    where: str
    name: str
    secret: str = ""
    totp_secret: str = ""

    def one_time_code(self, now: datetime) -> str:
        """The six digits an authenticator would show at that moment; empty without one."""
        return pyotp.TOTP(self.totp_secret).at(now) if self.totp_secret else ""


def describe(settings: Settings) -> list[SignIn]:
    """One or two sign-ins of every role of the demo.

    Raises:
        DemoInProductionError: in production.
    """
    residents = [
        SignIn(Kind.RESIDENT, "/", person.phone) for person in demo_people.demo_residents()[:2]
    ]
    tills = [
        SignIn(
            Kind.TILL,
            "/till/",
            f"{till.store}/{till.number}",
            demo_people.till_key(settings, till),
        )
        for till in demo_people.TILLS
    ]
    owner = SignIn(
        Kind.MERCHANT_OWNER,
        "/merchant/",
        demo_people.OWNER_USERNAME,
        demo_people.password(settings, demo_people.OWNER_USERNAME),
    )
    officials = [
        SignIn(
            official.role,
            "/admin/",
            official.username,
            demo_people.password(settings, official.username),
            demo_people.totp_secret(settings, official.username),
        )
        for official in demo_people.OFFICIALS
    ]
    return [*residents, *tills, owner, *officials]
