"""Every Chinese sentence a person can meet has its English, and no English is left over."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

import pytest
from babel.messages.extract import extract_from_file
from jinja2.ext import babel_extract

from coupon_service.core.error_catalogue import catalogue
from coupon_service.core.i18n import english_catalogue
from coupon_service.entrypoints.modules import all_modules

ROOT = Path(__file__).parents[2]
PACKAGES = ("coupon_service", "merchants", "redemption", "fraud", "admin")
CATALOGUES = ROOT / "coupon_service/core/translations/en/LC_MESSAGES"
KEYWORDS: dict[str, None] = dict.fromkeys(("_", "gettext", "lazy_gettext"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACE = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")


def _in_templates() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("templates/**/*.html")):
            with path.open("rb") as source:
                for _, _, message, _ in _extracted(source):
                    yield message, path


def _extracted(source: BinaryIO) -> Iterator[tuple[int, str, str, list[str]]]:
    options = {"trimmed": "true", "silent": "false"}
    for line, keyword, message, comments in babel_extract(source, list(KEYWORDS), [], options):
        # With values to fill in, the sentence comes first of a tuple.
        sentence = message[0] if isinstance(message, tuple) else message
        if sentence is not None:  # `_(a_variable)`: its sentence stands in the code
            yield line, keyword, sentence, comments


def _in_code() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for found in extract_from_file("python", path, keywords=KEYWORDS):
                message = found[1]
                assert isinstance(message, str)
                if message:
                    yield message, path


def _in_errors() -> Iterator[tuple[str, Path]]:
    all_modules()
    for error in catalogue():
        yield error.sentence, Path(*error.__module__.split(".")).with_suffix(".py")


@cache
def _said() -> dict[str, str]:
    """Every sentence, and a file that says it."""
    return {
        message: str(path.relative_to(ROOT) if path.is_absolute() else path)
        for source in (_in_templates, _in_code, _in_errors)
        for message, path in source()
    }


@cache
def _english() -> dict[str, str]:
    return {str(entry.id): str(entry.string) for entry in english_catalogue() if entry.id}


def test_every_sentence_has_its_english() -> None:
    missing = {message: path for message, path in _said().items() if not _english().get(message)}
    assert missing == {}


def test_no_english_is_left_over() -> None:
    sources = "".join(
        path.read_text()
        for package in PACKAGES
        for pattern in ("*.py", "*.html")
        for path in (ROOT / package).rglob(pattern)
    )
    unsaid = set(_english()) - set(_said())
    # Sentences kept in a table, and said through a variable.
    assert sorted(message for message in unsaid if f'"{message}"' not in sources) == []


def test_every_sentence_is_translated_once() -> None:
    sources = "\n".join(path.read_text() for path in sorted(CATALOGUES.glob("*.po")))
    ids = re.findall(r'^msgid (".+")$', sources, re.MULTILINE)
    assert [one for one, times in Counter(ids).items() if times > 1 and one != '""'] == []


def test_english_fills_in_what_the_chinese_does() -> None:
    differing = [
        message
        for message, english in _english().items()
        if Counter(PLACE.findall(message)) != Counter(PLACE.findall(english))
    ]
    assert differing == []


def test_english_is_english() -> None:
    assert [english for english in _english().values() if CHINESE.search(english)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_template_says_chinese_past_the_catalogue(package: str) -> None:
    """Chinese outside of `_()` would stay Chinese on an English page."""
    past = {}
    for path in sorted((ROOT / package).rglob("templates/**/*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
        lines = [line.strip() for line in text.splitlines() if CHINESE.search(line)]
        # The switch names each language in that language.
        lines = [line for line in lines if 'lang="zh-CN">中文<' not in line]
        if lines:
            past[path.name] = lines
    assert past == {}
