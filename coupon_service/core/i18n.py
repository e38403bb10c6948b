"""Chinese first, English by switch. Texts are written in Chinese; `translations/en` has the rest.

The catalogue is read from its `.po` files, one per part of the house, when the application starts:
no compile step, and no compiled file that could be older than its source.
"""

from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, Response, redirect, request
from flask_babel import Babel, Domain, get_babel, get_locale
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from coupon_service.core.cookies import sent_cookie

LOCALES = ("zh_Hans_CN", "en")
_COOKIE = "lang"
_HEADER_CHARS_MAX = 200


def english_catalogue() -> Catalog:
    """Every English sentence."""
    whole: Catalog = Catalog(locale="en")
    for source in (files("coupon_service.core") / "translations/en/LC_MESSAGES").iterdir():
        if source.name.endswith(".po"):
            with source.open("rb") as po:
                for message in read_po(po, locale="en"):
                    if message.id:  # the first one is the file's header
                        whole.add(message.id, message.string)
    return whole


@cache
def _english() -> Translations:
    compiled = BytesIO()
    write_mo(compiled, english_catalogue())
    compiled.seek(0)
    return Translations(compiled)


class PoDomain(Domain):
    """A flask-babel domain whose only catalogue is the English one."""

    def __init__(self) -> None:
        super().__init__()
        self._english = _english()
        self._chinese = Translations()

    def translated(self, sentence: str, locale: str) -> str:
        """The sentence in one of `LOCALES`."""
        return str(self._english.ugettext(sentence)) if locale == "en" else sentence

    def get_translations(self) -> Translations:
        locale = get_locale()
        return self._english if locale is not None and locale.language == "en" else self._chinese


def select_locale() -> str:
    """What the visitor chose, else what the browser prefers, else Chinese."""
    chosen = sent_cookie(_COOKIE)
    if chosen in LOCALES:
        return chosen
    wanted: str = request.environ.get("HTTP_ACCEPT_LANGUAGE", "")
    return _best_locale(wanted[:_HEADER_CHARS_MAX]) if wanted else "zh_Hans_CN"


@lru_cache(1024)
def _best_locale(accept_language: str) -> str:
    wanted = parse_accept_header(accept_language, LanguageAccept)
    best = wanted.best_match(["zh", "zh-CN", "en"], default="zh")
    return "en" if best == "en" else "zh_Hans_CN"


def in_locale(sentence: str, locale: str) -> str:
    """The sentence in one of `LOCALES`, for what is put together once and answered often."""
    babel = get_babel()
    domain: PoDomain = babel.instance.domain_instance
    return domain.translated(sentence, locale)


class PoBabel(Babel):
    """flask-babel builds a domain, and reads its files, per request; this one is built once."""

    def __init__(self, domain: PoDomain) -> None:
        super().__init__()
        self._domain = domain

    @property
    def domain_instance(self) -> PoDomain:
        return self._domain


def init_i18n(app: Flask) -> None:
    """Set up flask-babel."""
    PoBabel(PoDomain()).init_app(
        app,
        default_locale="zh_Hans_CN",
        default_timezone="Asia/Shanghai",
        locale_selector=select_locale,
    )


def language_response(language: str, back: str) -> Response:
    """Remember the language and go back to where the visitor was."""
    response = redirect(back)
    response.set_cookie(
        _COOKIE, "en" if language == "en" else "zh_Hans_CN", max_age=31_536_000, samesite="Lax"
    )
    return response  # type: ignore[return-value]  # werkzeug's redirect is Flask's Response here
