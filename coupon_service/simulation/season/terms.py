"""Checks of a season's money, terms and times."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

from coupon_service.campaigns.hours import Window, overlap
from coupon_service.campaigns.models import Channel, Stacking
from coupon_service.core.clock import local_day_start
from coupon_service.core.money import format_yuan
from coupon_service.simulation.season.ar_rows import AnchorRow
from coupon_service.simulation.season.faults import Fault, shown
from coupon_service.simulation.season.moments import Moment
from coupon_service.simulation.season.rows import (
    BoardRow,
    CampaignRow,
    DrawRow,
    EventRow,
    ReleaseRow,
    SeasonRow,
    SeriesRow,
    StoreChannel,
    StoreRow,
    WaitingRoomRow,
)
from coupon_service.simulation.season.tables import Draft, Placed

# A Monday and the six days after it: what holds when loaded on each of them holds on any day.
_LOAD_DAYS = tuple(date(2026, 1, 5) + timedelta(days=n) for n in range(7))


def check_sums(draft: Draft) -> Iterator[Fault]:
    """The children of every node of the budget tree add up to it, to the fen."""
    if draft.unread.isdisjoint((SeasonRow, BoardRow)):
        for season in draft.rows(SeasonRow):
            total_fen = sum(board.row.budget_fen for board in draft.rows(BoardRow))
            yield from _sum_fault(
                season, season.row.appropriation_fen, total_fen, "boards", "appropriation_fen"
            )
    if draft.unread.isdisjoint((BoardRow, SeriesRow)):
        yield from _level_sums(draft.rows(BoardRow), draft.rows(SeriesRow), "board", "series")
    if draft.unread.isdisjoint((SeriesRow, EventRow)):
        yield from _level_sums(draft.rows(SeriesRow), draft.rows(EventRow), "series", "events")


def check_reservations(draft: Draft) -> Iterator[Fault]:
    """Every event can pay what its campaigns' releases reserve: quantity times face, or cap."""
    campaigns = {campaign.row.code: campaign.row for campaign in draft.rows(CampaignRow)}
    reserved_fen: dict[str, int] = defaultdict(int)
    for release in draft.rows(ReleaseRow):
        campaign = campaigns.get(release.row.campaign)
        if campaign is None:
            continue
        reserved_fen[campaign.event] += release.row.quantity * campaign.discount_max_fen
        if release.row.quantity < campaign.per_person:
            yield release.fault("`quantity` is less than one person may claim.")
        if release.row.demo_claims and not _can_be_claimed_at_load(release.row, campaign):
            yield release.fault(
                "`demo_claims` needs as many seats, the online channel, and a window that is open"
                " all through the load day."
            )
    for event in draft.rows(EventRow):
        over_fen = reserved_fen[event.row.code] - event.row.budget_fen
        if over_fen > 0:
            yield event.fault(
                f"the releases of this event reserve {format_yuan(over_fen)} yuan more than its"
                f" budget of {format_yuan(event.row.budget_fen)} yuan."
            )


def check_terms(draft: Draft) -> Iterator[Fault]:
    """A campaign is one kind of coupon, leaves something to pay, and can be used somewhere."""
    for campaign in draft.rows(CampaignRow):
        row = campaign.row
        is_fixed = row.face_fen is not None
        is_percentage = row.rate_bp is not None and row.cap_fen is not None
        is_half = (row.rate_bp is None) != (row.cap_fen is None)
        if is_fixed == is_percentage or is_half or (is_fixed and row.rate_bp is not None):
            yield campaign.fault(
                "a campaign has either `face_fen`, or both `rate_bp` and `cap_fen`."
            )
        elif is_fixed and row.discount_max_fen + row.min_pay_fen > row.threshold_fen:
            yield campaign.fault(
                "`threshold_fen` must be at least `face_fen` and `min_pay_fen` together.",
                "threshold_fen",
            )
        yield from _together_faults(campaign)
        yield from _hours_faults(campaign)
        if row.valid_until is None and row.valid_days is None:
            yield campaign.fault("there is neither `valid_until` nor `valid_days`.")
        for channels in ("claim_channels", "redeem_channels"):
            if len(set(getattr(row, channels))) != len(getattr(row, channels)):
                yield campaign.fault(f"`{channels}` names a channel twice.", channels)
    if StoreRow not in draft.unread:
        yield from _unusable_channels(draft)


def _together_faults(campaign: Placed[CampaignRow]) -> Iterator[Fault]:
    row = campaign.row
    if row.per_order_max is not None and row.stacking != Stacking.ANY:
        yield campaign.fault('`per_order_max` goes with `stacking = "any"`.', "per_order_max")


def _hours_faults(campaign: Placed[CampaignRow]) -> Iterator[Fault]:
    """Slots are apart, and whoever claims on any day finds one on which the voucher works."""
    row = campaign.row
    days = row.weekdays
    if days and row.valid_days is not None:
        first_day_later = [min((day - start) % 7 for day in days) for start in range(7)]
        if max(first_day_later) >= row.valid_days:
            yield campaign.fault(
                "`valid_days` is too short for one of the `weekdays` to come.", "weekdays"
            )
    for slot in row.slots:
        if (slot.since is None) != (slot.until is None):
            yield campaign.fault("a slot has both `since` and `until`, or neither.", "slots")
    windows = [Window(slot.hours.opens, slot.hours.closes) for slot in row.slots]
    for one, other in combinations(windows, 2):
        if overlap(one, other):
            yield campaign.fault("two slots overlap.", "slots")


def check_times(draft: Draft) -> Iterator[Fault]:
    """Windows have a length and lie in the season, whatever weekday the season is loaded on."""
    season = draft.only(SeasonRow)
    campaigns = {campaign.row.code: campaign.row for campaign in draft.rows(CampaignRow)}
    if season is not None:
        starts, ends = season.row.starts, season.row.ends
        yield from _order(season, "starts", starts, "ends", ends)
        for campaign in draft.rows(CampaignRow):
            start = campaign.row.valid_from or starts
            end = campaign.row.valid_until or ends
            yield from _order(campaign, "valid_from", start, "valid_until", end)
            yield from _order(campaign, "the season's start", starts, "valid_from", start, True)
        for release in draft.rows(ReleaseRow):
            opens, closes = release.row.opens, release.row.closes
            yield from _order(release, "the season's start", starts, "opens", opens, True)
            yield from _order(release, "closes", closes, "the season's end", ends, True)
    for release in draft.rows(ReleaseRow):
        closes = release.row.closes
        yield from _order(release, "opens", release.row.opens, "closes", closes)
        terms = campaigns.get(release.row.campaign)
        if terms is not None and terms.valid_until is not None:
            until = terms.valid_until
            yield from _order(release, "closes", closes, "its campaign's valid_until", until, True)
    yield from _check_ways_times(draft)


def _check_ways_times(draft: Draft) -> Iterator[Fault]:
    releases = {release.row.code: release.row for release in draft.rows(ReleaseRow)}
    for draw in draft.rows(DrawRow):
        entries_close, seed = draw.row.entries_close, draw.row.seed_available
        yield from _order(draw, "entries_close", entries_close, "seed_available", seed)
        drawn = releases.get(draw.row.release)
        if drawn is not None:
            opens, closes = drawn.opens, drawn.closes
            yield from _order(draw, "the release's opening", opens, "entries_close", entries_close)
            yield from _order(draw, "seed_available", seed, "the release's closing", closes)
        is_over = all(seed.on(day) <= local_day_start(day) for day in _LOAD_DAYS)
        if not is_over and any(entries_close.on(day) < _day_after(day) for day in _LOAD_DAYS):
            yield draw.fault(
                "a draw is either over before the load day, or takes entries until after it.",
                "entries_close",
            )
    for room in draft.rows(WaitingRoomRow):
        release = releases.get(room.row.release)
        if release is not None and any(
            release.closes.on(day) < _day_after(day + timedelta(days=1)) for day in _LOAD_DAYS
        ):
            yield room.fault("the release closes within a day of its opening.", "release")


def _level_sums(
    parents: list[Placed[Any]], children: list[Placed[Any]], field: str, what: str
) -> Iterator[Fault]:
    total_fen: dict[str, int] = defaultdict(int)
    for child in children:
        total_fen[getattr(child.row, field)] += child.row.budget_fen
    for parent in parents:
        row = parent.row
        yield from _sum_fault(parent, row.budget_fen, total_fen[row.code], what, "budget_fen")


def _sum_fault(
    parent: Placed[Any], budget_fen: int, total_fen: int, what: str, at: str
) -> Iterator[Fault]:
    if total_fen != budget_fen:
        less_or_more = "less" if total_fen < budget_fen else "more"
        yield parent.fault(
            f"the {what} of {shown(parent.row.code)} add up to {format_yuan(total_fen)} yuan,"
            f" {format_yuan(abs(budget_fen - total_fen))} {less_or_more} than its"
            f" {format_yuan(budget_fen)} yuan.",
            at,
        )


def _unusable_channels(draft: Draft) -> Iterator[Fault]:
    releases = {release.row.code: release.row.campaign for release in draft.rows(ReleaseRow)}
    awarded = {releases.get(anchor.row.release or "") for anchor in draft.rows(AnchorRow)}
    for campaign in draft.rows(CampaignRow):
        row = campaign.row
        found = {store.row.channel for store in draft.rows(StoreRow) if _covers(row, store.row)}
        if Channel.ONSITE in row.redeem_channels and StoreChannel.ONSITE not in found:
            yield campaign.fault(
                "no store with a till is in this campaign's scope.", "redeem_channels"
            )
        if Channel.VIRTUAL in row.redeem_channels and StoreChannel.VIRTUAL not in found:
            yield campaign.fault("no virtual store is in this campaign's scope.", "redeem_channels")
        if (
            Channel.AR in row.claim_channels
            and draft.unread.isdisjoint((AnchorRow, ReleaseRow))
            and row.code not in awarded
        ):
            yield campaign.fault("no anchor awards a release of this campaign.", "claim_channels")


def _day_after(day: date) -> datetime:
    return local_day_start(day + timedelta(days=1))


def _can_be_claimed_at_load(release: ReleaseRow, terms: CampaignRow) -> bool:
    return (
        release.demo_claims <= release.quantity
        and Channel.ONLINE in terms.claim_channels
        and all(
            release.opens.on(day) <= local_day_start(day)
            and release.closes.on(day) >= _day_after(day)
            for day in _LOAD_DAYS
        )
    )


def _covers(terms: CampaignRow, store: StoreRow) -> bool:
    return (
        (not terms.categories or store.category in terms.categories)
        and (not terms.zones or store.zone in terms.zones)
        and (not terms.tags or not set(terms.tags).isdisjoint(store.tags))
        and (not terms.stores or store.code in terms.stores)
    )


def _order(  # noqa: PLR0917  # read aloud: "opens" (then) comes before "closes" (then)
    placed: Placed[Any],
    earlier_name: str,
    earlier: Moment,
    later_name: str,
    later: Moment,
    or_same: bool = False,
) -> Iterator[Fault]:
    """At most one fault: the first load day on which the two moments are not in order."""
    for day in _LOAD_DAYS:
        first, second = earlier.on(day), later.on(day)
        if first < second or (or_same and first == second):
            continue
        is_fixed = earlier.day is not None and later.day is not None
        when = "" if is_fixed else f" (when loaded on a {day:%A})"
        relation = "not come before" if or_same else "come after"
        at = later_name if later_name in placed.lines else earlier_name
        yield placed.fault(f"{later_name} must {relation} {earlier_name}{when}.", at)
        return
