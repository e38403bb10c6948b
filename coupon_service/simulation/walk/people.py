"""People who do not exist, and how they sign in."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from coupon_service.residents.id_number import check_character
from coupon_service.simulation.walk.visitor import SurpriseError, Visitor

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "安平宁和静远明清文思雨晨星云山川林溪石竹松梅兰菊荷月华英秀慧敏捷勤"
_OLDEST = date(1945, 1, 1)
_DAYS = (date(2006, 1, 1) - _OLDEST).days
# Beijing never had counties with these numbers, and the police count from 001, never 000.
_COUNTIES = range(40, 80)
# A made-up number may have been made up before.
_TRIES = 5


@dataclass(frozen=True)
class Person:
    """Name, phone and ID number, well formed and nobody's: no network has the prefix 142."""

    name: str
    phone: str
    id_number: str


def made_up(chance: random.Random) -> Person:
    """Somebody new, of age."""
    name = chance.choice(_SURNAMES) + chance.choice(_GIVEN) + chance.choice(_GIVEN)
    born = _OLDEST + timedelta(days=chance.randrange(_DAYS))
    body = f"1101{chance.choice(_COUNTIES)}{born:%Y%m%d}000"
    return Person(
        name=name,
        phone=f"142{chance.randrange(10**8):08d}",
        id_number=body + check_character(body),
    )


def sign_in_somebody(visitor: Visitor, chance: random.Random) -> Person:
    """Sign a made-up person in on this browser, real name confirmed.

    Raises:
        SurpriseError: the service does not let them in.
    """
    for _ in range(_TRIES):
        person = made_up(chance)
        code = visitor.post("/api/v1/sign-in/codes", {"phone": person.phone}, expect=202)
        if not code.json["code"]:
            raise SurpriseError(
                "the one-time code was not shown: the walk is for development services"
            )
        entered = {"phone": person.phone, "code": code.json["code"]}
        if visitor.post("/api/v1/sign-in", entered, expect=200).json["verified"]:
            continue  # an earlier walk made up the same phone
        named = {"name": person.name, "id_number": person.id_number}
        if visitor.post("/api/v1/me/real-name", named, expect=_NAMED_OR_KNOWN).status == 200:
            return person
    raise SurpriseError(f"{_TRIES} made-up people in a row were known already")


_NAMED_OR_KNOWN = frozenset({200, 409})
