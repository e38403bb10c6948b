"""The blueprint of all office pages, and what their templates have at hand."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint
from flask_babel import gettext

from admin import words
from admin.suppression import HIDDEN
from coupon_service.core.auth import OFFICE, Kind, signed_in
from coupon_service.core.clock import local_day_start
from coupon_service.core.display import local_time

bp = Blueprint(
    "admin",
    "admin",
    url_prefix="/admin",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)


@bp.context_processor
def at_hand() -> dict[str, Any]:
    """`words`, and whether the visitor may act or only read."""
    who = signed_in(*OFFICE)
    return {
        "words": words,
        "may_act": who is not None and who.kind is Kind.OFFICIAL,
        "suppressed": HIDDEN,
    }


@bp.app_template_filter("percent")
def percent(rate_bp: int | None) -> str:
    """Basis points as people read them: `72.3%`, or a dash where there is no rate."""
    return "–" if rate_bp is None else f"{rate_bp / 100:.1f}%"


@bp.app_template_filter("ratio")
def ratio(rate_bp: int | None) -> str:
    """`35500` → `1 : 3.55`."""
    return "–" if rate_bp is None else f"1 : {rate_bp / 10_000:.2f}"


@bp.app_template_filter("whole_yuan")
def whole_yuan(amount_fen: int) -> str:
    """Yuan without fen, rounded down towards zero: for columns that are compared at a glance."""
    return f"{int(amount_fen / 100):,}"


@bp.app_template_filter("duration")
def duration(span: timedelta) -> str:
    """How long after the claim a voucher was used: `8 秒`, `5 分钟`, `3 小时`, `2 天`."""
    seconds = int(span.total_seconds())
    for unit_s, text in ((86_400, "%(n)s 天"), (3_600, "%(n)s 小时"), (60, "%(n)s 分钟")):
        if seconds >= unit_s:
            return str(gettext(text, n=seconds // unit_s))
    return str(gettext("%(n)s 秒", n=max(0, seconds)))


@bp.app_template_filter("local_day")
def local_day(day: date) -> str:
    """A calendar day as the page writes it: `6月18日`."""
    return local_time(local_day_start(day), "day")
