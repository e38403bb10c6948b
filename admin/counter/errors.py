"""Refusals at the counter."""

from http import HTTPStatus

from coupon_service.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ProblemError,
)


class VisitNotFoundError(NotFoundError):
    """There is none, it has ended, or it is another district's."""

    slug = "visit-not-found"
    title = "There is no such visit, or it has ended"
    sentence = "本次窗口服务已结束，请重新核验证件。"


class ConsentNeededError(InvalidRequestError):
    slug = "consent-needed"
    title = "The resident has to be there and to agree"
    sentence = "请先确认居民本人在场并同意代办。"


class NotAtCounterError(ConflictError):
    """There is none, it is another district's, or residents come by it in another way."""

    slug = "not-at-counter"
    title = "The release is not one that is claimed at a counter"
    sentence = "这个批次不在窗口领取。"


class CounterDayFullError(ProblemError):
    """`limit` is how many an official may have on one day."""

    slug = "counter-day-full"
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "The official has done as much at the counter today as one may"
    sentence = "今日窗口代办已达上限，请由其他同事办理。"
