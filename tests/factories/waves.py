"""Releases that are claimed in other ways, and what officials make for them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Mode, Release
from coupon_service.campaigns.release import publish
from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import ClaimCommand, Outcome, claim
from coupon_service.issuance.codes.make_code import MadeCode, NewCode, make_code
from coupon_service.issuance.gate import gate

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def at_once(app: Flask, work: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
    """Do all of it in threads that start together, each within the application."""
    start = Barrier(len(items))

    def one(item: Item) -> Answer:
        start.wait()
        with app.app_context():
            return work(item)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(one, items))


def make_mode_release(
    session: Session, campaign: Campaign, mode: Mode, *, quantity: int = 100, **fields: Any
) -> Release:
    """A published release of this mode, open since a minute ago."""
    now = db_now(session)
    defaults: dict[str, Any] = {
        "id": new_id(),
        "campaign_id": campaign.id,
        "name": "第一轮",
        "mode": mode,
        "quantity": quantity,
        "opens_at": now - timedelta(minutes=1),
        "closes_at": now + timedelta(days=7),
    }
    release = Release(**(defaults | fields))
    session.add(release)
    session.flush()
    return publish(session, release.id, now=now)


def make_claim_code(session: Session, release_id: UUID, **fields: Any) -> MadeCode:
    """A code of ten online uses that works for a day."""
    now = db_now(session)
    defaults: dict[str, Any] = {
        "label": "广内社区群",
        "channel": Channel.ONLINE,
        "uses_max": 10,
        "valid_from": now - timedelta(minutes=1),
        "valid_until": now + timedelta(days=1),
    }
    new = NewCode(**(defaults | fields))
    return make_code(session, resources().vault, release_id, new, official_id=new_id())


def claim_now(session: Session, release_id: UUID, resident_id: UUID) -> Outcome:
    """A first-come claim online."""
    (outcome,) = claim(session, gate(), [ClaimCommand(release_id, resident_id, Channel.ONLINE)])
    return outcome
