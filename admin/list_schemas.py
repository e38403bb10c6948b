"""Lists, grants and the counter on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from flask_openapi3 import RawModel
from pydantic import BaseModel, Field, StringConstraints

from admin.counter.offers import CounterOffer
from coupon_service.core.schemas import Body, Fen, Name, View
from coupon_service.issuance.lists.models import ResidentList
from coupon_service.issuance.lists.queries import Granting
from coupon_service.residents.schemas import Phone

IdNumber = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{14,17}[0-9Xx]$")]
PersonName = Annotated[str, StringConstraints(strict=True, min_length=2, max_length=60)]


class ListPath(BaseModel):
    list_id: UUID


class GrantPath(BaseModel):
    release_id: UUID


class VisitPath(BaseModel):
    visit_id: UUID


class UploadQuery(Body):
    name: Name
    season_id: UUID | None = Field(default=None, description="Without it, the running season")


class ListCsv(RawModel):
    mimetypes = ["text/csv"]  # noqa: RUF012  # the base class declares it so


class ListView(View):
    """A list of residents and how far its import is."""

    list_id: UUID
    season_id: UUID
    name: str
    state: str = Field(examples=["importing", "ready", "discarded"])
    file_sha256: str
    file_bytes: int
    imported_bytes: int
    member_count: int
    fault_count: int
    created_at: datetime

    @classmethod
    def of(cls, found: ResidentList) -> Self:
        return cls(
            list_id=found.id,
            season_id=found.season_id,
            name=found.name,
            state=found.state,
            file_sha256=found.file_sha256,
            file_bytes=found.file_bytes,
            imported_bytes=found.next_byte,
            member_count=found.member_count,
            fault_count=found.fault_count,
            created_at=found.created_at,
        )


class ListsView(View):
    lists: list[ListView]


class GrantBody(Body):
    release_id: UUID


class GrantView(View):
    """A grant: how many lines of the list it has come to, and what they came to."""

    release_id: UUID
    list_id: UUID
    state: str = Field(examples=["running", "done"])
    line_count: int
    granted: int
    waiting: int = Field(description="Persons without a confirmed real name; served when they have")
    refused: int
    refusals: dict[str, int] = Field(description="Refused lines by slug")
    started_at: datetime
    done_at: datetime | None

    @classmethod
    def of(cls, granting: Granting, refusals: dict[str, int]) -> Self:
        grant = granting.grant
        return cls(
            release_id=grant.release_id,
            list_id=grant.list_id,
            state=grant.state,
            line_count=granting.list.member_count,
            granted=grant.granted,
            waiting=grant.waiting,
            refused=grant.refused,
            refusals=refusals,
            started_at=grant.started_at,
            done_at=grant.done_at,
        )


class VisitBody(Body):
    name: PersonName
    id_number: IdNumber
    phone: Phone | None = None
    consents: Literal[True] = Field(
        description="The resident is there, has shown the document, and agrees to be served"
    )


class VisitView(View):
    """A visit at the counter. The resident masked."""

    visit_id: UUID
    name: str | None = Field(examples=["张**"])
    ends_at: datetime
    offers: list["CounterOfferView"]


class CounterOfferView(View):
    """A release as the visitor can have it; `refusal` is the slug of why not."""

    release_id: UUID
    campaign: str
    release: str
    face_fen: Fen
    threshold_fen: Fen
    voucher_ids: list[UUID]
    next_ordinal: int
    refusal: str | None

    @classmethod
    def of(cls, offer: CounterOffer) -> Self:
        return cls(
            release_id=offer.release.id,
            campaign=offer.campaign.name,
            release=offer.release.name,
            face_fen=offer.campaign.face_fen,
            threshold_fen=offer.campaign.threshold_fen,
            voucher_ids=[voucher.id for voucher in offer.vouchers],
            next_ordinal=offer.ordinal,
            refusal=offer.refusal.slug if offer.refusal else None,
        )


class CounterClaimBody(Body):
    release_id: UUID
    ordinal: int = Field(default=1, strict=True, ge=1, le=100)


class CounterClaimView(View):
    voucher_id: UUID
    repeated: bool
    expires_at: datetime
