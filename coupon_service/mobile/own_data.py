"""My data: what is stored, in clear on wish; who looked; taking it along; and leaving."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.leave import farewell
from coupon_service.issuance.resident_api import say_goodbye
from coupon_service.mobile.documents import document_word
from coupon_service.mobile.sign_in import typed_code
from coupon_service.residents.desk import send_own_code
from coupon_service.residents.export import reads_of
from coupon_service.residents.link_wechat import openid_of
from coupon_service.residents.own_data_api import exported
from coupon_service.residents.personal_data import unseal
from coupon_service.residents.queries import masked
from coupon_service.residents.record_read import record_read

READS_SHOWN = 30

bp = Blueprint("mobile_own_data", __name__)

_PURPOSE: Mapping[str, LazyString] = {
    "own-view": lazy_gettext("查看完整信息"),
    "own-export": lazy_gettext("下载全部信息"),
    "counter-service": lazy_gettext("服务台为您办理领券"),
    "counter-consent": lazy_gettext("服务台确认家人代办"),
    "support": lazy_gettext("处理您的咨询或投诉"),
    "fraud-case": lazy_gettext("核查异常核销"),
    "list-import": lazy_gettext("核对活动名单"),
}
_READER: Mapping[str, LazyString] = {
    Kind.RESIDENT: lazy_gettext("您本人"),
    Kind.OFFICIAL: lazy_gettext("工作人员"),
    Kind.AUDITOR: lazy_gettext("审计人员"),
    Kind.ADMINISTRATOR: lazy_gettext("系统管理员"),
}


@bp.get("/me/data")
@require(Kind.RESIDENT)
def own_data() -> str:
    """What is stored about the resident, masked, and who looked at it."""
    return _page(revealed=False)


@bp.post("/me/data/reveal")
@require(Kind.RESIDENT)
def reveal() -> str:
    """The same in clear, once; that it was looked at is recorded like any other look."""
    who = principal()
    with transaction(resources().sessions) as session:
        record_read(
            session,
            who.id,
            reader_kind=Kind.RESIDENT,
            reader_id=who.id,
            purpose="own-view",
            now=db_now(session),
        )
    return _page(revealed=True)


@bp.get("/me/data/export")
@require(Kind.RESIDENT)
def download() -> Response:
    """Everything, as a file."""
    return exported()


@bp.get("/me/data/erase")
@require(Kind.RESIDENT)
def show_erase() -> str:
    """Say what goes, what stays, and what it costs."""
    return _erase_page()


@bp.post("/me/data/erase/code")
@require(Kind.RESIDENT)
def ask_erase_code() -> ResponseReturnValue:
    """Ask a second time, with a code sent to the resident's own phone."""
    try:
        shown = send_own_code()
    except ProblemError as error:
        return _erase_page(error=error), int(error.status)
    return _erase_page(step="code", shown_code=shown)


@bp.post("/me/data/erase")
@require(Kind.RESIDENT)
def do_erase() -> ResponseReturnValue:
    """Erase, and say goodbye."""
    response = redirect("/goodbye", HTTPStatus.SEE_OTHER, Response)
    try:
        say_goodbye(typed_code(), response)  # type: ignore[arg-type]  # a flask.Response
    except ProblemError as error:
        return _erase_page(step="code", error=error), int(error.status)
    return response


@bp.get("/goodbye")
@require(Kind.ANYONE)
def goodbye() -> str:
    """What somebody sees who has left."""
    return render_template("mobile/goodbye.html")


def _page(*, revealed: bool) -> str:
    held, who = resources(), principal()
    with transaction(held.sessions) as session:
        known = masked(session, held.vault, who.id)
        clear = unseal(session, held.vault, who.id) if revealed else None
        wechat = openid_of(session, held.vault, who.id) is not None
        reads = reads_of(session, who.id, limit=READS_SHOWN)
    return render_template(
        "mobile/own_data.html",
        known=known,
        shown=clear or known,
        document=document_word(known.id_kind),
        revealed=revealed,
        wechat=wechat,
        reads=[
            (row.at, reader_words(row.reader_kind), purpose_words(row.purpose)) for row in reads
        ],
    )


def reader_words(kind: str) -> str:
    """Who looked, by role: the person is for auditors to know."""
    return str(_READER.get(kind, gettext("工作人员")))


def purpose_words(purpose: str) -> str:
    """Why somebody looked."""
    return str(_PURPOSE.get(purpose, gettext("办理业务")))


def _erase_page(
    *, step: str = "explain", error: ProblemError | None = None, shown_code: str | None = None
) -> str:
    with transaction(resources().sessions) as session:
        cost = farewell(session, principal().id)
    context: dict[str, Any] = {"step": step, "error": error, "shown_code": shown_code}
    return render_template("mobile/erase.html", cost=cost, **context)
