"""`/api/v1/notices`: a resident's own notices, and what of them leaves the application."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.notices.models import Topic, Way
from coupon_service.notices.queries import (
    PAGE_NOTICES,
    choices_of,
    choose,
    mark_read,
    notices_of,
    unread_count,
)
from coupon_service.notices.schemas import (
    ChoicesBody,
    ChoicesView,
    ChoiceView,
    NoticesQuery,
    NoticesView,
    NoticeView,
    ReadBody,
)

bp = APIBlueprint(
    "notices_api",
    __name__,
    url_prefix="/api/v1/notices",
    abp_tags=[Tag(name="Notices")],
    abp_security=[{"resident": []}],
)


@bp.get("", responses={200: NoticesView})
@require(Kind.RESIDENT)
def list_notices(query: NoticesQuery) -> Response:
    """Newest first, a page at a time. Reading them here does not mark them as seen."""
    who = principal().id
    with transaction(resources().sessions) as session:
        notices = notices_of(session, who, before_id=query.before_id, limit=PAGE_NOTICES + 1)
        unread = unread_count(session, who)
    page = notices[:PAGE_NOTICES]
    view = NoticesView(
        notices=[NoticeView.of(notice) for notice in page],
        unread_count=unread,
        next_before_id=page[-1].id if len(notices) > PAGE_NOTICES else None,
    )
    return jsonify(view.model_dump())


@bp.post("/read")
@require(Kind.RESIDENT)
def mark_notices(body: ReadBody) -> tuple[str, HTTPStatus]:
    """Mark notices as seen. Somebody else's are left alone, without a word."""
    with transaction(resources().sessions) as session:
        mark_read(session, principal().id, body.notice_ids, now=db_now(session))
    return "", HTTPStatus.NO_CONTENT


@bp.get("/choices", responses={200: ChoicesView})
@require(Kind.RESIDENT)
def list_choices() -> Response:
    """What leaves the application, by topic and way."""
    with transaction(resources().sessions) as session:
        choices = choices_of(session, principal().id)
    return jsonify(_view(choices).model_dump())


@bp.put("/choices", responses={200: ChoicesView})
@require(Kind.RESIDENT)
def change_choices(body: ChoicesBody) -> Response:
    """Choose. What nobody can refuse stays as it is."""
    wanted = {(choice.topic, choice.way): choice.wanted for choice in body.choices}
    with transaction(resources().sessions) as session:
        choose(session, principal().id, wanted)
        choices = choices_of(session, principal().id)
    return jsonify(_view(choices).model_dump())


def _view(choices: dict[tuple[Topic, Way], bool]) -> ChoicesView:
    return ChoicesView(
        choices=[ChoiceView.of(topic, way, wanted) for (topic, way), wanted in choices.items()]
    )
