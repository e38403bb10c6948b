"""A page drawn once with gaps in it, for pages that are asked for most: filling gaps is cheap."""

from collections.abc import Mapping
from typing import NewType

from flask import current_app, render_template

from coupon_service.core.display import large_text, page_lang

_SHELLS = "mobile.shells"
# HTML has no NUL, and neither has any text of ours.
_EDGE = "\x00"

Shell = NewType("Shell", list[str])


def fill(template: str, gaps: Mapping[str, str], **variant: object) -> str:
    """The page with each gap's HTML in its place.

    In the template a gap is `{{ gap.<name> }}`. `variant` is what else the page differs by; the
    template gets it, and nothing of one visitor may be in it.
    """
    shells: dict[tuple[object, ...], Shell] = current_app.extensions.setdefault(_SHELLS, {})
    key = (template, page_lang(), large_text(), *variant.values())
    shell = shells.get(key)
    if shell is None:
        marks = {name: f"{_EDGE}{name}{_EDGE}" for name in gaps}
        html = render_template(template, gap=marks, **variant)
        shell = shells[key] = Shell(html.split(_EDGE))
    # Text and names of gaps alternate.
    parts = shell.copy()
    for index in range(1, len(parts), 2):
        parts[index] = gaps[parts[index]]
    return "".join(parts)
