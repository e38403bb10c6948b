"""The forms of the release pages, read into the same bodies the API takes.

A form's times are Beijing's. What does not fit raises `InvalidRequestError`; the pages say so in a
sentence and keep what was typed.
"""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from admin.release_schemas import (
    CodeBody,
    DraftBody,
    EligibilityBody,
    GroupsBody,
    QuantityBody,
    RecycleBody,
    RoundsBody,
    RuleBody,
)
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.errors import InvalidRequestError

GROUP_ROWS = 4
_AREAS = re.compile(r"[\s,，、;；]+")

Model = TypeVar("Model", bound=BaseModel)


def quantity_form() -> QuantityBody:
    return _body(QuantityBody, quantity=_number("quantity"), expected=_number("expected"))


def draft_form() -> DraftBody:
    return _body(
        DraftBody,
        name=_text("name"),
        mode=_text("mode"),
        waiting_room=_ticked("waiting_room"),
        opens_at=_moment("opens_at"),
        closes_at=_moment("closes_at"),
    )


def eligibility_form(prefix: str = "") -> EligibilityBody:
    return _body(EligibilityBody, **_conditions(prefix))


def groups_form() -> GroupsBody:
    """The rows that have a name; the others are empty."""
    groups = []
    for row in range(GROUP_ROWS):
        prefix = f"g{row}_"
        if _text(f"{prefix}name"):
            groups.append(
                {
                    "name": _text(f"{prefix}name"),
                    "seats": _number(f"{prefix}seats"),
                    "eligibility": _conditions(prefix),
                    "opens_to_all_at": _moment(f"{prefix}opens_to_all_at"),
                }
            )
    return _body(GroupsBody, groups=groups)


def rounds_form() -> RoundsBody:
    return _body(
        RoundsBody,
        first_id=_text("first_id") or None,
        first_opens_at=_moment("first_opens_at"),
        count=_number("count"),
        quantity=_number("quantity"),
        step_days=_number("step_days"),
        open_h=_number("open_h"),
        mode=_text("mode"),
        waiting_room=_ticked("waiting_room"),
        flows=_ticked("flows"),
        publish=_ticked("publish"),
    )


def recycle_form() -> RecycleBody:
    return _body(
        RecycleBody,
        release_id=_text("new_id") or None,
        name=_text("name"),
        quantity=_number("quantity"),
        opens_at=_moment("opens_at"),
        closes_at=_moment("closes_at"),
    )


def code_form() -> CodeBody:
    return _body(
        CodeBody,
        label=_text("label"),
        channel=_text("channel"),
        uses_max=_number("uses_max"),
        valid_from=_moment("valid_from"),
        valid_until=_moment("valid_until"),
    )


def rule_form() -> RuleBody:
    return _body(
        RuleBody,
        source_campaign_id=_text("source_campaign_id") or None,
        min_order_fen=_yuan("min_order"),
        per_person=_number("per_person"),
    )


def _conditions(prefix: str) -> dict[str, Any]:
    """The conditions that were filled in; the others keep their defaults."""
    found: dict[str, Any] = {
        "min_age": _number(f"{prefix}min_age"),
        "max_age": _number(f"{prefix}max_age"),
        "areas": [one for one in _AREAS.split(_text(f"{prefix}areas")) if one],
        "list_id": _text(f"{prefix}list_id") or None,
        "first_time": _ticked(f"{prefix}first_time"),
        "holds_no_other": _ticked(f"{prefix}holds_no_other"),
    }
    return {key: value for key, value in found.items() if value not in (None, [], False)}


def _body(model: type[Model], **fields: Any) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError:
        raise InvalidRequestError from None


def _text(name: str) -> str:
    return " ".join(request.form.get(name, "").split())


def _ticked(name: str) -> bool:
    return request.form.get(name) == "1"


def _number(name: str) -> int | None:
    """A whole number, or None for an empty field; thousands may be grouped."""
    text = _text(name).replace(",", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise InvalidRequestError
    return int(text)


def _yuan(name: str) -> int:
    """An amount typed in yuan, in fen."""
    try:
        fen = Decimal(_text(name) or "0") * 100
    except InvalidOperation:
        raise InvalidRequestError from None
    if not fen.is_finite() or fen != fen.to_integral_value() or abs(fen) > 10**13:
        raise InvalidRequestError
    return int(fen)


def _moment(name: str) -> datetime | None:
    """A local date and time, as a `datetime-local` field sends it; None for an empty field."""
    text = _text(name)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)
    except ValueError:
        raise InvalidRequestError from None
