"""The edge of households, shared by the API and the pages: throttles and transactions."""

from datetime import date
from uuid import UUID

from coupon_service.core.auth import principal
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.residents.accept_invitation import (
    Invitation,
    accept_invitation,
    read_invitation,
)
from coupon_service.residents.add_dependent import add_dependent
from coupon_service.residents.answer_request import consent
from coupon_service.residents.documents import DocumentKind, read_document
from coupon_service.residents.family import Tie, family_of
from coupon_service.residents.household import Principal, acting_for
from coupon_service.residents.invite import Role, invite
from coupon_service.residents.models import Proxy, ProxyState, Relation
from coupon_service.residents.throttle import admit_invitation_code, admit_real_name
from coupon_service.residents.withdraw_proxy import withdraw


def own_family() -> list[Tie]:
    """Everything between the signed-in resident and their family."""
    held = resources()
    with transaction(held.sessions) as session:
        return family_of(session, held.vault, principal().id, now=db_now(session))


def own_principals() -> list[Principal]:
    """Everybody the signed-in resident may act for."""
    held = resources()
    with transaction(held.sessions) as session:
        return acting_for(session, held.vault, principal().id)


def invite_relative(role: Role) -> tuple[Proxy, str]:
    """An invitation of the signed-in resident's, and its code; see `invite`."""
    held = resources()
    with transaction(held.sessions) as session:
        return invite(session, held.vault, principal().id, role, now=db_now(session))


def look_at_invitation(code: str) -> Invitation:
    """Who invites; see `read_invitation`."""
    admit_invitation_code()
    held = resources()
    with transaction(held.sessions) as session:
        return read_invitation(session, held.vault, principal().id, code, now=db_now(session))


def take_up_invitation(code: str) -> None:
    """Say yes to an invitation; see `accept_invitation`."""
    admit_invitation_code()
    held = resources()
    with transaction(held.sessions) as session:
        accept_invitation(session, held.vault, principal().id, code, now=db_now(session))


def add_to_family(
    relation: Relation, name: str, kind: DocumentKind, id_number: str, born_on: date | None
) -> ProxyState:
    """Add a child or an adult without a phone; see `add_dependent`. Returns how far it got."""
    admit_real_name()
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        document = read_document(kind, id_number, born_on, local_date(now))
        added = add_dependent(
            session, held.vault, principal().id, relation, name=name, document=document, now=now
        )
        return ProxyState(added.state)


def say_yes(proxy_id: UUID) -> None:
    """Answer a request; see `consent`."""
    with transaction(resources().sessions) as session:
        consent(session, principal().id, proxy_id, now=db_now(session))


def say_no(proxy_id: UUID) -> None:
    """End, decline or take back; see `withdraw`."""
    with transaction(resources().sessions) as session:
        withdraw(session, principal().id, proxy_id, now=db_now(session))
