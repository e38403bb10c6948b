"""Lists of persons, their import, and grants to everybody on one. Nobody is named in the clear."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class ListState(StrEnum):
    IMPORTING = "importing"
    READY = "ready"
    DISCARDED = "discarded"  # its members are deleted; what was done with it stays told


class PersonKind(StrEnum):
    """By what a line of the file names its person."""

    ID_NUMBER = "id_number"
    PHONE = "phone"


class Fault(StrEnum):
    """What is wrong with a line of the file."""

    EMPTY = "empty"
    SCIENTIFIC = "scientific"  # a spreadsheet has rounded the number: 1.10101E+17
    CHECK_CHARACTER = "check_character"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


class GrantState(StrEnum):
    RUNNING = "running"
    DONE = "done"  # every line has been reached; those who wait may still come


class Outcome(StrEnum):
    GRANTED = "granted"
    WAITING = "waiting"  # nobody with a confirmed real name answers to the line yet
    REFUSED = "refused"


class ResidentList(Base):
    """A list of persons, from one file; it never changes once imported.

    Attributes:
        file_sha256: of the bytes as they were uploaded, in hex.
        next_line: the file's first line that is not dealt with, from 1; it starts at `next_byte`.
        line_count: lines that name a person or fail to.
        created_by: the official; none: the command line.
        touched_at: when the import last got further.
    """

    __tablename__ = "resident_lists"
    __table_args__ = (
        CheckConstraint("next_byte BETWEEN 0 AND file_bytes", name="progress_within_file"),
        CheckConstraint("line_count = member_count + fault_count", name="lines_accounted_for"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[ListState] = mapped_column(Text, server_default="importing")
    encoding: Mapped[str] = mapped_column(Text)
    file_sha256: Mapped[str] = mapped_column(Text)
    file_bytes: Mapped[int]
    next_byte: Mapped[int] = mapped_column(server_default=text("0"))
    next_line: Mapped[int] = mapped_column(server_default=text("1"))
    line_count: Mapped[int] = mapped_column(server_default=text("0"))
    member_count: Mapped[int] = mapped_column(server_default=text("0"))
    fault_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ListChunk(Base):
    """A piece of an uploaded file, sealed; deleted when the import is done."""

    __tablename__ = "resident_list_chunks"

    list_id: Mapped[UUID] = mapped_column(ForeignKey("resident_lists.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ListMember(Base):
    """A person on a list: the keyed hash that their resident is looked up by, and nothing else."""

    __tablename__ = "resident_list_members"
    __table_args__ = (UniqueConstraint("list_id", "line_no"),)

    # The person first: a newly confirmed resident asks for all lists that have them.
    person_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    list_id: Mapped[UUID] = mapped_column(ForeignKey("resident_lists.id"), primary_key=True)
    kind: Mapped[PersonKind] = mapped_column(Text)
    line_no: Mapped[int]


class ListFault(Base):
    """A line that names nobody, and why. Never what it says."""

    __tablename__ = "resident_list_faults"
    __table_args__ = (
        CheckConstraint("(fault = 'duplicate') = (same_as_line IS NOT NULL)", name="same_as_which"),
    )

    list_id: Mapped[UUID] = mapped_column(ForeignKey("resident_lists.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    fault: Mapped[Fault] = mapped_column(Text)
    same_as_line: Mapped[int | None]


class Grant(Base):
    """A release given to everybody on a list.

    Attributes:
        next_line: the list's lines before this one have an outcome.
    """

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_when"),
    )

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    list_id: Mapped[UUID] = mapped_column(ForeignKey("resident_lists.id"), index=True)
    state: Mapped[GrantState] = mapped_column(Text, server_default="running")
    next_line: Mapped[int] = mapped_column(server_default=text("1"))
    granted: Mapped[int] = mapped_column(server_default=text("0"))
    waiting: Mapped[int] = mapped_column(server_default=text("0"))
    refused: Mapped[int] = mapped_column(server_default=text("0"))
    started_by: Mapped[UUID | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]


class GrantOutcome(Base):
    """What a grant came to for one line of its list."""

    __tablename__ = "grant_outcomes"
    __table_args__ = (
        ForeignKeyConstraint(["release_id"], ["grants.release_id"]),
        CheckConstraint("(outcome = 'granted') = (voucher_id IS NOT NULL)", name="granted_which"),
        CheckConstraint("(outcome = 'refused') = (slug IS NOT NULL)", name="refused_why"),
        Index(
            "ix_grant_outcomes_waiting",
            "release_id",
            "line_no",
            postgresql_where=text("outcome = 'waiting'"),
        ),
    )

    release_id: Mapped[UUID] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[Outcome] = mapped_column(Text)
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id"))
    slug: Mapped[str | None] = mapped_column(Text)
