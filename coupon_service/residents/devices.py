"""What a browser calls itself, in the few words its owner recognises it by."""

import re
from dataclasses import dataclass

# The first that fits; systems that imitate others stand before those they imitate.
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS|OpenHarmony"),
    ("iPhone", "iPhone|iPod"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac", "Macintosh|Mac OS X"),
    ("Linux", "Linux|X11"),
)
_BROWSERS = (
    ("WeChat", "MicroMessenger"),
    ("Alipay", "AlipayClient"),
    ("QQ", "QQBrowser|MQQBrowser| QQ/"),
    ("UC", "UCBrowser|UCWEB"),
    ("Huawei", "HuaweiBrowser|ArkWeb"),
    ("Xiaomi", "MiuiBrowser"),
    ("Edge", "Edg[AiOS]*/"),
    ("Firefox", "Firefox|FxiOS"),
    ("Chrome", "Chrome|CriOS|Chromium"),
    ("Safari", "Safari"),
)
# `Linux; Android 13; M2102J20SG Build/…`: the maker's name of the model.
_MODEL = re.compile(
    r"Android [\d.]+; (?:[a-z]{2}[-_][A-Za-z]{2}; )?([\w][\w .+-]{1,30}?)(?: Build/|\))"
)
_NO_MODEL = frozenset({"K", "wv", "Mobile"})  # what browsers say that keep it to themselves


@dataclass(frozen=True)
class Device:
    """A system and a browser by their own names, and a model where it is told."""

    system: str | None
    browser: str | None
    model: str | None


def device_of(user_agent: str) -> Device:
    """What the header tells; it is the browser's claim and no proof."""
    model = _MODEL.search(user_agent)
    return Device(
        system=_first(_SYSTEMS, user_agent),
        browser=_first(_BROWSERS, user_agent),
        model=model[1] if model and model[1] not in _NO_MODEL else None,
    )


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for name, pattern in names if re.search(pattern, user_agent)), None)
