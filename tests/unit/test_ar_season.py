"""The faults of a season's `ar.toml` that only show beside its other files."""

import shutil
from pathlib import Path

import pytest

from coupon_service.simulation.season.files import XICHENG_2022, check_season, read_season

ALONE = '[[providers]]\ncode = "other"\nname = "另一家"\nnode = "{node}"\n'


@pytest.fixture
def season(tmp_path: Path) -> Path:
    return Path(shutil.copytree(XICHENG_2022, tmp_path / "season"))


def faults_of(season: Path, old: str, new: str) -> list[str]:
    path = season / "ar.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return [fault.sentence for fault in check_season(path)]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('node = "ar-hunt"', 'node = "tianqiao-night"', "not its provider's"),
        ('node = "ar-hunt"', 'node = "nowhere"', "names no budget node"),
        ("[[anchors]]", ALONE.format(node="ar-hunt-01") + "[[anchors]]", "shares the budget"),
        ("[[anchors]]", ALONE.format(node="wise") + "[[anchors]]", "shares the budget"),
        ("built_in = true", "built_in = false", "a provider that is built in"),
        ('shop = "cloud-dashilan-gate"', 'shop = "cloud-tea-gate"', "has no goods"),
        ('shop = "cloud-dashilan-gate"', 'shop = "xiheyan-lantern"', "a redeem anchor"),
        ('hours = "16:00-00:30"', 'hours = "from four"', "10:00-22:00"),
    ],
)
def test_a_fault_of_ar_is_named(season: Path, old: str, new: str, fault: str) -> None:
    assert any(fault in sentence for sentence in faults_of(season, old, new))


def test_the_seasons_own_scenes_are_whole() -> None:
    file = read_season(XICHENG_2022)
    assert {scene.shop for scene in file.scenes} <= {good.anchor for good in file.goods}
    assert [provider.node for provider in file.providers] == ["ar-hunt"]
