"""A page drawn once with gaps in it, for pages that are asked for most: filling gaps is cheap."""

from collections.abc import Callable, Mapping
from typing import NewType
from uuid import UUID

from flask import current_app, render_template

from coupon_service.core.display import large_text, page_lang

_SHELLS = "mobile.shells"
# Some ten kilobytes each.
_KEPT_MAX = 1_000
# HTML has no NUL, and neither has any text of ours.
_EDGE = "\x00"

Shell = NewType("Shell", list[str])


def fill(
    template: str,
    gaps: Mapping[str, str],
    *,
    about: UUID | None = None,
    load: Callable[[], Mapping[str, object]] = dict,
    **variant: object,
) -> str:
    """The page with each gap's HTML in its place.

    In the template a gap is `{{ gap.<name> }}`. `variant` is what else the page differs by; the
    template gets it, and nothing of one visitor may be in it. `about` is the one thing the page is
    about, which does not change; `load` reads what the template says of it when it has to be drawn.
    """
    shells: dict[tuple[object, ...], Shell] = current_app.extensions.setdefault(_SHELLS, {})
    key = (template, page_lang(), large_text(), about, *variant.values())
    shell = shells.get(key)
    if shell is None:
        if len(shells) >= _KEPT_MAX:
            shells.clear()
        marks = {name: f"{_EDGE}{name}{_EDGE}" for name in gaps}
        html = render_template(template, gap=marks, **load(), **variant)
        shell = shells[key] = Shell(html.split(_EDGE))
    # Text and names of gaps alternate.
    parts = shell.copy()
    parts[1::2] = [gaps[name] for name in shell[1::2]]
    return "".join(parts)
