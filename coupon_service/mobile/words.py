"""A campaign's terms as sentences a resident can act on."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from coupon_service.campaigns.eligibility import ADULT_AGE_Y, Eligibility
from coupon_service.campaigns.models import Campaign, Channel, Mode, RefundPolicy, ThresholdBasis
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
    sentences.append(_("一笔订单用一张券；不找零，不兑换现金。"))
    sentences.append(_("不可用于购买预付卡、充值和烟草。"))
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


def _joined(words: Mapping[Channel, LazyString], channels: list[str]) -> str:
    return _("、").join(str(words[Channel(channel)]) for channel in channels)
