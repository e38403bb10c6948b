"""Residents, their families and what is known of them.

Personal data is sealed under each resident's own data key; look-ups go by blind index.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base
from coupon_service.residents.documents import DocumentKind


class Resident(Base):
    """A person. Limits count residents, and a real identity belongs to one resident only.

    One without a phone is a child, or somebody served by relatives or at a counter. One who was
    erased keeps only the keyed hash of the identity, for as long as a season's limits need it.
    """

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint(
            "erased_at IS NOT NULL OR (verified_at IS NULL) = (id_number_index IS NULL)",
            name="verified_by_id_number",
        ),
        CheckConstraint(
            "(phone_sealed IS NULL) = (phone_index IS NULL)", name="phone_sealed_with_index"
        ),
        CheckConstraint(
            "phone_index IS NOT NULL OR id_number_index IS NOT NULL OR erased_at IS NOT NULL",
            name="known_by_something",
        ),
        CheckConstraint(
            "erased_at IS NULL OR num_nonnulls(phone_sealed, name_sealed, id_number_sealed,"
            " verified_at, born_on, area_code) = 0",
            name="erased_is_empty",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Keyed hash of the document's one normal form: what limits count persons by.
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    id_kind: Mapped[DocumentKind | None] = mapped_column(Text)
    born_on: Mapped[date | None]
    # Where the ID number was issued: its first six digits (GB/T 2260).
    area_code: Mapped[str | None] = mapped_column(Text)
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    erased_at: Mapped[datetime | None]


class ResidentKey(Base):
    """A resident's data key, sealed under the deployment's. Deleting it erases the resident."""

    __tablename__ = "resident_keys"

    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), primary_key=True)
    key_sealed: Mapped[bytes] = mapped_column(LargeBinary)


class WechatLink(Base):
    """The WeChat account that signs a resident in: its openid, as a keyed hash and sealed."""

    __tablename__ = "wechat_links"

    openid_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    openid_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), index=True)
    linked_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Relation(StrEnum):
    """What the agent is to the principal."""

    RELATIVE = "relative"  # two adults who both agreed
    GUARDIAN = "guardian"  # of a child
    CARER = "carer"  # of an adult without a phone of their own


class ProxyState(StrEnum):
    ASKED = "asked"
    LIVE = "live"
    WITHDRAWN = "withdrawn"  # declined, ended, or run out unanswered


class Proxy(Base):
    """One resident, the agent, may claim and show for another, the principal.

    An invitation that nobody has taken up knows only one side; the other brings its code.

    Attributes:
        asked_by_id: who asked; the consent is the other side's.
        code_index: keyed hash of an invitation's code.
        expires_at: when an unanswered invitation runs out.
        confirmed_by: the official who heard a carer's principal say yes.
    """

    __tablename__ = "proxies"
    __table_args__ = (
        CheckConstraint("principal_id <> agent_id", name="two_persons"),
        CheckConstraint(
            "(state = 'asked' AND code_index IS NOT NULL) = (num_nulls(principal_id, agent_id) = 1)"
            " OR state = 'withdrawn'",
            name="sides_known",
        ),
        CheckConstraint("num_nonnulls(principal_id, agent_id) >= 1", name="somebody_asked"),
        CheckConstraint("state <> 'live' OR consented_at IS NOT NULL", name="consented_when"),
        CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_when"
        ),
        Index(
            "uq_proxies_pair",
            "principal_id",
            "agent_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index(
            "uq_proxies_code",
            "code_index",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
        Index("ix_proxies_agent_id", "agent_id"),
        Index("ix_proxies_principal_id", "principal_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal_id: Mapped[UUID | None] = mapped_column(ForeignKey("residents.id"))
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("residents.id"))
    relation: Mapped[Relation] = mapped_column(Text)
    state: Mapped[ProxyState] = mapped_column(Text, server_default="asked")
    asked_by_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    code_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]


class PersonalDataRead(Base):
    """Somebody looked at a resident's personal data in clear. The resident can see this list."""

    __tablename__ = "personal_data_reads"
    __table_args__ = (Index("ix_personal_data_reads_resident_id", "resident_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    reader_kind: Mapped[str] = mapped_column(Text)
    reader_id: Mapped[UUID | None]
    purpose: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class SignInCode(Base):
    """A one-time code on its way to a phone. Kept as a keyed hash, good once, for few guesses."""

    __tablename__ = "sign_in_codes"
    __table_args__ = (Index("ix_sign_in_codes_phone_index", "phone_index", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    guesses: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
