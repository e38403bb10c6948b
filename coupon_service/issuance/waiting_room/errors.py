"""Why somebody is not in the room, or may not claim out of it."""

from coupon_service.core.errors import ConflictError


class NoWaitingRoomError(ConflictError):
    slug = "no-waiting-room"
    title = "This release has no waiting room"
    sentence = "这场活动不用排队，可以直接领取。"


class TicketNeededError(ConflictError):
    slug = "ticket-needed"
    title = "A claim of this release needs a ticket from its waiting room"
    sentence = "这场活动需要排队，请先进入等候室。"


class TicketEndedError(ConflictError):
    slug = "ticket-ended"
    title = "The ticket's turn is over"
    sentence = "您的领取时间已过，请回到等候室重新排队。"


class TicketSpentError(ConflictError):
    slug = "ticket-spent"
    title = "The ticket has been used"
    sentence = "这次领取机会已经用过。"
