"""Signing in and the resident's own data on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from coupon_service.core.schemas import Body, View

Phone = Annotated[str, StringConstraints(strict=True, pattern=r"^1[3-9][0-9]{9}$")]
Code = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{6}$")]
TypedName = Annotated[str, StringConstraints(strict=True, min_length=2, max_length=60)]
TypedIdNumber = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{14,17}[0-9Xx]$")]


class CodeBody(Body):
    phone: Phone


class SignInBody(Body):
    phone: Phone
    code: Code


class RealNameBody(Body):
    name: TypedName
    id_number: TypedIdNumber


class CodeSentView(View):
    expires_in_s: int
    code: str | None = Field(description="In development only; null wherever real people sign in")


class SignedInView(View):
    resident_id: UUID
    verified: bool


class MeView(View):
    """The resident's own data, masked."""

    resident_id: UUID
    verified: bool
    phone: str = Field(examples=["138****0000"])
    name: str | None = Field(examples=["张**"])
    id_number: str | None = Field(examples=["1****************X"])
