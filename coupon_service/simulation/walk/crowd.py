"""The oversell attempt: 500 residents claim from a release of 100 seats in the same moment."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.campaigns.release import publish
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.simulation.http import Answer, Connection, Target, encode
from coupon_service.simulation.walk.office import Office
from coupon_service.simulation.walk.people import sign_in_somebody
from coupon_service.simulation.walk.scene import Say, Scene, expect
from coupon_service.simulation.walk.visitor import SurpriseError

CLIENTS = 500
SEATS = 100
_CAMPAIGN = "livestream"
_SIGN_INS_AT_ONCE = 12
# "The outcome is unknown until you ask again": so a client does.
_ASKS_MAX = 5
_GRANTED = (200, 201)


@dataclass(frozen=True)
class Wave:
    """A release of `seats` seats, of which `taken` are gone."""

    release_id: str
    name: str
    taken: int
    seats: int = SEATS


@dataclass(frozen=True)
class Outcome:
    """What became of the crowd: `lucky` are the vouchers, by their holders' `Cookie` headers."""

    wave: Wave
    lucky: Mapping[str, str]
    unlucky: Sequence[str]


def oversell(scene: Scene, office: Office) -> Outcome:
    """Let the crowd loose."""
    with scene.step(f"Oversell attempt: {CLIENTS} clients at once on {SEATS} seats") as say:
        wave = _wave(scene, office, say)
        cookies = _sign_crowd_in(scene)
        say(f"{CLIENTS} residents are signed in, each with a connection of their own")
        answers = asyncio.run(_claim_at_once(Target.of(scene.url), wave.release_id, cookies))
        _judge(answers, wave, say)
        taken = _find(office, wave.release_id)["claimed"]
        expect(taken == wave.seats, f"the office counts {taken} vouchers on {wave.seats} seats")
        say(f"the office counts {taken} vouchers on {wave.seats} seats: oversold 0")
        last = {cookie: asked[-1] for cookie, asked in zip(cookies, answers, strict=True)}
        lucky = {c: a.json()["voucher_id"] for c, a in last.items() if a.status in _GRANTED}
        return Outcome(wave, lucky, [cookie for cookie in cookies if cookie not in lucky])


def _wave(scene: Scene, office: Office, say: Say) -> Wave:
    """The demo's release of 100 seats; when an earlier walk took them, another such release."""
    name = next(row.name for row in scene.season.campaigns if row.code == _CAMPAIGN)
    waves = [
        release
        for release in office.releases()
        if release["campaign"] == name
        and release["quantity"] >= SEATS  # more, where one came back to somebody who waited
        and release["state"] == "open"
    ]
    if not waves:
        raise SurpriseError(f"no release of {name} is open: the walk needs the demo season")
    for release in waves:
        if release["claimed"] == 0:
            say(f"{name}, {release['name']}")
            return Wave(release["release_id"], name, 0)
    fresh = _publish_another(waves[0]["release_id"])
    if fresh is None:
        say("its budget has no other 100 seats: everybody must be told that they are sold out")
        full = waves[0]
        return Wave(full["release_id"], name, full["claimed"], full["quantity"])
    if not any(release["release_id"] == fresh for release in office.releases()):
        raise SurpriseError(f"{scene.url} does not use the database that this command was given")
    say(
        f"{name}: an earlier walk took its seats, so another {SEATS} are released (in the database)"
    )
    return Wave(fresh, name, 0)


def _publish_another(release_id: str) -> str | None:
    """A release like that one; None when its budget node cannot fund it."""
    try:
        with transaction(resources().sessions) as session:
            like = session.execute(select(Release).where(Release.id == release_id)).scalar_one()
            campaign = session.get_one(Campaign, like.campaign_id)
            another = Release(
                id=new_id(),
                campaign_id=campaign.id,
                name=like.name,
                quantity=SEATS,
                opens_at=like.opens_at,
                closes_at=like.closes_at,
            )
            session.add(another)
            session.flush()
            publish(session, another.id, now=db_now(session))
            return str(another.id)
    except InsufficientFundsError:
        return None


def _sign_crowd_in(scene: Scene) -> list[str]:
    """Sign everybody in; returns their `Cookie` headers."""

    def one(_number: int) -> str:
        visitor = scene.visitor()
        sign_in_somebody(visitor, scene.chance)
        return visitor.cookie_header

    cookies = []
    with (
        scene.progress("signing in", CLIENTS) as advance,
        ThreadPoolExecutor(_SIGN_INS_AT_ONCE) as pool,
    ):
        for cookie in pool.map(one, range(CLIENTS)):
            cookies.append(cookie)
            advance()
    return cookies


async def _claim_at_once(
    target: Target, release_id: str, cookies: Sequence[str]
) -> list[list[Answer]]:
    """Everybody connects, waits for everybody else, and claims; each client's answers in order."""
    path = f"/api/v1/releases/{release_id}/claims/1"
    requests = [encode(target, "PUT", path, headers={"Cookie": cookie}) for cookie in cookies]
    connections = await asyncio.gather(*(Connection.open(target) for _ in requests))
    try:
        return list(await asyncio.gather(*map(_claim, connections, requests)))
    finally:
        for connection in connections:
            connection.close()


async def _claim(connection: Connection, request: bytes) -> list[Answer]:
    answers = [await connection.exchange(request)]
    while answers[-1].status == 503 and len(answers) < _ASKS_MAX:
        await asyncio.sleep(1)
        answers.append(await connection.exchange(request))
    return answers


def _judge(answers: Iterable[Sequence[Answer]], wave: Wave, say: Say) -> None:
    """Exactly as many vouchers as seats were free, each another one, and nothing but refusals."""
    free = wave.seats - wave.taken
    last = [asked[-1] for asked in answers]
    asked_again = sum(len(asked) > 1 for asked in answers)
    granted = [answer.json() for answer in last if answer.status in _GRANTED]
    refused = Counter(_refusal(answer) for answer in last if answer.status not in _GRANTED)
    say(f"{len(granted)} × voucher, " + ", ".join(f"{n} × {why}" for why, n in refused.items()))
    if asked_again:
        say(f"{asked_again} were told to ask again, and did")
    expect(len(granted) == free, f"{len(granted)} clients were told of a voucher; {free} were free")
    others = set(refused) - {"409 sold-out"}
    expect(not others, f"some were refused otherwise than sold out: {', '.join(sorted(others))}")
    for key in ("voucher_id", "seat"):
        different = {answer[key] for answer in granted}
        expect(len(different) == free, f"two clients were told of the same {key}")
    beyond = [answer["seat"] for answer in granted if not 1 <= answer["seat"] <= wave.seats]
    expect(not beyond, "a seat beyond the last one")


def _refusal(answer: Answer) -> str:
    return f"{answer.status} {answer.json().get('slug')}"


def _find(office: Office, release_id: str) -> Mapping[str, Any]:
    return next(found for found in office.releases() if found["release_id"] == release_id)
