"""How money and time read on a page, and where its static files are: Jinja filters and globals."""

from datetime import datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from babel.dates import format_datetime
from flask import Flask, current_app, request, url_for
from flask_babel import get_locale, gettext

from coupon_service.core.clock import LOCAL_ZONE, local_date
from coupon_service.core.cookies import sent_cookie
from coupon_service.core.money import format_yuan

TEXT_SIZE_COOKIE = "text_size"
LARGE = "large"

# A page says the same few moments again and again; formatting one costs more than drawing a row.
_MOMENTS_KEPT = 4_096

_ADDRESSES = "display.addresses"

_STYLES = {
    "zh": {
        "short": "M月d日 HH:mm",
        "full": "y年M月d日 HH:mm",
        "date": "y年M月d日",
        "day": "M月d日",
        "time": "HH:mm",
    },
    "en": {
        "short": "d MMM HH:mm",
        "full": "d MMM y, HH:mm",
        "date": "d MMM y",
        "day": "d MMM",
        "time": "HH:mm",
    },
}


def init_display(app: Flask) -> None:
    """Register the filters and globals."""
    app.add_template_filter(format_yuan, "yuan")
    app.add_template_filter(local_time, "local_time")
    app.add_template_filter(local_until, "local_until")
    app.add_template_filter(spoken_time, "spoken_time")
    app.add_template_filter(epoch_ms, "epoch_ms")
    app.add_template_global(asset, "asset")
    app.add_template_global(page_lang, "page_lang")
    app.add_template_global(large_text, "large_text")


def page_lang() -> str:
    """The page's language as HTML wants it."""
    return "en" if _language() == "en" else "zh-CN"


def large_text() -> bool:
    """Whether the visitor has chosen the pages with large type and fewer choices."""
    return sent_cookie(TEXT_SIZE_COOKIE) == LARGE


def local_time(moment: datetime, style: str = "short") -> str:
    """A moment in Beijing: `short` (6月18日 10:00), `full` (with year), `date`, `day` or `time`."""
    return _formatted(moment, style, _language())


def local_until(end: datetime, style: str = "short") -> str:
    """The end of a half-open interval as people say it: midnight is 24:00 of the day before."""
    if moment_is_midnight(end):
        last_day = local_time(end - timedelta(minutes=1), "date" if style == "full" else "day")
        return f"{last_day} 24:00"
    return local_time(end, style)


def moment_is_midnight(moment: datetime) -> bool:
    """Whether a local day begins at that moment."""
    local = moment.astimezone(LOCAL_ZONE)
    return (local.hour, local.minute) == (0, 0)


def spoken_time(moment: datetime, now: datetime) -> str:
    """`今天 10:00`, `明天 10:00`, else the day and the time."""
    days = (local_date(moment) - local_date(now)).days
    word = {0: gettext("今天"), 1: gettext("明天")}.get(days)
    return f"{word} {local_time(moment, 'time')}" if word else local_time(moment)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, for the scripts of a page."""
    return int(moment.timestamp() * 1000)


def asset(blueprint: str, filename: str) -> str:
    """Address of a static file with its content's hash, so that browsers may keep it for ever."""
    addresses: dict[tuple[str, str], str] = current_app.extensions.setdefault(_ADDRESSES, {})
    known = addresses.get((blueprint, filename))
    if known is None:
        folder = Path(current_app.blueprints[blueprint].static_folder or "")
        version = None if current_app.debug else _content_hash(folder / filename)
        known = url_for(f"{blueprint}.static", filename=filename, v=version)
        addresses[blueprint, filename] = known
    return known


def return_path(wanted: str | None, default: str = "/") -> str:
    """Where to go after signing in: a path of this very site, else `default`."""
    if not wanted or len(wanted) > 500 or any(ord(char) <= 32 or char == "\\" for char in wanted):
        return default
    parts = urlsplit(wanted)
    local = not parts.scheme and not parts.netloc and wanted.startswith("/")
    return wanted if local and not wanted.startswith("//") else default


def this_path() -> str:
    """The page to come back to: this one, or for a form's target the page that held the form."""
    if request.method == "GET":
        return request.full_path.removesuffix("?")
    came_from = urlsplit(request.referrer or "")
    return return_path(came_from.path if came_from.netloc == request.host else None)


def _language() -> str:
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


@lru_cache(_MOMENTS_KEPT)
def _formatted(moment: datetime, style: str, language: str) -> str:
    locale = "en" if language == "en" else "zh_Hans_CN"
    return str(format_datetime(moment, _STYLES[language][style], LOCAL_ZONE, locale))


@cache
def _content_hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]
