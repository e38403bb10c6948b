"""The season at a glance, and the same as a file."""

from uuid import UUID

from flask import Response, render_template, request
from sqlalchemy import func, select

from admin.audit import latest, record
from admin.charts import DAYS_SHOWN, day_chart, money_parts, stacked
from admin.export import totals_csv
from admin.figures import shown_boards, shown_days, shown_flow
from admin.models import Official
from admin.pages.blueprint import bp
from admin.queries import freeze, season_of, seasons_of
from admin.scope import district_id
from admin.totals import season_totals
from coupon_service.campaigns.models import Season
from coupon_service.core.auth import OFFICE, principal, require
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError
from coupon_service.core.resources import resources
from fraud.models import Case, CaseState


@bp.get("/")
@require(*OFFICE)
def overview() -> str:
    """Money, vouchers, days, channels, and the budget tree of a season."""
    with transaction(resources().sessions) as session:
        freeze(session)
        now = db_now(session)
        seasons = seasons_of(session, district_id())
        if not seasons:
            return render_template("admin/no_season.html", tab="overview")
        season = season_of(session, district_id(), asked_season(), now)
        totals = season_totals(session, season, now)
        official = session.get_one(Official, principal().id)
        open_cases = session.execute(
            select(func.count())
            .select_from(Case)
            .join(Season, Season.id == Case.season_id)
            .where(Season.district_id == district_id(), Case.state == CaseState.OPEN)
        ).scalar_one()
    days = shown_days(totals)
    last = min(local_date(now), local_date(season.ends_at))
    parts = money_parts(totals.tally, unallocated_fen=totals.treasury_fen)
    flow = shown_flow(totals)
    return render_template(
        "admin/overview.html",
        tab="overview",
        season=season,
        seasons=seasons,
        official=official,
        totals=totals,
        tally=totals.tally,
        open_cases=open_cases,
        parts=parts,
        segments=stacked(parts),
        boards=shown_boards(totals),
        node_segments=lambda node: stacked(money_parts(node.tally)),
        days=[day for day in days if (last - day.day).days < DAYS_SHOWN],
        issued_chart=day_chart(days, "issued_count", last),
        spend_chart=day_chart(days, "redeemed_fen", last),
        flow=flow,
        flow_highest=max((cell.count or 0 for cell in flow), default=0),
    )


@bp.get("/totals.csv")
@require(*OFFICE)
def export_totals() -> Response:
    """The totals as a file; who took it is in the file and in the audit log."""
    with transaction(resources().sessions) as session:
        freeze(session)
        now = db_now(session)
        season = season_of(session, district_id(), asked_season(), now)
        totals = season_totals(session, season, now)
        official = session.get_one(Official, principal().id)
        record(session, principal(), "totals.export", season.id)
        content = totals_csv(totals, official)
    day = local_date(now).isoformat()
    return Response(
        content,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="totals-{day}.csv"'},
    )


@bp.get("/audit")
@require(*OFFICE)
def audit_log() -> str:
    """Who did what, the newest first."""
    with transaction(resources().sessions) as session:
        entries = latest(session, district_id())
    return render_template("admin/audit.html", tab="audit", entries=entries)


def asked_season() -> UUID | None:
    """`?season_id=…`.

    Raises:
        InvalidRequestError: it is no id.
    """
    asked = request.args.get("season_id")
    if not asked:
        return None
    try:
        return UUID(asked)
    except ValueError:
        raise InvalidRequestError from None
