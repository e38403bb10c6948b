"""What every JSON body and query obeys: no unknown fields, and a bound on each known one."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from coupon_service.core.money import MAX_FEN

# Strict: `12.0`, `"12"` and `true` are not amounts of fen.
Fen = Annotated[int, Field(strict=True, ge=0, le=MAX_FEN)]
PositiveFen = Annotated[int, Field(strict=True, ge=1, le=MAX_FEN)]
Name = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=80)
]
# Printable ASCII: what tills print on receipts, and nothing a spreadsheet or a log could mistake.
OrderNo = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")
]


class Body(BaseModel):
    """A request's body or query."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """A response's body."""

    model_config = ConfigDict(frozen=True)


class Problem(BaseModel):
    """RFC 9457 problem details: what every refusal looks like."""

    type: str = Field(examples=["/docs/errors#sold-out"])
    title: str
    status: int
    slug: str
    detail: str
    request_id: str | None = None
