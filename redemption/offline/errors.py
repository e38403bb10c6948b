"""Refusals of offline trading. Those of the first group are the till's own words too."""

from coupon_service.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
)
from redemption.errors import VoucherNotUsableError


class OfflineLeaseOverError(VoucherNotUsableError):
    slug = "offline-lease-over"
    title = "The time for which this till may trade offline is over"
    sentence = "离线收银的时限已到，请连上网络后再用券。"


class OfflineCapReachedError(VoucherNotUsableError):
    slug = "offline-cap-reached"
    title = "This till has accepted as much as it may offline"
    sentence = "离线收银的额度已用完，请连上网络后再用券。"


class OfflineNotCoveredError(VoucherNotUsableError):
    """Its face is too high, its campaign came later than the lease, or it is not for this store."""

    slug = "offline-not-covered"
    title = "This voucher cannot be accepted offline"
    sentence = "这张消费券离线时不能使用，请连上网络后再扫，或按原价收款。"


class OfflineOneVoucherError(VoucherNotUsableError):
    slug = "offline-one-voucher"
    title = "Offline, an order takes one voucher"
    sentence = "没有网络时，一单只能用一张消费券。"


class OfflineTooLateError(VoucherNotUsableError):
    """Its lease, and the grace after it, had ended when the record came in."""

    slug = "offline-too-late"
    title = "The offline record was brought in too late"
    sentence = "这笔离线核销上传得太晚，不再受理。"


class OfflineAmountDiffersError(VoucherNotUsableError):
    slug = "offline-amount-differs"
    title = "The voucher's terms give another discount than the till gave"
    sentence = "这笔离线核销的优惠金额与规则不符。"


class OfflineNotAllowedError(ForbiddenError):
    slug = "offline-not-allowed"
    title = "This merchant may not trade offline"
    sentence = "本商户没有开通离线收银。"


class OfflineSuspendedError(ForbiddenError):
    """The chain of one of the till's devices does not hold together; an official has to look."""

    slug = "offline-suspended"
    title = "This till may not trade offline until an official has cleared an alarm"
    sentence = "本收银台的离线记录不连续，离线收银已停用，请联系管理部门。"


class OfflineDeviceNotFoundError(NotFoundError):
    slug = "offline-device-not-found"
    title = "This till has no such device, or it was closed"
    sentence = "这台设备没有登记离线收银，请刷新收银台。"


class OfflineRecordInvalidError(InvalidRequestError):
    slug = "offline-record-invalid"
    title = "The offline record was not signed like this by this device"
    sentence = "离线记录的签名不对，没有受理，请联系管理部门。"


class OfflineNotBroughtInError(ConflictError):
    """A lease is counted from what was brought in."""

    slug = "offline-not-brought-in"
    title = "The device's records have to be brought in before it gets a lease"
    sentence = "请先上传离线核销记录。"


class OfflineNoRoomError(ConflictError):
    """Other browsers of the till hold its allowance, or the money set aside for losses is bound."""

    slug = "offline-no-room"
    title = "There is no allowance left for this till to trade offline"
    sentence = "离线收银的额度暂时不足，联网核销不受影响。"


class OfflineAlarmNotFoundError(NotFoundError):
    slug = "offline-alarm-not-found"
    title = "There is no such open alarm"
    sentence = "没有找到这条待处理的告警。"


class OfflineMoneyBoundError(ConflictError):
    """`free_fen` is not bound by tills that may still bring in records."""

    slug = "offline-money-bound"
    title = "Tills that trade offline rely on this money"
    sentence = "这笔钱已为正在离线的收银台备用，暂时不能退回。"
