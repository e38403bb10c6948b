"""The shape of the source tree."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("coupon_service", "merchants", "redemption", "fraud", "admin", "tests")
SUFFIXES = {".py", ".js", ".css", ".html", ".lua"}
LINES_MAX = 400


def _sources() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in SUFFIXES and "vendor" not in path.parts
    ]


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _sources()
        if (lines := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "helpers", "manager", "common", "misc"}
    assert [path for path in _sources() if path.stem in drawers] == []


def test_every_package_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _sources()
        if path.name == "__init__.py"
        and "tests" not in path.parts
        and not path.read_text().startswith('"""')
    ]
    assert silent == []
