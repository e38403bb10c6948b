"""Lotteries on the phone: enter or withdraw, follow the draw, check that one is in it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require, signed_in
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, InvalidRequestError
from coupon_service.core.resources import resources
from coupon_service.issuance.lottery.desk import enter_online, withdraw_online
from coupon_service.issuance.lottery.models import (
    DrawState,
    LotteryDraw,
    LotteryEntry,
    LotteryRank,
)
from coupon_service.issuance.lottery.queries import (
    draw_or_refuse,
    draws_now,
    entries_count,
    has_won,
    highest_winning_lot,
    proof_of,
    rank_of,
    source_of,
)
from coupon_service.issuance.lottery.schemas import announcement_sha256
from coupon_service.residents.household import acting_for
from coupon_service.vouchers.models import Voucher

bp = Blueprint("mobile_draws", __name__)

_ = gettext


@dataclass(frozen=True)
class Mine:
    """The visitor's own part in a draw.

    Attributes:
        proof: what the page checks in the browser; hashes and salt as hex.
        drawn: None until the draw is made.
        won: None while that is open.
    """

    proof: dict[str, Any]
    drawn: LotteryRank | None
    won: bool | None
    voucher_id: UUID | None


@dataclass(frozen=True)
class Relative:
    """Somebody the visitor may enter for, and whether they are in."""

    id: UUID
    name: str
    entered: bool


@bp.get("/draws")
@require(Kind.ANYONE)
def list_draws() -> str:
    """All draws of releases that are not over, and in which of them the visitor is."""
    visitor = signed_in(Kind.RESIDENT)
    with transaction(resources().sessions) as session:
        now = db_now(session)
        draws = draws_now(session, now)
        mine = {
            draw.release_id
            for draw in draws
            if visitor and session.get(LotteryEntry, (draw.release_id, visitor.id))
        }
    return render_template("mobile/draws.html", draws=draws, mine=mine, now=now)


@bp.get("/draws/<uuid:draw_id>")
@require(Kind.ANYONE)
def show_draw(draw_id: UUID) -> Response:
    """One draw, as far as it is."""
    return _page(draw_id)


@bp.post("/draws/<uuid:draw_id>/enter")
@require(Kind.RESIDENT, real_name=True)
def enter_draw(draw_id: UUID) -> ResponseReturnValue:
    """Enter oneself, or a relative one may act for."""
    try:
        enter_online(principal().id, draw_id, for_resident_id=_for_whom())
    except ConflictError as refusal:
        return _page(draw_id, refusal=refusal)
    return redirect(url_for("mobile_draws.show_draw", draw_id=draw_id), HTTPStatus.SEE_OTHER)


@bp.post("/draws/<uuid:draw_id>/withdraw")
@require(Kind.RESIDENT, real_name=True)
def withdraw_entry(draw_id: UUID) -> ResponseReturnValue:
    """Withdraw one's own entry, or a relative's."""
    try:
        withdraw_online(principal().id, draw_id, for_resident_id=_for_whom())
    except ConflictError as refusal:
        return _page(draw_id, refusal=refusal)
    return redirect(url_for("mobile_draws.show_draw", draw_id=draw_id), HTTPStatus.SEE_OTHER)


def source_words(draw: LotteryDraw) -> str:
    """The source of the randomness in plain words."""
    named = source_of(draw).as_announced()
    match named["kind"]:
        case "drand":
            return str(_("drand 公共随机信标第 %(round)s 轮", round=named["round"]))
        case "welfare_lottery" if named["game"] == "kl8":
            return str(_("福利彩票快乐8第 %(number)s 期开奖号码", number=named["number"]))
        case "welfare_lottery":
            return str(_("福利彩票双色球第 %(number)s 期开奖号码", number=named["number"]))
        case _:
            return str(_("演练文件 %(name)s", name=named["name"]))


def _page(draw_id: UUID, *, refusal: ConflictError | None = None) -> Response:
    held = resources()
    visitor = signed_in(Kind.RESIDENT)
    with transaction(held.sessions) as session:
        now = db_now(session)
        draw = draw_or_refuse(session, draw_id)
        count = entries_count(session, held.hints, draw)
        mine = _mine(session, draw, visitor.id) if visitor else None
        lot = highest_winning_lot(session, draw)
        relatives: list[Relative] = []
        if visitor is not None and visitor.verified:
            relatives = [
                Relative(one.id, one.name, session.get(LotteryEntry, (draw_id, one.id)) is not None)
                for one in acting_for(session, held.vault, visitor.id)
            ]
    release = draw.release
    collecting = draw.state == DrawState.COLLECTING and draw.entries_close_at > now
    page = render_template(
        "mobile/draw.html",
        draw=draw,
        release=release,
        count=count,
        mine=mine,
        relatives=relatives,
        open_now=collecting and release.state == "open" and release.opens_at <= now,
        upcoming=collecting and release.opens_at > now,
        source_words=source_words(draw),
        announcement_sha256=announcement_sha256(draw),
        cut=lot.hex() if lot else None,
        refusal=refusal,
        now=now,
    )
    return make_response(page, refusal.status if refusal else HTTPStatus.OK)


def _mine(session: Session, draw: LotteryDraw, resident_id: UUID) -> Mine | None:
    entry = session.get(LotteryEntry, (draw.release_id, resident_id))
    if entry is None:
        return None
    proof, drawn = proof_of(session, draw, entry), rank_of(session, entry)
    voucher_id = session.scalars(
        select(Voucher.id).filter_by(release_id=draw.release_id, resident_id=resident_id)
    ).one_or_none()
    shown = {
        "salt": entry.salt.hex(),
        "id": entry.id.hex,
        "leaf": proof.leaf.hex(),
        "position": proof.position,
        "path": " ".join(sibling.hex() for sibling in proof.siblings),
    }
    return Mine(shown, drawn, has_won(draw, drawn), voucher_id)


def _for_whom() -> UUID | None:
    given = request.form.get("for", "")
    if not given:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise InvalidRequestError from None
