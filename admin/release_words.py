"""What the release pages call things, in Chinese; templates translate them."""

from collections.abc import Mapping

from flask_babel import gettext

from coupon_service.campaigns.eligibility import ADULT_AGE_Y, Eligibility
from coupon_service.campaigns.models import Mode

# State of a release: word and tone. `upcoming` is open, and its window has not begun.
STATES: Mapping[str, tuple[str, str]] = {
    "draft": ("草稿", ""),
    "upcoming": ("未开始", "info"),
    "open": ("投放中", "good"),
    "paused": ("已暂停", "warn"),
    "closed": ("已结束", ""),
}

MODES: Mapping[str, str] = {
    Mode.FIRST_COME: "先到先得",
    Mode.LOTTERY: "抽签",
    Mode.GRANT: "按名单发放",
    Mode.CODE: "凭领券码",
    Mode.AWARD: "消费送券",
    Mode.STAFF: "窗口代领",
}


def conditions(eligibility: Eligibility) -> list[str]:
    """Who may claim, one phrase each; nothing for every grown-up resident."""
    low, high = eligibility.min_age, eligibility.max_age
    phrases = []
    if high is not None and low != ADULT_AGE_Y:
        phrases.append(gettext("%(low)s 至 %(high)s 岁", low=low, high=high))
    elif high is not None:
        phrases.append(gettext("%(high)s 岁及以下", high=high))
    elif low != ADULT_AGE_Y:
        phrases.append(gettext("%(low)s 岁及以上", low=low))
    if eligibility.areas:
        areas = gettext("、").join(eligibility.areas)
        phrases.append(gettext("户籍 %(areas)s", areas=areas))
    if eligibility.list_id is not None:
        phrases.append(gettext("名单内"))
    if eligibility.first_time:
        phrases.append(gettext("本季首次领券"))
    if eligibility.holds_no_other:
        phrases.append(gettext("没有未用的券"))
    return [str(phrase) for phrase in phrases]
