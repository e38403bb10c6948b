"""A season as a folder of data files: `check_season` lists every fault, `read_season` reads it.

The files are those of `data/xicheng-2022`, which explains each of them in its own comments.
"""

from pathlib import Path

from coupon_service.simulation.season.ar_checks import (
    check_anchors,
    check_own_budgets,
    check_scenes,
)
from coupon_service.simulation.season.ar_rows import AnchorRow, GoodRow, ProviderRow, SceneRow
from coupon_service.simulation.season.checks import (
    check_names,
    check_people,
    check_places,
    check_references,
    check_ways,
)
from coupon_service.simulation.season.faults import Fault, shown
from coupon_service.simulation.season.rows import (
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
    SeasonFile,
    SeasonRow,
    SeriesRow,
    StoreRow,
    StreetRow,
    VocabularyRow,
    WaitingRoomRow,
)
from coupon_service.simulation.season.tables import FILES, Draft, Placed, R, read_tables
from coupon_service.simulation.season.terms import (
    check_reservations,
    check_sums,
    check_terms,
    check_times,
)

XICHENG_2022 = Path(__file__).parent / "data" / "xicheng-2022"

_CHECKS = (
    check_names,
    check_references,
    check_places,
    check_people,
    check_anchors,
    check_own_budgets,
    check_scenes,
    check_ways,
    check_sums,
    check_reservations,
    check_terms,
    check_times,
)


class SeasonFaultsError(Exception):
    """The files do not make a season; the message has one line per fault."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def check_season(path: Path) -> list[Fault]:
    """Every fault of a season folder, or of one file in the light of those beside it.

    What a fault makes unknowable is left unsaid: a sum is not judged while a summand is unreadable.
    """
    if path.is_dir():
        return _check(path)[1]
    if not path.is_file():
        return [Fault(path.name, 1, "there is no such file or folder.")]
    if path.name not in FILES:
        return [Fault(path.name, 1, f"the file is none of a season's: {', '.join(FILES)}.")]
    return [fault for fault in _check(path.parent)[1] if fault.file == path.name]


def read_season(folder: Path) -> SeasonFile:
    """The season in that folder.

    Raises:
        SeasonFaultsError: anything in it is wrong.
    """
    draft, faults = _check(folder)
    if faults:
        raise SeasonFaultsError(faults)
    return SeasonFile(
        district=_the_one(draft, DistrictRow),
        season=_the_one(draft, SeasonRow),
        vocabulary=_the_one(draft, VocabularyRow),
        streets=_all(draft, StreetRow),
        boards=_all(draft, BoardRow),
        series=_all(draft, SeriesRow),
        events=_all(draft, EventRow),
        merchants=_all(draft, MerchantRow),
        stores=_all(draft, StoreRow),
        campaigns=_all(draft, CampaignRow),
        releases=_all(draft, ReleaseRow),
        draws=_all(draft, DrawRow),
        codes=_all(draft, CodeRow),
        awards=_all(draft, AwardRow),
        groups=_all(draft, GroupRow),
        waiting_rooms=_all(draft, WaitingRoomRow),
        providers=_all(draft, ProviderRow),
        anchors=_all(draft, AnchorRow),
        scenes=_all(draft, SceneRow),
        goods=_all(draft, GoodRow),
    )


def _check(folder: Path) -> tuple[Draft, list[Fault]]:
    draft = read_tables(folder)
    found = {*draft.faults, *(fault for check in _CHECKS for fault in check(draft))}
    for path in folder.iterdir():
        if path.suffix in (".csv", ".toml") and path.name not in FILES:
            found.add(Fault(path.name, 1, f"{shown(path.name)} is not a file of a season."))
    return draft, sorted(found)


def _all(draft: Draft, kind: type[R]) -> tuple[R, ...]:
    return tuple(placed.row for placed in draft.rows(kind))


def _the_one(draft: Draft, kind: type[R]) -> R:
    placed: Placed[R] = draft.rows(kind)[0]
    return placed.row
