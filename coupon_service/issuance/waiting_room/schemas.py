"""The waiting room on the wire."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import Field

from coupon_service.core.schemas import Body, View
from coupon_service.issuance.waiting_room.room import Standing
from coupon_service.issuance.waiting_room.take_place import Answer


class RoomPath(Body):
    release_id: UUID


class EnterBody(Body):
    again: bool = Field(
        default=False, strict=True, description="After a missed or used turn: queue at the end"
    )


class PlaceView(View):
    """A place in the room. Times are the server's."""

    standing: Standing
    server_time: datetime
    opens_at: datetime
    draw_at: datetime = Field(description="When the order of all who are there by then is told")
    people: int = Field(description="Everybody who waits")
    ahead: int | None = Field(description="People before this one; null before the draw")
    given: int = Field(description="Turns given so far")
    expected_s: int | None = Field(description="Null where it depends on what others do")
    ask_again_s: float | None = Field(description="When to ask next; null: not at all")
    is_sold_out: bool
    ticket: str | None = Field(description="What the claim presents, during the turn")
    ticket_expires_at: datetime | None

    @classmethod
    def of(cls, answer: Answer) -> "PlaceView":
        place = answer.place
        return cls(
            standing=place.standing,
            server_time=_moment(answer.now_ms),
            opens_at=_moment(answer.facts.opens_ms),
            draw_at=_moment(place.draw_ms),
            people=place.people,
            ahead=place.ahead if place.standing is Standing.WAITING else None,
            given=place.given,
            expected_s=answer.expected_s,
            ask_again_s=answer.ask_again_s,
            is_sold_out=answer.is_sold_out,
            ticket=answer.ticket,
            ticket_expires_at=_moment(place.ends_ms) if answer.ticket else None,
        )


def _moment(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
