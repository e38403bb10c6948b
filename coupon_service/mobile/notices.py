"""The resident's notices, and the page where they choose which of them leave the application."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from coupon_service.core.auth import Kind, principal, require, signed_in
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import NotFoundError
from coupon_service.core.resources import resources
from coupon_service.mobile.unread import unread_badge
from coupon_service.notices.kinds import NOT_TO_BE_REFUSED
from coupon_service.notices.models import Notice, NoticeKind, Topic, Way
from coupon_service.notices.queries import (
    PAGE_NOTICES,
    choices_of,
    choose,
    mark_read,
    notices_of,
    unread_count,
)
from coupon_service.notices.words import topic_words, way_words, words_of

bp = Blueprint("mobile_notices", __name__)

_ICONS = {
    NoticeKind.EXPIRES_TOMORROW: "clock",
    NoticeKind.LOTTERY_LOST: "flag",
    NoticeKind.PHONE_REBOUND: "phone",
    NoticeKind.PROXY_ASKED: "family",
    NoticeKind.PROXY_WITHDRAWN: "family",
    NoticeKind.VOUCHER_RETURNED: "undo",
}


@bp.app_template_global()
def unread_notices() -> str:
    """What a badge says: `3`, `99+` or nothing. It asks the database: pages call it, shells do not.

    Answers to a form say nothing: on a busy morning most of them are refusals.
    """
    who = signed_in(Kind.RESIDENT) if request.method == "GET" else None
    if who is None:
        return ""
    with transaction(resources().sessions) as session:
        return unread_badge(unread_count(session, who.id))


@bp.get("/notices")
@require(Kind.RESIDENT)
def show_notices() -> str:
    """Newest first; what is shown counts as seen from then on."""
    before_id = _before_id()
    with transaction(resources().sessions) as session:
        now = db_now(session)
        found = notices_of(session, principal().id, before_id=before_id, limit=PAGE_NOTICES + 1)
        page = found[:PAGE_NOTICES]
        unread = [notice.id for notice in page if notice.read_at is None]
        if unread:
            mark_read(session, principal().id, unread, now=now)
    shown = [
        {
            "notice": notice,
            "words": words_of(NoticeKind(notice.kind), notice.params),
            "icon": _ICONS.get(NoticeKind(notice.kind), "ticket"),
            "href": _address(notice),
        }
        for notice in page
    ]
    older_id = page[-1].id if len(found) > PAGE_NOTICES else None
    return render_template(
        "mobile/notices.html", notices=shown, new_count=len(unread), older_id=older_id, now=now
    )


@bp.get("/notices/choices")
@require(Kind.RESIDENT)
def show_choices() -> str:
    """Which notices leave the application, and how."""
    with transaction(resources().sessions) as session:
        choices = choices_of(session, principal().id)
    rows = [
        {
            "words": topic_words(topic),
            "ways": [
                {
                    "name": f"{topic}-{way}",
                    "words": way_words(way),
                    "wanted": choices[topic, way],
                    "fixed": (topic, way) in NOT_TO_BE_REFUSED,
                }
                for way in (Way.WECHAT, Way.SMS)
            ],
        }
        for topic in Topic
    ]
    saved = request.args.get("saved") == "1"
    return render_template("mobile/notice_choices.html", rows=rows, saved=saved)


@bp.post("/notices/choices")
@require(Kind.RESIDENT)
def change_choices() -> ResponseReturnValue:
    """Take the whole form: a box that is not in it is not ticked."""
    wanted = {(topic, way): f"{topic}-{way}" in request.form for topic in Topic for way in Way}
    with transaction(resources().sessions) as session:
        choose(session, principal().id, wanted)
    return redirect(url_for("mobile_notices.show_choices", saved=1), HTTPStatus.SEE_OTHER)


def _before_id() -> UUID | None:
    given = request.args.get("before")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise NotFoundError from None


def _address(notice: Notice) -> str:
    """Where a notice leads."""
    params = notice.params
    if "voucher_id" in params:
        return url_for("mobile_wallet.voucher", voucher_id=params["voucher_id"])
    if "release_id" in params:
        return url_for("mobile.campaign", release_id=params["release_id"])
    if notice.kind in (NoticeKind.PROXY_ASKED, NoticeKind.PROXY_WITHDRAWN):
        return "/household"
    return "/wallet"
