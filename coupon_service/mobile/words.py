"""A campaign's terms as sentences a resident can act on."""

from collections.abc import Collection, Mapping
from datetime import date, time, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from coupon_service.campaigns.eligibility import ADULT_AGE_Y, Eligibility
from coupon_service.campaigns.hours import WEEKDAYS, Hours, Window
from coupon_service.campaigns.models import (
    Campaign,
    Channel,
    Mode,
    RefundPolicy,
    Stacking,
    ThresholdBasis,
)
from coupon_service.campaigns.terms import ALWAYS_EXCLUDED, GoodsKind
from coupon_service.core.clock import local_day_start
from coupon_service.core.display import local_time, local_until
from coupon_service.core.money import format_yuan
from coupon_service.vouchers.models import VoucherState

_REFUND: Mapping[RefundPolicy, LazyString] = {
    RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY: lazy_gettext(
        "有效期内整单退款，消费券退回券包，有效期不变；部分退款按实付比例退钱，消费券不退回。"
    ),
    RefundPolicy.RETURN_SHARE_TO_POOL: lazy_gettext(
        "有效期内整单退款，消费券退回券包；部分退款或过期后退款，优惠部分退回活动资金，消费券不退回。"
    ),
    RefundPolicy.CONSUMED: lazy_gettext("消费券用后不退回；退款时按比例扣除优惠部分。"),
    RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY: lazy_gettext(
        "整单退款的，消费券次日退回券包；部分退款不退回。"
    ),
}
_BASIS: Mapping[ThresholdBasis, LazyString] = {
    ThresholdBasis.BEFORE: lazy_gettext("门槛按商户自身优惠前的金额计算。"),
    ThresholdBasis.AFTER: lazy_gettext("门槛按商户自身优惠后的金额计算。"),
}
_CLAIM: Mapping[Channel, LazyString] = {
    Channel.ONLINE: lazy_gettext("线上领取"),
    Channel.ONSITE: lazy_gettext("到现场领取"),
    Channel.AR: lazy_gettext("到点位用 AR 领取"),
    Channel.VIRTUAL: lazy_gettext("在云上门店领取"),
}
_REDEEM: Mapping[Channel, LazyString] = {
    Channel.ONLINE: lazy_gettext("线上使用"),
    Channel.ONSITE: lazy_gettext("到店使用"),
    Channel.AR: lazy_gettext("AR 现场使用"),
    Channel.VIRTUAL: lazy_gettext("云上门店使用"),
}
_STATE: Mapping[VoucherState, LazyString] = {
    VoucherState.ISSUED: lazy_gettext("可使用"),
    VoucherState.REDEEMED: lazy_gettext("已使用"),
    VoucherState.EXPIRED: lazy_gettext("已过期"),
    VoucherState.VOID: lazy_gettext("已作废"),
}
_GIVEN: Mapping[Mode, LazyString] = {
    Mode.GRANT: lazy_gettext("按名单直接发放"),
    Mode.AWARD: lazy_gettext("到店消费后赠送"),
    Mode.STAFF: lazy_gettext("到社区服务点领取"),
}
_WEEKDAY: Mapping[int, LazyString] = {
    1: lazy_gettext("周一"),
    2: lazy_gettext("周二"),
    3: lazy_gettext("周三"),
    4: lazy_gettext("周四"),
    5: lazy_gettext("周五"),
    6: lazy_gettext("周六"),
    7: lazy_gettext("周日"),
}
_GOODS: Mapping[GoodsKind, LazyString] = {
    "gold": lazy_gettext("黄金"),
    "liquor": lazy_gettext("酒类"),
    "medicine": lazy_gettext("药品"),
    "prepaid_card": lazy_gettext("预付卡"),
    "recharge": lazy_gettext("充值"),
    "tobacco": lazy_gettext("烟草"),
}


def _(sentence: str, **values: object) -> str:
    return str(gettext(sentence, **values))


def offer(campaign: Campaign) -> str:
    """What it takes off, in one sentence."""
    face, threshold = format_yuan(campaign.face_fen), format_yuan(campaign.threshold_fen)
    if campaign.rate_bp is not None:
        percent = f"{campaign.rate_bp / 100:g}"
        if campaign.threshold_fen:
            return _(
                "满 %(threshold)s 元减 %(percent)s%%，最高减 %(face)s 元",
                threshold=threshold,
                percent=percent,
                face=face,
            )
        return _("减 %(percent)s%%，最高减 %(face)s 元", percent=percent, face=face)
    if campaign.threshold_fen:
        return _("满 %(threshold)s 元减 %(face)s 元", threshold=threshold, face=face)
    return _("无门槛减 %(face)s 元", face=face)


def place(campaign: Campaign) -> str:
    """Where it can be used, in a few words: areas, kinds of shops, marks."""
    scope: dict[str, Any] = campaign.scope
    if "store_ids" in scope:
        return _("%(count)s 家指定门店", count=len(scope["store_ids"]))
    comma = _("、")
    parts = [comma.join(scope[key]) for key in ("zones", "tags", "categories") if key in scope]
    return " · ".join(parts) if parts else _("全区参与门店")


def who(campaign: Campaign) -> list[str]:
    """Who may claim it, one condition each; empty if every adult resident may."""
    rule = Eligibility.of(campaign.eligibility)
    conditions = []
    oldest = rule.max_age
    if oldest is not None and rule.min_age != ADULT_AGE_Y:
        conditions.append(_("%(low)s 至 %(high)s 周岁", low=rule.min_age, high=oldest))
    elif oldest is not None:
        conditions.append(_("%(age)s 周岁及以下", age=oldest))
    elif rule.min_age > ADULT_AGE_Y:
        conditions.append(_("%(age)s 周岁及以上", age=rule.min_age))
    elif rule.min_age < ADULT_AGE_Y:
        conditions.append(_("未成年人由家长代领"))
    if rule.areas:
        codes = _("、").join(rule.areas)
        conditions.append(_("身份证号码以 %(codes)s 开头", codes=codes))
    if rule.list_id is not None:
        conditions.append(_("名单内居民"))
    if rule.first_time:
        conditions.append(_("本季首次领券"))
    if rule.holds_no_other:
        conditions.append(_("手中没有其他未用的券"))
    return conditions


def who_short(campaign: Campaign) -> str:
    """The same on a ticket, in one line."""
    conditions = who(campaign)
    return _("限 %(conditions)s", conditions=_("、").join(conditions)) if conditions else ""


def given(mode: str) -> str:
    """How a voucher comes that nobody claims."""
    return str(_GIVEN[Mode(mode)])


def validity(campaign: Campaign) -> str:
    """From when until when, and how long after claiming."""
    until = local_until(campaign.valid_until)
    if campaign.valid_days is None:
        start = local_time(campaign.valid_from)
        return _("%(start)s 至 %(until)s", start=start, until=until)
    if campaign.valid_days == 1:
        return _("领取当日 24:00 前有效，最迟 %(until)s", until=until)
    return _(
        "领取后 %(days)s 日内有效（领取当日为第 1 日），最迟 %(until)s",
        days=campaign.valid_days,
        until=until,
    )


def hours(campaign: Campaign) -> str:
    """On which weekdays and at which hours it can be used; empty if always."""
    limits = Hours.of(campaign.scope)
    if limits is None:
        return ""
    days = "" if len(limits.weekdays) == len(WEEKDAYS) else _weekdays(limits.weekdays)
    windows = _("、").join(_window(one) for one in limits.windows if one.begins != one.ends)
    return " ".join(part for part in (days, windows) if part)


def refund(campaign: Campaign) -> str:
    """What becomes of the coupon when goods are returned."""
    return str(_REFUND[RefundPolicy(campaign.refund_policy)])


def small_print(campaign: Campaign) -> list[str]:
    """The rest of the terms, one sentence each."""
    sentences = []
    if campaign.threshold_fen:
        sentences.append(str(_BASIS[ThresholdBasis(campaign.threshold_basis)]))
    if campaign.min_pay_fen:
        pay = format_yuan(campaign.min_pay_fen)
        sentences.append(_("用券后至少实付 %(pay)s 元。", pay=pay))
    sentences += _together(campaign)
    sentences.append(_("不可用于购买预付卡、充值和烟草。"))
    others = [words for kind, words in _GOODS.items() if _excludes(campaign, kind)]
    if others:
        goods = _("、").join(map(str, others))
        sentences.append(_("也不可用于购买%(goods)s，这些商品的金额不计入门槛。", goods=goods))
    limits = Hours.of(campaign.scope)
    if limits and len(limits.weekdays) < len(WEEKDAYS) and any(map(_past_midnight, limits.windows)):
        sentences.append(_("过了零点，仍算前一天的时段。"))
    sentences += [_slot(slot) for slot in campaign.slots]
    return sentences


def ways_to_claim(campaign: Campaign) -> str:
    """The channels through which it is claimed."""
    return _joined(_CLAIM, campaign.claim_channels)


def ways_to_use(campaign: Campaign) -> str:
    """The channels through which it is used."""
    return _joined(_REDEEM, campaign.redeem_channels)


def state(voucher_state: str) -> str:
    """A voucher's state."""
    return str(_STATE[VoucherState(voucher_state)])


def _together(campaign: Campaign) -> list[str]:
    """Which coupons one order takes."""
    threshold_fen = campaign.threshold_fen
    match Stacking(campaign.stacking):
        case Stacking.ALONE:
            return [_("一笔订单用一张券；不找零，不兑换现金。")]
        case Stacking.WITH_OTHERS:
            first = _("一笔订单限用一张，可与其他允许同用的券一起用；不找零，不兑换现金。")
        case Stacking.ANY if campaign.per_order_max is not None:
            first = _(
                "一笔订单最多用 %(count)s 张，也可与其他允许同用的券一起用；不找零，不兑换现金。",
                count=campaign.per_order_max,
            )
        case Stacking.ANY:
            first = _("一笔订单可用多张，也可与其他允许同用的券一起用；不找零，不兑换现金。")
    if not threshold_fen:
        return [first]
    one, two = format_yuan(threshold_fen), format_yuan(2 * threshold_fen)
    return [
        first,
        _("几张券一起用，门槛相加：两张满 %(one)s 元的券，订单须满 %(two)s 元。", one=one, two=two),
    ]


def _excludes(campaign: Campaign, kind: str) -> bool:
    return kind in campaign.excluded_goods and kind not in ALWAYS_EXCLUDED


def _slot(slot: Mapping[str, Any]) -> str:
    """How many are taken in one slot, and on which days."""
    window, count = _window(Window.of(slot["hours"])), slot["capacity"]
    first, end = (slot.get(key) for key in ("from_day", "until_day"))
    if first and end:
        return _(
            "%(first)s至%(last)s，每天 %(window)s 每家门店限用 %(count)s 张，用完为止。",
            first=_day(first),
            last=_day(end, -1),
            window=window,
            count=count,
        )
    return _("每天 %(window)s 每家门店限用 %(count)s 张，用完为止。", window=window, count=count)


def _day(text: str, days: int = 0) -> str:
    return local_time(local_day_start(date.fromisoformat(text) + timedelta(days=days)), "day")


def _weekdays(days: Collection[int]) -> str:
    """`周一至周五`, `周六、周日`: three in a row or more are a range."""
    first, last = min(days), max(days)
    if len(days) > 2 and last - first + 1 == len(days):
        return _("%(first)s至%(last)s", first=_WEEKDAY[first], last=_WEEKDAY[last])
    return _("、").join(str(_WEEKDAY[day]) for day in sorted(days))


def _window(window: Window) -> str:
    begins, ends = f"{window.begins:%H:%M}", f"{window.ends:%H:%M}"
    if _past_midnight(window):
        return _("%(begins)s–次日 %(ends)s", begins=begins, ends=ends)
    # Kept on one line by the word joiners around the dash.
    return f"{begins}\u2060–\u2060{'24:00' if window.ends == time() else ends}"


def _past_midnight(window: Window) -> bool:
    return time() < window.ends <= window.begins


def _joined(words: Mapping[Channel, LazyString], channels: list[str]) -> str:
    return _("、").join(str(words[Channel(channel)]) for channel in channels)
