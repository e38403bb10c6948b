"""The waiting room's page. Without JavaScript it reloads itself; the place is kept either way."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import ceil
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.waiting_room.errors import NoWaitingRoomError
from coupon_service.issuance.waiting_room.room import Wish
from coupon_service.issuance.waiting_room.take_place import Answer, take_place

RETRY_S = 5

bp = Blueprint("mobile_waiting_room", __name__)


@bp.get("/waiting-room/<uuid:release_id>")
@require(Kind.RESIDENT, real_name=True)
def show_room(release_id: UUID) -> ResponseReturnValue:
    """Being here is waiting here: whoever has no place gets one."""
    return _page(release_id, Wish.ENTER)


@bp.post("/waiting-room/<uuid:release_id>")
@require(Kind.RESIDENT, real_name=True)
def queue_again(release_id: UUID) -> ResponseReturnValue:
    """After a missed or used turn: a place at the end."""
    answer = _page(release_id, Wish.AGAIN)
    if isinstance(answer, str):
        address = url_for("mobile_waiting_room.show_room", release_id=release_id)
        return redirect(address, HTTPStatus.SEE_OTHER)
    return answer


def _page(release_id: UUID, wish: Wish) -> ResponseReturnValue:
    try:
        answer = take_place(release_id, principal().id, wish)
    except NoWaitingRoomError:
        address = url_for("mobile.campaign", release_id=release_id)
        return redirect(address, HTTPStatus.SEE_OTHER)
    except ConflictError as error:
        page = render_template("mobile/refused.html", error=error, release_id=release_id)
        return make_response(page, error.status)
    except UnavailableError as error:
        page = render_template("mobile/waiting_room_away.html", refresh_s=RETRY_S)
        return make_response(page, error.status, {"Retry-After": str(RETRY_S)})
    with transaction(resources().sessions) as session:
        release = release_or_refuse(session, release_id)
    return render_template("mobile/waiting_room.html", release=release, **_shown(answer))


def _shown(answer: Answer) -> dict[str, object]:
    """The answer in a page's terms: moments instead of milliseconds."""
    place, now = answer.place, _moment(answer.now_ms)
    expected = None if answer.expected_s is None else now + timedelta(seconds=answer.expected_s)
    return {
        "answer": answer,
        "place": place,
        "standing": place.standing.value,
        "now": now,
        "draw_at": _moment(place.draw_ms),
        "ends_at": _moment(place.ends_ms),
        "expected_at": expected,
        "refresh_s": None if answer.ask_again_s is None else ceil(answer.ask_again_s),
    }


def _moment(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
