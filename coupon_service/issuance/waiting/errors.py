"""Refusals of the waiting list."""

from coupon_service.core.errors import ConflictError


class StillAvailableError(ConflictError):
    slug = "still-available"
    title = "There are coupons left; claim one"
    sentence = "本场还有消费券，直接领取即可，不用候补。"


class NoWaitingHereError(ConflictError):
    slug = "no-waiting-here"
    title = "This release has no waiting list"
    sentence = "本场不设候补。"


class NotWaitingError(ConflictError):
    slug = "not-waiting"
    title = "You are not on this waiting list"
    sentence = "您不在本场的候补名单上。"
