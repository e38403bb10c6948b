"""Refusals about award rules."""

from coupon_service.core.errors import ConflictError, NotFoundError


class AwardRuleNotFoundError(NotFoundError):
    slug = "award-rule-not-found"
    title = "There is no such award rule"
    sentence = "没有找到这条送券规则。"


class NoAwardsHereError(ConflictError):
    slug = "no-awards-here"
    title = "The release is not claimed by award, or the source campaign is of another season"
    sentence = "这个批次不用于消费送券，或所选活动不属于本消费季。"
