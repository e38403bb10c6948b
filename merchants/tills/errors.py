"""What is refused about pairing, clerks and shifts."""

from coupon_service.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    TooManyRequestsError,
)


class PairingCodeNotGoodError(InvalidRequestError):
    """Unknown, used, too old, or of a till that is off: one answer, or guessing would tell."""

    slug = "pairing-code-not-good"
    title = "This pairing code is wrong, used, or too old"
    sentence = "配对码不正确、已用过或已过期，请让店铺负责人重新生成。"


class BrowserNotFoundError(NotFoundError):
    slug = "till-browser-not-found"
    title = "There is no such browser at this till"
    sentence = "没有找到这台设备。"


class StoreNotFoundError(NotFoundError):
    slug = "store-not-found"
    title = "There is no such store"
    sentence = "没有找到该门店。"


class ClerkNotFoundError(NotFoundError):
    slug = "clerk-not-found"
    title = "There is no such clerk"
    sentence = "没有找到这位店员。"


class ClerkNameTakenError(ConflictError):
    slug = "clerk-name-taken"
    title = "The store has a clerk of this name"
    sentence = "本店已有同名店员，请加以区分。"


class PinNotPossibleError(InvalidRequestError):
    slug = "pin-not-possible"
    title = "A PIN has four to six digits, and is neither one digit repeated nor a run"
    sentence = "店员密码为 4 到 6 位数字，不能全部相同，也不能连号。"


class WrongPinError(InvalidRequestError):
    """`tries_left` says how many there are before the clerk is locked."""

    slug = "wrong-pin"
    title = "This is not the clerk's PIN"
    sentence = "密码不正确，请重试。"


class PinLockedError(TooManyRequestsError):
    slug = "pin-locked"
    title = "The clerk's PIN was wrong too often at this till"
    sentence = "密码错误次数过多，请 15 分钟后再试，或请店铺负责人重设密码。"


class ClerkNeededError(ForbiddenError):
    slug = "clerk-needed"
    title = "Nobody is on duty in this browser; a clerk comes on duty at /till/clerk"
    sentence = "请先选择店员并输入密码。"


class ShiftOpenError(ConflictError):
    slug = "shift-open"
    title = "A shift is open at this till already"
    sentence = "本收银台已有未结的班次。"


class ShiftClosedError(ConflictError):
    slug = "shift-closed"
    title = "The shift has been closed before; its totals stay"
    sentence = "这个班次已经结班，合计不会再变。"


class ShiftNotFoundError(NotFoundError):
    slug = "shift-not-found"
    title = "There is no such shift at this till"
    sentence = "没有找到这个班次。"


class IdleNotPossibleError(InvalidRequestError):
    slug = "idle-not-possible"
    title = "A till locks itself after 2 to 120 minutes"
    sentence = "自动锁定时间为 2 到 120 分钟。"
