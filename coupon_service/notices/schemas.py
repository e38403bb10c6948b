"""Notices on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from coupon_service.core.schemas import Body, View
from coupon_service.notices.kinds import NOT_TO_BE_REFUSED
from coupon_service.notices.models import Notice, NoticeKind, Topic, Way
from coupon_service.notices.queries import PAGE_NOTICES
from coupon_service.notices.words import words_of


class NoticesQuery(Body):
    before_id: UUID | None = Field(default=None, description="`next_before_id` of the page before")


class NoticeView(View):
    """A notice in the words of the caller's language, and the facts they are made of."""

    id: UUID
    kind: NoticeKind
    title: str
    text: str
    params: dict[str, str | int | bool | None]
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, notice: Notice) -> "NoticeView":
        kind = NoticeKind(notice.kind)
        words = words_of(kind, notice.params)
        return cls(
            id=notice.id,
            kind=kind,
            title=words.title,
            text=words.text,
            params=notice.params,
            created_at=notice.created_at,
            read_at=notice.read_at,
        )


class NoticesView(View):
    notices: list[NoticeView]
    unread_count: int = Field(description="At most 100")
    next_before_id: UUID | None


class ReadBody(Body):
    notice_ids: Annotated[list[UUID], Field(min_length=1, max_length=PAGE_NOTICES)]


class Choice(Body):
    topic: Topic
    way: Way
    wanted: bool = Field(strict=True)


class ChoiceView(View):
    topic: Topic
    way: Way
    wanted: bool
    fixed: bool = Field(description="Nobody can refuse it")

    @classmethod
    def of(cls, topic: Topic, way: Way, wanted: bool) -> "ChoiceView":
        return cls(topic=topic, way=way, wanted=wanted, fixed=(topic, way) in NOT_TO_BE_REFUSED)


class ChoicesView(View):
    choices: list[ChoiceView]


class ChoicesBody(Body):
    choices: Annotated[list[Choice], Field(min_length=1, max_length=len(Topic) * len(Way))]
