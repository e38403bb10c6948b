"""Checks across a season's rows: names stand once, references lead somewhere, places are right."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from coupon_service.campaigns.models import Channel
from coupon_service.simulation.season.ar_rows import AnchorRow, GoodRow, ProviderRow, SceneRow
from coupon_service.simulation.season.faults import Fault, shown, unknown_name
from coupon_service.simulation.season.rows import (
    CITY_BOARDS,
    AwardRow,
    BoardRow,
    CampaignRow,
    CodeRow,
    DistrictRow,
    DrawRow,
    EventRow,
    GroupRow,
    MerchantRow,
    ReleaseRow,
    SeriesRow,
    StoreRow,
    StreetRow,
    VocabularyRow,
    WaitingRoomRow,
)
from coupon_service.simulation.season.tables import Draft, Placed

# Nodes of the budget tree; a season's codes name one node each, whatever its level.
_NODES = (BoardRow, SeriesRow, EventRow)
_CODED = (
    MerchantRow,
    StoreRow,
    CampaignRow,
    ReleaseRow,
    ProviderRow,
    AnchorRow,
)

# Whose field names a row of which kind.
_REFERENCES: tuple[tuple[type, str, type], ...] = (
    (SeriesRow, "board", BoardRow),
    (EventRow, "series", SeriesRow),
    (StoreRow, "merchant", MerchantRow),
    (StoreRow, "street", StreetRow),
    (CampaignRow, "event", EventRow),
    (CampaignRow, "stores", StoreRow),
    (ReleaseRow, "campaign", CampaignRow),
    (AnchorRow, "provider", ProviderRow),
    (AnchorRow, "release", ReleaseRow),
    (AnchorRow, "store", StoreRow),
    (SceneRow, "anchor", AnchorRow),
    (SceneRow, "shop", AnchorRow),
    (GoodRow, "anchor", AnchorRow),
    (DrawRow, "release", ReleaseRow),
    (CodeRow, "release", ReleaseRow),
    (AwardRow, "release", ReleaseRow),
    (AwardRow, "source", CampaignRow),
    (GroupRow, "release", ReleaseRow),
    (WaitingRoomRow, "release", ReleaseRow),
)

# How a release is claimed otherwise than first come, and through which channel that counts.
_WAYS = {DrawRow: Channel.ONLINE, CodeRow: Channel.ONLINE, AwardRow: Channel.ONSITE}

# Whose field uses which list of the vocabulary.
_WORDS: tuple[tuple[type, str, str], ...] = (
    (StoreRow, "zone", "zones"),
    (StoreRow, "category", "categories"),
    (StoreRow, "tags", "tags"),
    (CampaignRow, "zones", "zones"),
    (CampaignRow, "categories", "categories"),
    (CampaignRow, "tags", "tags"),
)


def check_names(draft: Draft) -> Iterator[Fault]:
    """Codes are used once; so are names people choose by, and bank accounts."""
    nodes = [placed for kind in _NODES for placed in draft.rows(kind)]
    for rows in (nodes, *(draft.rows(kind) for kind in _CODED)):
        yield from _once(rows, lambda row: row.code, lambda row: f"the code {shown(row.code)}")
        yield from _once(rows, _name_in_its_place, lambda row: f"the name {shown(row.name)}")
    yield from _once(
        draft.rows(StreetRow), lambda row: row.name, lambda row: f"the street {shown(row.name)}"
    )
    yield from _once(
        draft.rows(MerchantRow), lambda row: row.payout_account, lambda _: "the payout account"
    )
    yield from _once(
        draft.rows(ReleaseRow),
        lambda row: (row.campaign, row.opens),
        lambda _: "a release of this campaign that opens then",
    )


def check_references(draft: Draft) -> Iterator[Fault]:
    """What a row refers to exists, as far as the file it would be in could be read."""
    for kind, field, target in _REFERENCES:
        known = sorted(draft.keys.get(target, set()))
        if target in draft.unread and not known:
            continue
        yield from _strangers(draft.rows(kind), field, known)
    vocabulary = draft.only(VocabularyRow)
    if vocabulary is not None:
        for kind, field, words in _WORDS:
            yield from _strangers(draft.rows(kind), field, getattr(vocabulary.row, words))
    yield from _strangers(draft.rows(BoardRow), "city_boards", CITY_BOARDS)


def check_places(draft: Draft) -> Iterator[Fault]:
    """Streets and anchors lie in the district, and every store in its street."""
    district = draft.only(DistrictRow)
    boxes: list[Placed[Any]] = [*draft.rows(DistrictRow), *draft.rows(StreetRow)]
    for box in boxes:
        if not _is_box(box.row):
            yield box.fault("south must be less than north, and west less than east.", "south")
    if district is not None and _is_box(district.row):
        for street in draft.rows(StreetRow):
            corners = ((street.row.south, street.row.west), (street.row.north, street.row.east))
            if not all(_is_inside(district.row, *corner) for corner in corners):
                yield street.fault(
                    f"the street {street.row.name} reaches out of the district.", "name"
                )
        for anchor in draft.rows(AnchorRow):
            if not _is_inside(district.row, anchor.row.lat, anchor.row.lon):
                yield anchor.fault("the anchor lies outside the district.", "lat")
    streets = {street.row.name: street.row for street in draft.rows(StreetRow)}
    for store in draft.rows(StoreRow):
        box_of = streets.get(store.row.street)
        if box_of is None or not _is_box(box_of):
            continue
        if not _is_inside(box_of, store.row.lat, store.row.lon):
            yield store.fault(
                f"{store.row.lat}, {store.row.lon} lies outside the street {store.row.street}."
            )


def check_people(draft: Draft) -> Iterator[Fault]:
    """An illustration stays one: it never mixes with a real merchant's stores."""
    merchants = {merchant.row.code: merchant.row for merchant in draft.rows(MerchantRow)}
    for store in draft.rows(StoreRow):
        merchant = merchants.get(store.row.merchant)
        if merchant is not None and merchant.illustration != store.row.illustration:
            yield store.fault("`illustration` differs from that of the store's merchant.")
    if StoreRow not in draft.unread:
        used = {store.row.merchant for store in draft.rows(StoreRow)}
        for one in draft.rows(MerchantRow):
            if one.row.code not in used:
                yield one.fault(f"the merchant {shown(one.row.code)} has no store.")


def check_ways(draft: Draft) -> Iterator[Fault]:
    """A release is claimed in one way, and only first come has groups, waiting rooms and claims."""
    campaigns = {campaign.row.code: campaign.row for campaign in draft.rows(CampaignRow)}
    releases = {release.row.code: release for release in draft.rows(ReleaseRow)}
    taken: dict[str, Placed[Any]] = {}
    for way, channel in _WAYS.items():
        rows: list[Placed[Any]] = draft.rows(way)
        for placed in rows:
            code = placed.row.release
            if taken.setdefault(code, placed) is not placed:
                yield placed.fault(f"the release {shown(code)} has its way already.", "release")
            release = releases.get(code)
            campaign = campaigns.get(release.row.campaign) if release else None
            if campaign is not None and channel not in campaign.claim_channels:
                yield placed.fault(
                    f"the campaign of that release is not claimed {channel}.", "release"
                )
    for code in taken.keys() & releases.keys():
        if releases[code].row.demo_claims:
            yield releases[code].fault("`demo_claims` are for a release that is first come.")
    seats_kept: Counter[str] = Counter()
    for group in draft.rows(GroupRow):
        code = group.row.release
        seats_kept[code] += group.row.seats
        if code in releases and seats_kept[code] > releases[code].row.quantity:
            yield group.fault("the groups want more seats than the release has.", "seats")
    extras: list[Placed[Any]] = [*draft.rows(GroupRow), *draft.rows(WaitingRoomRow)]
    for extra in extras:
        if extra.row.release in taken:
            yield extra.fault(
                f"the release {shown(extra.row.release)} is not first come.", "release"
            )


def _once(
    rows: Iterable[Placed[Any]], key: Callable[[Any], object], say: Callable[[Any], str]
) -> Iterator[Fault]:
    """Each key once; the later row is the one at fault."""
    first: dict[object, Placed[Any]] = {}
    for placed in rows:
        earlier = first.setdefault(key(placed.row), placed)
        if earlier is not placed:
            file = "" if earlier.file == placed.file else f" of {earlier.file}"
            yield placed.fault(
                f"{say(placed.row)} stands on line {earlier.line}{file} already.", "code"
            )


def _name_in_its_place(row: Any) -> tuple[object, str]:
    """Nodes below two parents, and releases of two campaigns, may share a name."""
    match row:
        case SeriesRow():
            return row.board, row.name
        case EventRow():
            return row.series, row.name
        case ReleaseRow():
            return row.campaign, row.name
        case _:
            return None, row.name


def _strangers(rows: Iterable[Placed[Any]], field: str, known: Iterable[str]) -> Iterator[Fault]:
    names = tuple(known)
    lookup = frozenset(names)
    for placed in rows:
        value = getattr(placed.row, field)
        mentioned = value if isinstance(value, tuple) else () if value is None else (value,)
        for name in mentioned:
            if name not in lookup:
                yield placed.fault(unknown_name(f"`{field}`", name, names), field)


def _is_box(box: DistrictRow | StreetRow) -> bool:
    return box.south < box.north and box.west < box.east


def _is_inside(box: DistrictRow | StreetRow, lat: float, lon: float) -> bool:
    return box.south <= lat <= box.north and box.west <= lon <= box.east
