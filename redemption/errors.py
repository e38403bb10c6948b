"""Refusals at the till. The slug is the machine-readable reason; none tells whose voucher it is."""

from collections.abc import Mapping

from coupon_service.campaigns.terms import Unusable
from coupon_service.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
)


class CodeNotRecognisedError(InvalidRequestError):
    """Malformed, forged, unknown, or of another district: one answer, or guessing would pay."""

    slug = "code-not-recognised"
    title = "This is no voucher that can be used here"
    sentence = "没有认出这张消费券，请顾客刷新后再出示一次。"


class TillNotActiveError(ForbiddenError):
    slug = "till-not-active"
    title = "This till has been switched off"
    sentence = "本收银台已停用，请联系店铺负责人。"


class MerchantNotActiveError(ForbiddenError):
    slug = "merchant-not-active"
    title = "This merchant may not redeem at the moment"
    sentence = "本商户暂停核销，请按原价收款。"


class OrderNumberReusedError(ConflictError):
    slug = "order-number-reused"
    title = "This order number stands for another order already"
    sentence = "这个订单号已用于另一笔订单，请换一个订单号。"


class OrderWasReversedError(ConflictError):
    slug = "order-was-reversed"
    title = "This order has been reversed; it cannot be redeemed again under its number"
    sentence = "这笔订单已经冲正，如需再次用券请换一个订单号。"


class VoucherNotUsableError(ConflictError):
    """Base of everything that keeps a known voucher from paying part of this order."""

    slug = "voucher-not-usable"
    title = "This voucher cannot be used for this order"
    sentence = "这张消费券不能用于本单。"


class VoucherUsedError(VoucherNotUsableError):
    slug = "voucher-used"
    title = "This voucher has been used already"
    sentence = "这张消费券已经使用过了。"


class VoucherExpiredError(VoucherNotUsableError):
    slug = "voucher-expired"
    title = "This voucher has expired"
    sentence = "这张消费券已过有效期。"


class VoucherNotYetValidError(VoucherNotUsableError):
    """`valid_from` says from when it works."""

    slug = "voucher-not-yet-valid"
    title = "This voucher is not valid yet"
    sentence = "这张消费券还没到可用时间。"


class VoucherVoidError(VoucherNotUsableError):
    slug = "voucher-void"
    title = "This voucher has been cancelled"
    sentence = "这张消费券已作废。"


class StoreOutOfScopeError(VoucherNotUsableError):
    slug = "store-out-of-scope"
    title = "This voucher does not work at this store"
    sentence = "这张消费券不适用于本店。"


class ChannelOutOfScopeError(VoucherNotUsableError):
    slug = "channel-out-of-scope"
    title = "This voucher cannot be redeemed through this channel"
    sentence = "这张消费券不能在这个渠道使用。"


class WrongWeekdayError(VoucherNotUsableError):
    """`usable_from` says when it works next, if it is still valid then."""

    slug = "wrong-weekday"
    title = "This voucher does not work on this day of the week"
    sentence = "这张消费券今天不能用，请看券面上的可用日。"


class OutsideHoursError(VoucherNotUsableError):
    """`usable_from` says when it works next, if it is still valid then."""

    slug = "outside-hours"
    title = "This voucher does not work at this hour"
    sentence = "现在不在这张消费券的可用时段内，请看券面上的时段。"


class SlotFullError(VoucherNotUsableError):
    """`usable_from` says when the slot is over, or when the voucher works next after it."""

    slug = "slot-full"
    title = "The store takes no more vouchers of this campaign in this slot"
    sentence = "本店这个时段的用券名额已满，请换个时段再来。"


class GoodsExcludedError(VoucherNotUsableError):
    slug = "goods-excluded"
    title = "This voucher is for none of the order's goods"
    sentence = "本单都是这张消费券不能买的商品。"


class BelowThresholdError(VoucherNotUsableError):
    """`threshold_fen` says what the order must come to, `counted_fen` what of it counts.

    Goods that the voucher is not for do not count.
    """

    slug = "below-threshold"
    title = "The order does not reach the voucher's threshold"
    sentence = "订单金额没有达到使用门槛。"


class NothingToTakeOffError(VoucherNotUsableError):
    slug = "nothing-to-take-off"
    title = "Nothing of this order is left for the voucher to pay"
    sentence = "本单应付金额太小，用不了这张消费券。"


class CannotBeCombinedError(VoucherNotUsableError):
    """`campaigns` names those it cannot be used together with."""

    slug = "cannot-be-combined"
    title = "This voucher cannot be used together with the others of this order"
    sentence = "这张消费券不能和本单的其他券一起用。"


class PerOrderMaxError(VoucherNotUsableError):
    """`most` says how many of the campaign's vouchers one order takes."""

    slug = "per-order-max"
    title = "One order takes no more vouchers of this campaign"
    sentence = "本单里这个活动的券已达到张数上限。"


class BelowThresholdTogetherError(VoucherNotUsableError):
    """`threshold_fen` says what all of them need together, `counted_fen` what the order has."""

    slug = "below-threshold-together"
    title = "The order does not reach the thresholds of all its vouchers together"
    sentence = "几张券一起用，订单金额没有达到各张门槛之和。"


class ProofNeededError(VoucherNotUsableError):
    """A token that belongs to a bound phone, without that phone's signature of this moment."""

    slug = "proof-needed"
    title = "The holder's own phone must show its changing code"
    sentence = "请顾客在自己手机上打开消费券，出示会自动刷新的二维码。"


class PhoneReplacedError(VoucherNotUsableError):
    slug = "phone-replaced"
    title = "The holder shows vouchers on another phone by now"
    sentence = "这部手机已被更换，请顾客用新手机出示。"


class ProofUsedError(VoucherNotUsableError):
    slug = "proof-used"
    title = "This code, or a later one, was used before; wait for the next"
    sentence = "这个二维码已经用过，请等它刷新后再扫。"


class PhoneClockOffError(VoucherNotUsableError):
    slug = "phone-clock-off"
    title = "The phone's clock is ahead; connect it to the network"
    sentence = "顾客手机的时间不准，请联网刷新后再试，或输入 12 位券码。"


class ChallengeNeededError(VoucherNotUsableError):
    """`challenge` is the number to be said, good for `challenge_good_for_s`."""

    slug = "challenge-needed"
    title = "The holder types this number on the phone, and shows the code that is drawn then"
    sentence = "请顾客输入这 4 位数字后再扫。"


class ChallengeWrongError(VoucherNotUsableError):
    """Another number was typed, or too late. `challenge` is the one to be said now."""

    slug = "challenge-wrong"
    title = "The code answers another number, or an old one"
    sentence = "数字不对或已过时，请顾客重新输入这 4 位数字后再扫。"


class IdentityCheckLockedError(VoucherNotUsableError):
    """Too many wrong answers for a large voucher without a phone's signature: a day's rest."""

    slug = "identity-check-locked"
    title = "Too many wrong answers today; the holder's own phone must show its changing code"
    sentence = "证件号码输错次数太多。请顾客出示会自动刷新的二维码，或到服务点打印纸质券。"


class RefusedByRuleError(VoucherNotUsableError):
    """A hard rule fired. Which one is for the officials, not for the till."""

    slug = "refused-by-rule"
    title = "A risk rule does not allow this redemption"
    sentence = "本次核销未通过安全检查，请按原价收款。"


class RedemptionNotFoundError(NotFoundError):
    slug = "redemption-not-found"
    title = "This merchant has no order with that number"
    sentence = "没有找到这个订单号。"


class OrderWasRefundedError(ConflictError):
    slug = "order-was-refunded"
    title = "Goods of this order came back already; it cannot be reversed any more"
    sentence = "这笔订单已办理过退款，不能再冲正。"


class RefundExceedsOrderError(ConflictError):
    """`left_fen` says how much of the order has not come back."""

    slug = "refund-exceeds-order"
    title = "More would be refunded than is left of the order"
    sentence = "退款金额超过了订单剩余金额，请核对。"


class RefundNumberReusedError(ConflictError):
    slug = "refund-number-reused"
    title = "This refund number stands for another refund already"
    sentence = "这个退款单号已用于另一笔退款，请换一个单号。"


class RefundNotFundedError(ConflictError):
    """The budget node has spent what the returned voucher would need."""

    slug = "refund-not-funded"
    title = "The voucher's budget cannot take this order back any more"
    sentence = "这笔退款暂时不能办理，请联系管理部门。"


class ReversalTooLateError(ConflictError):
    slug = "reversal-too-late"
    title = "An order can be reversed only on the day it was redeemed"
    sentence = "只能冲正当天的订单，请按退款办理。"


class ReversalNotFundedError(ConflictError):
    """The budget node has spent what the returned voucher would need."""

    slug = "reversal-not-funded"
    title = "The voucher's budget cannot take this order back any more"
    sentence = "这笔订单暂时不能冲正，请联系管理部门。"


UNUSABLE_ERRORS: Mapping[Unusable, type[VoucherNotUsableError]] = {
    Unusable.STORE_OUT_OF_SCOPE: StoreOutOfScopeError,
    Unusable.CHANNEL_OUT_OF_SCOPE: ChannelOutOfScopeError,
    Unusable.WRONG_WEEKDAY: WrongWeekdayError,
    Unusable.OUTSIDE_HOURS: OutsideHoursError,
    Unusable.GOODS_EXCLUDED: GoodsExcludedError,
    Unusable.BELOW_THRESHOLD: BelowThresholdError,
    Unusable.NOTHING_TO_TAKE_OFF: NothingToTakeOffError,
    Unusable.CANNOT_BE_COMBINED: CannotBeCombinedError,
    Unusable.PER_ORDER_MAX: PerOrderMaxError,
    Unusable.BELOW_THRESHOLD_TOGETHER: BelowThresholdTogetherError,
}
