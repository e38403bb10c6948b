"""Signing in and the resident's own data on the wire."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from coupon_service.core.schemas import Body, View
from coupon_service.residents.documents import DocumentKind
from coupon_service.residents.family import Standing
from coupon_service.residents.invite import Role
from coupon_service.residents.models import ProxyState, Relation

Phone = Annotated[str, StringConstraints(strict=True, pattern=r"^1[3-9][0-9]{9}$")]
Code = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{6}$")]
TypedName = Annotated[str, StringConstraints(strict=True, min_length=2, max_length=60)]
# What any document's number may look like; its kind says more.
TypedIdNumber = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z()-]{5,20}$")]
InvitationCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{10}$")]


class CodeBody(Body):
    phone: Phone


class SignInBody(Body):
    phone: Phone
    code: Code


class DocumentBody(Body):
    """A person as their document shows them."""

    name: TypedName
    id_number: TypedIdNumber
    kind: DocumentKind = DocumentKind.RESIDENT_ID
    born_on: date | None = Field(
        default=None, description="Where the number carries no date of birth"
    )


class RealNameBody(DocumentBody): ...


class InviteBody(Body):
    role: Role = Field(description="What the one who invites wants to be")


class InvitationCodeBody(Body):
    code: InvitationCode


class DependentBody(DocumentBody):
    relation: Literal[Relation.GUARDIAN, Relation.CARER]


class OwnCodeBody(Body):
    code: Code


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
    phone: str | None = Field(examples=["138****0000"])
    name: str | None = Field(examples=["张**"])
    id_number: str | None = Field(examples=["1****************X"])


class SignInView(View):
    """A browser that is signed in. System, browser and model as it calls itself."""

    id: UUID
    this_one: bool
    system: str | None
    browser: str | None
    model: str | None
    signed_in_at: datetime
    expires_at: datetime


class SignInList(View):
    sign_ins: list[SignInView]


class InvitationView(View):
    """An invitation just made: its code is shown once."""

    proxy_id: UUID
    code: str
    expires_at: datetime


class InvitationPreview(View):
    """Who invites, masked, and what they want to be."""

    asker: str = Field(examples=["张**"])
    role: Role


class TieView(View):
    """A proxy, seen from the signed-in resident's side; names are masked."""

    proxy_id: UUID
    standing: Standing
    relation: Relation
    other_id: UUID | None
    other: str | None
    child: str | None
    acts: bool = Field(description="Whether the signed-in resident is, or would be, the agent")
    asked_at: datetime
    expires_at: datetime | None


class HouseholdView(View):
    ties: list[TieView]


class DependentView(View):
    state: ProxyState = Field(description="`live` at once, or `asked`: consent is awaited")


class ReadView(View):
    """Somebody looked at the resident's data in clear."""

    at: datetime
    reader_kind: str
    purpose: str


class ReadList(View):
    reads: list[ReadView]
