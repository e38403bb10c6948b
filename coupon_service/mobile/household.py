"""The family: who acts for whom, asking, answering, and claiming for each other."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from coupon_service.core.auth import Kind, require
from coupon_service.core.errors import ProblemError
from coupon_service.mobile.documents import document_form, typed_document
from coupon_service.residents.errors import DeclarationNeededError, InvalidInvitationCodeError
from coupon_service.residents.family import Standing, Tie
from coupon_service.residents.family_desk import (
    add_to_family,
    invite_relative,
    look_at_invitation,
    own_family,
    say_no,
    say_yes,
    take_up_invitation,
)
from coupon_service.residents.invite import CODE_DIGITS, Role
from coupon_service.residents.models import ProxyState, Relation

bp = Blueprint("mobile_household", __name__)

_WHO: Mapping[str, Relation] = {"child": Relation.GUARDIAN, "elder": Relation.CARER}
_RELATION: Mapping[Relation, LazyString] = {
    Relation.GUARDIAN: lazy_gettext("孩子"),
    Relation.RELATIVE: lazy_gettext("家人"),
    Relation.CARER: lazy_gettext("长辈"),
}


@bp.get("/household")
@require(Kind.RESIDENT, real_name=True)
def household() -> str:
    """Everybody between whom and the resident something is agreed or asked."""
    ties: dict[Standing, list[Tie]] = {standing: [] for standing in Standing}
    for tie in own_family():
        ties[tie.standing].append(tie)
    return render_template("mobile/household.html", ties=ties, done=request.args.get("done"))


@bp.get("/household/invite")
@require(Kind.RESIDENT, real_name=True)
def show_invite() -> str:
    """Ask which of the two is to act for the other."""
    return render_template("mobile/household_invite.html", error=None)


@bp.post("/household/invite")
@require(Kind.RESIDENT, real_name=True)
def do_invite() -> ResponseReturnValue:
    """Make an invitation and show its code, once."""
    role = Role.PRINCIPAL if request.form.get("role") == Role.PRINCIPAL else Role.AGENT
    try:
        proxy, code = invite_relative(role)
    except ProblemError as error:
        return render_template("mobile/household_invite.html", error=error), int(error.status)
    return render_template(
        "mobile/household_invited.html", code=code, role=role, expires_at=proxy.expires_at
    )


@bp.get("/household/join")
@require(Kind.RESIDENT, real_name=True)
def show_join() -> str:
    """Ask for the code. A shared link brings it behind `#`, where no server sees it."""
    return render_template("mobile/household_join.html", error=None)


@bp.post("/household/join")
@require(Kind.RESIDENT, real_name=True)
def look_at_code() -> ResponseReturnValue:
    """Show who invites, before anything is agreed."""
    try:
        code = _code()
        found = look_at_invitation(code)
    except ProblemError as error:
        return render_template("mobile/household_join.html", error=error), int(error.status)
    return render_template("mobile/household_agree.html", invitation=found, code=code)


@bp.post("/household/join/agree")
@require(Kind.RESIDENT, real_name=True)
def do_join() -> ResponseReturnValue:
    """Take the invitation up."""
    try:
        take_up_invitation(_code())
    except ProblemError as error:
        return render_template("mobile/household_join.html", error=error), int(error.status)
    return _home("joined")


@bp.get("/household/add/<any(child, elder):who>")
@require(Kind.RESIDENT, real_name=True)
def show_add(who: str) -> str:
    """Ask for a child's, or an elder's, name and document."""
    return render_template("mobile/household_add.html", who=who, **document_form())


@bp.post("/household/add/<any(child, elder):who>")
@require(Kind.RESIDENT, real_name=True)
def do_add(who: str) -> ResponseReturnValue:
    """Add them, or ask whoever has to agree."""
    try:
        if request.form.get("declared") != "yes":
            raise DeclarationNeededError
        typed = typed_document()
        state = add_to_family(_WHO[who], typed.name, typed.kind, typed.id_number, typed.born_on)
    except ProblemError as error:
        page = render_template("mobile/household_add.html", who=who, **document_form(error))
        return page, int(error.status)
    return _home("added" if state is ProxyState.LIVE else "asked")


@bp.post("/household/proxies/<uuid:proxy_id>/<any(agree, end):answer>")
@require(Kind.RESIDENT, real_name=True)
def answer(proxy_id: UUID, answer: str) -> ResponseReturnValue:
    """Say yes to a request; or decline it, end a proxy, take an invitation back."""
    if answer == "agree":
        say_yes(proxy_id)
        return _home("joined")
    say_no(proxy_id)
    return _home("ended")


@bp.app_template_filter("relation")
def relation_words(relation: Relation) -> str:
    """What the principal is to the agent."""
    return str(_RELATION[relation])


@bp.app_template_filter("agent_relation")
def _agent_relation(relation: Relation) -> str:
    """What the agent is to the principal."""
    guardian = relation == Relation.GUARDIAN
    return str(lazy_gettext("监护人") if guardian else _RELATION[Relation.RELATIVE])


def _home(done: str) -> ResponseReturnValue:
    return redirect(url_for("mobile_household.household", done=done), HTTPStatus.SEE_OTHER)


def _code() -> str:
    typed = "".join(char for char in request.form.get("code", "")[:40] if char not in " -")
    if len(typed) != CODE_DIGITS or not typed.isascii() or not typed.isdigit():
        raise InvalidInvitationCodeError
    return typed
