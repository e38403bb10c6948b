"""The demo season's files are right, and whatever is wrong in a season's files is named."""

import random
import shutil
import tomllib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.campaigns.models import Channel, RefundPolicy, ThresholdBasis
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.simulation.season.files import (
    XICHENG_2022,
    SeasonFaultsError,
    check_season,
    read_season,
)
from coupon_service.simulation.season.moments import parse_moment
from coupon_service.simulation.season.rows import CITY_BOARDS, StoreChannel
from coupon_service.simulation.season.tables import FILES
from coupon_service.simulation.season.toml_lines import index_lines

STREETS = {
    *("西长安街", "新街口", "月坛", "展览路", "德胜", "金融街", "什刹海", "大栅栏"),
    *("天桥", "椿树", "陶然亭", "广安门内", "牛街", "白纸坊", "广安门外"),
}
STACKING = 'stacking = "any"\nper_order_max = 2'
SLOTS = 'slots = [\n    { hours = "11:00-14:00", capacity = '
LOAD_DAYS = [date(2026, 11, 16) + timedelta(days=n) for n in range(7)]


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """A copy of the demo season, to be broken."""
    return shutil.copytree(XICHENG_2022, tmp_path / "season")


def edit(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old`; returns the line it stood on."""
    path = folder / file
    text = path.read_text()
    before, found, after = text.partition(old)
    assert found, f"{old!r} is not in {file}"
    path.write_text(before + new + after)
    return before.count("\n") + 1


def test_the_demo_season_has_no_fault() -> None:
    assert check_season(XICHENG_2022) == []
    assert [check_season(XICHENG_2022 / file) for file in FILES] == [[]] * len(FILES)


def test_the_demo_season_is_xichengs_in_size() -> None:
    season = read_season(XICHENG_2022)
    assert season.season.appropriation_fen == 20_000_000 * 100
    assert sum(event.budget_fen for event in season.events) == 20_000_000 * 100
    assert (len(season.boards), len(season.series)) == (5, 24)
    assert len(season.events) >= 100
    assert {tag for board in season.boards for tag in board.city_boards} == set(CITY_BOARDS)


def test_the_demo_stores_stand_in_all_fifteen_streets_and_are_illustrations() -> None:
    season = read_season(XICHENG_2022)
    by_street = Counter(store.street for store in season.stores)
    assert len(season.stores) >= 120
    assert by_street.keys() == STREETS
    assert min(by_street.values()) >= 5
    assert all(store.illustration for store in season.stores)
    assert all(merchant.illustration for merchant in season.merchants)
    assert max(Counter(store.merchant for store in season.stores).values()) > 1
    used_tags = {tag for store in season.stores for tag in store.tags}
    assert used_tags == set(season.vocabulary.tags) >= {"老字号", "首店", "夜间", "外摆"}
    assert {store.channel for store in season.stores} == set(StoreChannel)
    assert any(store.hours.closes < store.hours.opens for store in season.stores)
    assert max(len(store.name) for store in season.stores) >= 35
    assert any(store.name.isascii() is False and " " in store.name for store in season.stores)


def test_the_demo_campaigns_use_every_kind_of_term() -> None:
    season = read_season(XICHENG_2022)
    campaigns = season.campaigns
    assert {campaign.refund_policy for campaign in campaigns} == set(RefundPolicy)
    assert {campaign.threshold_basis for campaign in campaigns} == set(ThresholdBasis)
    assert {c for campaign in campaigns for c in campaign.claim_channels} >= {
        Channel.ONLINE,
        Channel.ONSITE,
        Channel.AR,
    }
    assert Channel.VIRTUAL in {c for campaign in campaigns for c in campaign.redeem_channels}
    faces = {(c.threshold_fen, c.face_fen) for c in campaigns if c.code.startswith("friday-")}
    assert faces == {(5000, 2000), (10000, 4000), (20000, 8000), (30000, 12000)}
    for field in ("rate_bp", "zones", "categories", "tags", "stores", "valid_until", "valid_days"):
        assert any(getattr(campaign, field) for campaign in campaigns), field
    assert {campaign.per_person for campaign in campaigns} >= {1, 2}
    assert 100 in {release.quantity for release in season.releases}


@pytest.mark.parametrize("load_day", LOAD_DAYS)
def test_the_demo_is_alive_on_whatever_weekday_it_is_loaded(load_day: date) -> None:
    season = read_season(XICHENG_2022)
    now = datetime.combine(load_day, datetime.min.time(), LOCAL_ZONE) + timedelta(hours=12)
    assert season.season.starts.on(load_day) < now < season.season.ends.on(load_day)
    windows = [(r.opens.on(load_day), r.closes.on(load_day)) for r in season.releases]
    assert sum(opens <= now < closes for opens, closes in windows) >= 20
    assert sum(now < opens for opens, _ in windows) >= 5
    assert sum(closes <= now for _, closes in windows) >= 5
    rounds = [r for r in season.releases if r.campaign == "friday-50-20"]
    assert sum(r.opens.on(load_day) <= now < r.closes.on(load_day) for r in rounds) == 1
    for one in rounds:
        opens = one.opens.on(load_day).astimezone(LOCAL_ZONE)
        assert (opens.strftime("%a"), opens.hour, opens.minute) == ("Fri", 10, 0)


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("season.toml", "2_000_000_000", "2_000_000_000.5", "whole number of fen"),
        ("season.toml", "2_000_000_000", '"20000000"', "whole number of fen"),
        ("season.toml", "2_000_000_000", "-1", "at least 1"),
        ("season.toml", "2_000_000_000", "9223372036854775808", "at most 1,000,000,000,000"),
        ("season.toml", "2_000_000_000", "nan", "whole number of fen"),
        ("season.toml", "2_000_000_000", "1e309", "whole number of fen"),
        ("season.toml", "2_000_000_000", "true", "whole number of fen"),
        ("season.toml", "2_000_000_000", "0x" + "f" * 5000, "a very large number"),
        ("season.toml", "2_000_000_000", "2_000_000_100", "1 less than its 20,000,001 yuan"),
        ("season.toml", 'starts = "day-28', 'starts = "yesterday', "must look like day+3 10:00"),
        ("season.toml", 'ends = "day+92 00:00"', 'ends = "day-92 00:00"', "must come after starts"),
        ("season.toml", '"首秀"', '"首绣"', "is not known"),
        (
            "season.toml",
            "appropriation_fen",
            "apropriation_fen",
            'did you mean "appropriation_fen"',
        ),
        ("season.toml", "[season]", "[seasons]", 'did you mean "season"'),
        ("season.toml", "[[boards]]", "[boards", "not valid TOML"),
        ("events.csv", "40000000", "400000.00", "whole number of fen"),
        ("events.csv", "40000000", "４0000000", "whole number of fen"),
        ("events.csv", "40000000", "", "`budget_fen` is missing"),
        ("events.csv", "xidan-01,xidan", "xidan-01,xidann", 'did you mean "xidan"'),
        ("events.csv", "xidan-02", "xidan-01", "stands on line 3 already"),
        ("events.csv", "首店打卡周", "=HYPERLINK(1)", "spreadsheet formula"),
        ("events.csv", "首店打卡周", "首店\u202e打卡周", "U+202E"),
        ("events.csv", "首店打卡周", "首" * 81, "longer than 80 characters"),
        ("events.csv", "budget_fen", "budget", "the column `budget_fen` is missing"),
        ("events.csv", "xidan-01,", "xidan-01,,", "the row has 5 cells, the header 4"),
        ("merchants.csv", "6299990000000000012", "6299 99", "must be 8 to 30 digits"),
        ("merchants.csv", "6299990000000000020", "6299990000000000012", "account stands on line 3"),
        ("stores.csv", "39.9162,116.3705", "39.9900,116.3705", "outside the street 西长安街"),
        ("stores.csv", "39.9162,116.3705", "3九,116.3705", "must be a decimal number"),
        ("stores.csv", "39.9162,116.3705", "39.9162,181.0", "at most 180"),
        ("stores.csv", "10:30-21:30", "10:30-25:30", "must look like 10:00-22:00"),
        ("stores.csv", "onsite,yes", "onsite,maybe", "must be yes or no"),
        ("stores.csv", "onsite,yes", "onsite,no", "differs from that of the store's merchant"),
        ("stores.csv", "onsite,yes", "moon,yes", "must be one of 'onsite' or 'virtual'"),
        ("stores.csv", ",m002,", ",m999,", "is not known"),
        ("stores.csv", ",社区便民,39", ",社区,39", 'did you mean "社区便民"'),
        ("campaigns.toml", "face_fen = 20_00", "rate_bp = 10001", "at most 10,000"),
        ("campaigns.toml", "valid_days = 7", "valid_days = true", "must be a whole number"),
        ("campaigns.toml", 'claim_channels = ["online"]', "claim_channels = []", "not be empty"),
        ("campaigns.toml", 'claim_channels = ["online"]', 'claim_channels = ["fax"]', "'onsite'"),
        ("campaigns.toml", 'claim_channels = ["online"]', 'claim_channels = ["ar"]', "no anchor"),
        ("campaigns.toml", 'zones = ["西单"]', 'zones = ["东单"]', "one of 西单, 金融街"),
        ("campaigns.toml", 'refund_policy = "return_v', 'refund_policy = "v', "must be one of"),
        ("releases.csv", "fri-2 10:00,fri-1 00:00", "fri-1 00:00,fri-2 10:00", "must come after"),
        ("releases.csv", ",1500,fri-2", ",0,fri-2", "at least 1"),
        ("releases.csv", "day+25 00:00", "day+31 00:00", "its campaign's valid_until"),
        ("releases.csv", "day-20 10:00", "day-29 10:00", "must not come before the season's"),
        ("releases.csv", "day-20 10:00", "2022-02-30 10:00", "does not exist"),
        ("releases.csv", "day-1 00:00,day+20 00:00,6", "day-1 00:00,day+20 00:00,7", "many seats"),
        ("releases.csv", "day-20 10:00,day-6 00:00,", "day-20 10:00,day-6 00:00,1", "open all"),
        ("events.csv", "xidan-02,", "shop,", "stands on line"),
        ("campaigns.toml", "min_age = 60", "min_age = 17", "at least 18"),
        ("campaigns.toml", "flows = true", 'flows = "yes"', "must be yes or no"),
        ("campaigns.toml", 'excluded_goods = ["liquor"]', 'excluded_goods = ["beer"]', "'liquor'"),
        ("campaigns.toml", "per_order_max = 2", "per_order_max = 1", "at least 2"),
        ("campaigns.toml", "weekdays = [6, 7]", "weekdays = [6, 8]", "at most 7"),
        ("campaigns.toml", 'hours = ["17:00-02:00"]', 'hours = ["17-02"]', "must look like"),
        ("campaigns.toml", f"{SLOTS}30", f"{SLOTS}0", "at least 1"),
        ("campaigns.toml", SLOTS, SLOTS.replace("14:00", "17:01"), "two slots overlap"),
        ("campaigns.toml", STACKING, "per_order_max = 2", "goes with"),
        ("campaigns.toml", STACKING, "weekdays = [1]", "too short for one of"),
        ("ways.toml", 'release = "qipao-1"', 'release = "qipo-1"', 'did you mean "qipao-1"'),
        ("ways.toml", 'source = "group-chain"', 'source = "chain"', "is not known"),
        ("ways.toml", 'release = "qipao-2"', 'release = "qipao-1"', "has its way already"),
        ("ways.toml", 'release = "qipao-2"', 'release = "ar-cruise-1"', "not claimed online"),
        ("ways.toml", '"lantern-supper-1"', '"cloud-tea-1"', "is not claimed onsite"),
        ("ways.toml", '"grocery-basket-1"', '"qipao-2"', "is not first come"),
        ("ways.toml", '"family-meal-1"', '"group-chain-1"', "is not first come"),
        ("ways.toml", "seats = 5000", "seats = 25001", "more seats than the release has"),
        ("ways.toml", '"day+45 20:00"', '"day+44 20:00"', "must come after entries_close"),
        ("ways.toml", '"day-2 18:00"', '"day-8 18:00"', "after the release's opening"),
        ("ways.toml", '"day+45 20:00"', '"day+60 20:00"', "after seed_available"),
        ("ways.toml", '"day+45 18:00"', '"day+0 18:00"', "either over before the load day"),
        ("ways.toml", '"family-meal-1"', '"trend-fair-1"', "closes within a day"),
        ("ways.toml", "opens_in_min = 10", "opens_in_min = 0", "at least 1"),
        ("ways.toml", "uses_max = 4000", "uses_max = 0", "at least 1"),
        ("ar.toml", "lat = 39.8948", "lat = 40.8948", "outside the district"),
        ("ar.toml", 'outcome = "award"', 'outcome = "redeem"', "names a `release` only"),
        ("ar.toml", "radius_m = 120", "radius_m = 120.5", "must be a whole number"),
    ],
)
def test_a_fault_is_named_with_its_file_and_line(
    season: Path, file: str, old: str, new: str, sentence: str
) -> None:
    line = edit(season, file, old, new)
    faults = check_season(season)
    found = [fault for fault in faults if sentence in fault.sentence]
    assert (file, line) in [(fault.file, fault.line) for fault in found], faults
    with pytest.raises(SeasonFaultsError):
        read_season(season)


FRIDAY = 'code = "friday-50-20"'


@pytest.mark.parametrize(
    ("change", "sentence", "place"),
    [
        (
            ("season.toml", "39.973", "37.973"),
            "south must be less than north",
            ("season.toml", "south = 39.865"),
        ),
        (
            ("campaigns.toml", "face_fen = 20_00", "face_fen = 50_00"),
            "must be at least `face_fen` and `min_pay_fen`",
            ("campaigns.toml", "threshold_fen = 50_00"),
        ),
        (
            ("campaigns.toml", "face_fen = 20_00", "rate_bp = 1000"),
            "both `rate_bp` and `cap_fen`",
            ("campaigns.toml", FRIDAY),
        ),
        (
            ("campaigns.toml", "valid_days = 7", "per_person = 2"),
            "neither `valid_until` nor",
            ("campaigns.toml", FRIDAY),
        ),
        (
            ("campaigns.toml", '["dashilan-11"]', '["dashilan-10"]'),
            "no virtual store is in",
            ("campaigns.toml", 'redeem_channels = ["virtual"]'),
        ),
        (
            ("releases.csv", ",1500,fri-2", ",9500,fri-2"),
            "reserve 140,000 yuan more than its budget of 200,000 yuan",
            ("events.csv", "friday-01,"),
        ),
    ],
)
def test_a_fault_between_two_values_stands_where_the_rule_is(
    season: Path, change: tuple[str, str, str], sentence: str, place: tuple[str, str]
) -> None:
    edit(season, *change)
    (fault,) = [fault for fault in check_season(season) if sentence in fault.sentence]
    line = (season / place[0]).read_text().partition(place[1])[0].count("\n") + 1
    # A rule about a whole table is named at the table's header, one line above its code.
    assert (fault.file, fault.line) == (place[0], line - (place[1] == FRIDAY))


def test_demo_claims_are_for_first_come_only(season: Path) -> None:
    whole = "邻里接龙,4000,day-7 00:00,day+80 00:00,"
    line = edit(season, "releases.csv", whole, whole + "1")
    (fault,) = check_season(season)
    assert (fault.file, fault.line) == ("releases.csv", line)
    assert "first come" in fault.sentence


def test_one_check_finds_the_faults_of_every_file(season: Path) -> None:
    edit(season, "season.toml", "39.865", '"south"')
    edit(season, "events.csv", "40000000", "4e7")
    edit(season, "merchants.csv", "6299990000000000012", "")
    edit(season, "stores.csv", "10:30-21:30", "all day")
    edit(season, "campaigns.toml", "valid_days = 7", "valid_days = 0")
    edit(season, "campaigns.toml", "valid_days = 7", "valid_days = 999")
    edit(season, "releases.csv", "fri-2 10:00", "now")
    edit(season, "ways.toml", "uses_max = 4000", 'uses_max = "many"')
    edit(season, "ar.toml", "[[providers]]", "[[provider]]")
    faults = check_season(season)
    assert {fault.file for fault in faults} == set(FILES)
    assert sum("valid_days" in fault.sentence for fault in faults) == 2
    assert faults == sorted(faults)


def test_what_a_fault_makes_unknowable_is_not_reported_as_another_fault(season: Path) -> None:
    line = edit(season, "events.csv", "40000000", "forty million")
    assert [(f.file, f.line) for f in check_season(season)] == [("events.csv", line)]


def test_a_single_file_is_checked_without_those_beside_it(tmp_path: Path) -> None:
    shutil.copy(XICHENG_2022 / "stores.csv", tmp_path)
    assert check_season(tmp_path / "stores.csv") == []
    line = edit(tmp_path, "stores.csv", "10:30-21:30", "noon")
    assert [fault.line for fault in check_season(tmp_path / "stores.csv")] == [line]


def test_a_missing_unknown_or_stray_file_is_a_fault(season: Path, tmp_path: Path) -> None:
    assert "no such file" in check_season(tmp_path / "nothing")[0].sentence
    (season / "stores.csv").rename(season / "shops.csv")
    faults = {(fault.file, fault.sentence) for fault in check_season(season)}
    assert ("stores.csv", "the file is missing.") in faults
    assert ("shops.csv", '"shops.csv" is not a file of a season.') in faults
    assert "none of a season's" in check_season(season / "shops.csv")[0].sentence


def test_a_payout_account_is_never_repeated_in_a_fault(season: Path) -> None:
    edit(season, "merchants.csv", "6299990000000000012", "62999900000000000l2")
    edit(season, "merchants.csv", "6299990000000000038", "6299990000000000020")
    faults = check_season(season)
    assert len(faults) == 2
    assert not any("6299" in fault.sentence for fault in faults)


@pytest.mark.parametrize("file", FILES)
def test_no_damage_to_a_file_makes_the_check_fail(season: Path, file: str) -> None:
    whole = (season / file).read_bytes()
    dice = random.Random(file)
    for _ in range(15):
        at = dice.randrange(len(whole))
        piece = dice.choice(
            [b"", b"\x00", b"\xff", b'"', b"\n", b",", b"[", b"]]", b"'''", b"=", b"9"]
        )
        (season / file).write_bytes(whole[:at] + piece + whole[at + dice.randrange(3) :])
        assert isinstance(check_season(season / file), list)
    (season / file).write_bytes(whole[: len(whole) // 2])
    assert isinstance(check_season(season), list)


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000, "{a = " * 3000])
def test_a_monstrous_value_is_a_fault_of_its_file(season: Path, value: str) -> None:
    edit(season, "season.toml", "2_000_000_000", value)
    assert {fault.file for fault in check_season(season)} == {"season.toml"}


def test_moments_count_from_the_load_day_or_name_a_date() -> None:
    sunday = date(2026, 11, 22)
    assert parse_moment("day-7 00:00").on(sunday) == datetime(2026, 11, 14, 16, tzinfo=UTC)
    assert parse_moment("fri+0 10:00").on(sunday) == datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert parse_moment("fri+1 10:00").on(sunday) == datetime(2026, 11, 27, 2, tzinfo=UTC)
    assert parse_moment("2022-08-01 10:00").on(sunday) == datetime(2022, 8, 1, 2, tzinfo=UTC)


KEYS = st.one_of(
    st.from_regex(r"[a-z_-]{1,4}", fullmatch=True),
    st.from_regex(r'"[ .=#\[\]a{}]{1,4}"', fullmatch=True),
)
VALUES = st.sampled_from(
    [
        "1",
        '"a # not a comment"',
        "'[[not.a.table]]'",
        '"""\n[x]\ny = 1\n"quoted""""',
        "'''\n[[z]]\n'''",
        '[\n  "a", # ]\n  "b = 1",\n]',
        "{ a = 1, b = [2] }",
        r'"\"= ["',
    ]
)
HEADERS = st.lists(KEYS, min_size=1, max_size=2).map(".".join)


@given(st.lists(st.tuples(HEADERS, st.booleans(), st.lists(st.tuples(KEYS, VALUES), max_size=3))))
def test_every_toml_table_and_key_is_found_on_its_own_line(
    tables: list[tuple[str, bool, list[tuple[str, str]]]],
) -> None:
    text = "# a comment\n"
    for header, is_array, pairs in tables:
        table = f"[[{header}]]" if is_array else f"[{header}]"
        text += f"\n{table} # [[not this]]\n" + "".join(f"  {k} = {v}\n" for k, v in pairs)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # two tables or keys of one name
    index = index_lines(text)
    source = text.split("\n")
    for path, line in index.lines.items():
        node: Any = document
        for part in path:
            node = node[part]
        assert str(path[-1]) in source[line - 1] or isinstance(path[-1], int)
    assert len(index.lines) == sum(1 for table in tables for _ in table[2]) + len(tables)
