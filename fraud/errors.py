"""Refusals about cases."""

from coupon_service.core.errors import ConflictError, NotFoundError


class CaseNotFoundError(NotFoundError):
    slug = "case-not-found"
    title = "There is no such case"
    sentence = "没有找到这份核查单。"


class CaseDecidedError(ConflictError):
    """Somebody decided first, or the case lapsed."""

    slug = "case-decided"
    title = "The case has been decided already"
    sentence = "这份核查单已有结论，不能再次处理。"


class CaseNotProlongableError(ConflictError):
    slug = "case-not-prolongable"
    title = "The case has been open as long as a merchant's money may be held undecided"
    sentence = "冻结时间已达上限，不能再延期，请尽快作出结论。"
