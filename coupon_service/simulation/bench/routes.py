"""What is measured: for each route its requests, and how the database must look afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any, Protocol
from uuid import UUID

from flask import Flask
from sqlalchemy import text

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources
from coupon_service.simulation.bench import data as bench_data
from coupon_service.simulation.bench.data import BenchData
from coupon_service.simulation.bench.load import Load, Volley
from coupon_service.simulation.http import Target, encode
from coupon_service.simulation.phone import Phone
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.token import issue_token

BARE_PREFIX = "/bare"
SOLD_OUT_SEATS = 100
# A wallet at the height of a season.
WALLET_VOUCHERS = 5
_WALLETS = 2_000
_WALLET_PAGES = 500
_TOKEN_TTL_S = 3_600


@dataclass(frozen=True)
class Stage:
    """Where the bench works. Runs inside the context of `app`, which shares the service's keys."""

    target: Target
    app: Flask
    data: BenchData


class Route(Protocol):
    """One of the things measured."""

    name: str

    def volley(self, count: int) -> Volley:
        """Up to `count` requests, with everything in the database that they need."""
        ...

    def faults(self, load: Load) -> list[str]:
        """What is wrong with what the last volley left in the database."""
        ...


class Bare:
    """The least that the same server can do."""

    name = "bare Flask route"

    def __init__(self, stage: Stage) -> None:
        self._request = encode(stage.target, "GET", f"{BARE_PREFIX}/")

    def volley(self, count: int) -> Volley:  # noqa: ARG002  # one request goes round
        return Volley([self._request], 200, cycle=True)

    def faults(self, load: Load) -> list[str]:
        return _other_answers(load, 200)


class ClaimGranted:
    """Everybody gets a voucher: residents with distinct cookies, a release with seats for all."""

    name = "claim granted"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._release_id: UUID | None = None
        self._quantity = 0

    def volley(self, count: int) -> Volley:
        residents = self._stage.data.resident_ids[:count]
        self._quantity = len(residents)
        with transaction(resources().sessions) as session:
            self._release_id = bench_data.open_release(
                session, self._stage.data, quantity=self._quantity
            )
            bench_data.warm_gate(session, self._release_id)
        return Volley(claims(self._stage, self._release_id, residents), 201, cycle=False)

    def faults(self, load: Load) -> list[str]:
        assert self._release_id is not None
        stored = _vouchers(self._release_id)
        found = _other_answers(load, 201) + _lost_or_doubled(load, 201, stored, "vouchers")
        if stored > self._quantity:
            found.append(f"oversold: {stored} vouchers on {self._quantity} seats")
        return found


class ClaimSoldOut:
    """Everybody comes too late."""

    name = "claim sold out"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        with transaction(resources().sessions) as session:
            self._release_id = bench_data.open_release(session, stage.data, quantity=SOLD_OUT_SEATS)
            bench_data.issue_vouchers(
                session, self._release_id, stage.data.resident_ids[:SOLD_OUT_SEATS]
            )

    def volley(self, count: int) -> Volley:
        with transaction(resources().sessions) as session:
            bench_data.warm_gate(session, self._release_id)
        late = self._stage.data.resident_ids[SOLD_OUT_SEATS : SOLD_OUT_SEATS + count]
        return Volley(claims(self._stage, self._release_id, late), 409, cycle=True)

    def faults(self, load: Load) -> list[str]:
        found = _other_answers(load, 409)
        stored = _vouchers(self._release_id)
        if stored != SOLD_OUT_SEATS:
            found.append(f"{stored} vouchers on the {SOLD_OUT_SEATS} seats of a sold-out release")
        return found


class Wallet:
    """Residents look at their vouchers: a page with a handful of tickets."""

    name = "wallet page"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        data = stage.data
        self._owners = data.resident_ids[:_WALLETS]
        with transaction(resources().sessions) as session:
            for _ in range(WALLET_VOUCHERS):
                release_id = bench_data.open_release(session, data, quantity=len(self._owners))
                bench_data.issue_vouchers(session, release_id, self._owners)

    def volley(self, count: int) -> Volley:
        return Volley(_pages(self._stage, self._owners[:count], ["/wallet"]), 200, cycle=True)

    def faults(self, load: Load) -> list[str]:
        return _other_answers(load, 200)


class VoucherPage:
    """Residents open a voucher at the till: a freshly signed token, drawn as a QR code."""

    name = "voucher page"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        data = stage.data
        self._owners = data.resident_ids[:_WALLET_PAGES]
        with transaction(resources().sessions) as session:
            release_id = bench_data.open_release(session, data, quantity=len(self._owners))
            vouchers = bench_data.issue_vouchers(session, release_id, self._owners)
        self._paths = [f"/vouchers/{facts.voucher_id}" for facts in vouchers]

    def volley(self, count: int) -> Volley:
        owners, paths = self._owners[:count], self._paths[:count]
        return Volley(_pages(self._stage, owners, paths), 200, cycle=True)

    def faults(self, load: Load) -> list[str]:
        return _other_answers(load, 200)


class Showings:
    """Vouchers of distinct residents, each shown on its holder's bound phone: both signatures."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._phones = stage.data.phones
        self._release_id: UUID | None = None

    def quotes(self, count: int) -> list[bytes]:
        """A quote for each; tills take turns, so that each stays below its rate limit."""
        return [self._at_till("/api/v1/quotes", n, body) for n, body in self._shown(count)]

    def redemptions(self, count: int) -> list[bytes]:
        """An order for each, likewise."""
        return [
            self._at_till("/api/v1/redemptions", n, body | {"order_no": f"bench-{new_id().hex}"})
            for n, body in self._shown(count)
        ]

    def faults(self, load: Load) -> list[str]:
        """What is wrong with the redemptions of the last vouchers."""
        with transaction(resources().sessions) as session:
            stored: int = session.execute(
                text(
                    "SELECT count(*) FROM redemptions r JOIN vouchers v ON v.id = r.voucher_id"
                    " WHERE v.release_id = :id AND r.state = 'redeemed' AND v.state = 'redeemed'"
                ),
                {"id": self._release_id},
            ).scalar_one()
        return _other_answers(load, 201) + _lost_or_doubled(load, 201, stored, "redemptions")

    def _shown(self, count: int) -> list[tuple[int, dict[str, Any]]]:
        # The last ones: other routes look at the first ones' pages.
        residents = self._stage.data.resident_ids[-count:]
        with transaction(resources().sessions) as session:
            new = {id_: Phone() for id_ in residents if id_ not in self._phones}
            bench_data.bind_phones(session, new)
            self._phones |= new
            self._release_id = bench_data.open_release(
                session, self._stage.data, quantity=len(residents)
            )
            vouchers = bench_data.issue_vouchers(session, self._release_id, residents)
            keys, now = keyring(session), db_now(session)
        bodies = []
        for number, (resident_id, facts) in enumerate(zip(residents, vouchers, strict=True)):
            phone = self._phones[resident_id]
            bound = replace(facts, phone_key=phone.public_key)
            token = issue_token(keys, bound, now=now, ttl_s=_TOKEN_TTL_S)
            code = phone.prove(facts.voucher_id, token, int(now.timestamp()))
            order_fen = bench_data.THRESHOLD_FEN + 1_000 + number % 5_000
            bodies.append((number, {"vouchers": [{"code": code}], "order_fen": order_fen}))
        return bodies

    def _at_till(self, path: str, number: int, body: dict[str, Any]) -> bytes:
        keys = self._stage.data.till_keys
        headers = {"Authorization": f"Bearer {keys[number % len(keys)]}"}
        return encode(self._stage.target, "POST", path, headers=headers, json=body)


class Quote:
    """Tills ask what customers would pay."""

    name = "quote"

    def __init__(self, stage: Stage) -> None:
        self._showings = Showings(stage)

    def volley(self, count: int) -> Volley:
        return Volley(self._showings.quotes(count), 200, cycle=False)

    def faults(self, load: Load) -> list[str]:
        return _other_answers(load, 200)


class Redemption:
    """Tills redeem vouchers of distinct residents."""

    name = "redemption"

    def __init__(self, stage: Stage) -> None:
        self._showings = Showings(stage)

    def volley(self, count: int) -> Volley:
        return Volley(self._showings.redemptions(count), 201, cycle=False)

    def faults(self, load: Load) -> list[str]:
        return self._showings.faults(load)


def _pages(stage: Stage, resident_ids: Sequence[UUID], paths: Sequence[str]) -> list[bytes]:
    """One page for each resident, from these paths in turn."""
    sent = zip(bench_data.cookies(stage.app, resident_ids), cycle(paths), strict=False)
    return [encode(stage.target, "GET", path, headers={"Cookie": cookie}) for cookie, path in sent]


def claims(stage: Stage, release_id: UUID, resident_ids: Sequence[UUID]) -> list[bytes]:
    """A claim of each resident."""
    path = f"/api/v1/releases/{release_id}/claims/1"
    return [
        encode(stage.target, "PUT", path, headers={"Cookie": cookie})
        for cookie in bench_data.cookies(stage.app, resident_ids)
    ]


def _vouchers(release_id: UUID) -> int:
    with transaction(resources().sessions) as session:
        count: int = session.execute(
            text("SELECT count(*) FROM vouchers WHERE release_id = :id"), {"id": release_id}
        ).scalar_one()
    return count


def _other_answers(load: Load, expected: int) -> list[str]:
    others = {status: count for status, count in load.answers.items() if status != expected}
    found = [f"{count} answers were {status}, not {expected}" for status, count in others.items()]
    if load.broken:
        found.append(f"{load.broken} requests broke off or timed out")
    return found


def _lost_or_doubled(load: Load, expected: int, stored: int, what: str) -> list[str]:
    """Each acknowledged one is stored; more are only what was under way when time was over."""
    acknowledged = load.answers[expected]
    if acknowledged <= stored <= acknowledged + load.unanswered:
        return []
    under_way = f"{load.unanswered} were under way at the end"
    return [f"{stored} {what} are stored, {acknowledged} were acknowledged and {under_way}"]
