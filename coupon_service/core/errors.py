"""The tree of refusals, rendered as `application/problem+json` (RFC 9457).

A refusal is a class: its slug, status and title never change, so that programs can rely on them.
`title` is English for programs and logs; `sentence` is the plain Chinese sentence a person reads
(translated like every other text on a page). Neither ever repeats what the caller sent.
"""

from http import HTTPStatus
from typing import Any, ClassVar


class ProblemError(Exception):
    """Base of everything the service refuses on purpose.

    Attributes:
        extra: further members of the problem document (RFC 9457, section 3.2). Never personal data.
        retry_after_s: seconds after which a repeat makes sense, sent as `Retry-After`.
    """

    slug: ClassVar[str] = "internal-error"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    title: ClassVar[str] = "The service failed"
    sentence: ClassVar[str] = "系统开小差了，请稍后再试。"

    def __init__(self, *, retry_after_s: int | None = None, **extra: Any) -> None:
        super().__init__(self.title)
        self.retry_after_s = retry_after_s
        self.extra = extra


class InvalidRequestError(ProblemError):
    slug = "invalid-request"
    status = HTTPStatus.BAD_REQUEST
    title = "The request does not have the described shape"
    sentence = "填写的内容有误，请检查后再试。"


class MalformedJsonError(InvalidRequestError):
    slug = "malformed-json"
    title = "The body is not a JSON object"


class NotSignedInError(ProblemError):
    slug = "not-signed-in"
    status = HTTPStatus.UNAUTHORIZED
    title = "Sign in first"
    sentence = "请先登录。"


class ForbiddenError(ProblemError):
    slug = "forbidden"
    status = HTTPStatus.FORBIDDEN
    title = "You may not do this"
    sentence = "您没有权限进行此操作。"


class CrossSiteRequestError(ForbiddenError):
    slug = "cross-site-request"
    title = "A page of another site sent this request"


class NotFoundError(ProblemError):
    slug = "not-found"
    status = HTTPStatus.NOT_FOUND
    title = "There is nothing here"
    sentence = "没有找到您要的内容。"


class MethodNotAllowedError(ProblemError):
    slug = "method-not-allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    title = "This address does not take that method"


class ConflictError(ProblemError):
    slug = "conflict"
    status = HTTPStatus.CONFLICT
    title = "The state of the object does not allow this"
    sentence = "当前状态不允许此操作。"


class RequestTimeoutError(ProblemError):
    slug = "request-timeout"
    status = HTTPStatus.REQUEST_TIMEOUT
    title = "The body did not arrive in time"


class TooLargeError(ProblemError):
    slug = "too-large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The request is larger than this service accepts"
    sentence = "提交的内容太大。"


class UnsupportedMediaTypeError(ProblemError):
    slug = "unsupported-media-type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "Send application/json"


class TooManyRequestsError(ProblemError):
    slug = "too-many-requests"
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests"
    sentence = "操作太频繁，请稍后再试。"


class UnavailableError(ProblemError):
    """The database cannot be reached, or is too busy: nothing is known to have been done."""

    slug = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "The service is busy; the outcome is unknown until you ask again"
    sentence = "系统繁忙，请稍后再试。"

    def __init__(self, *, retry_after_s: int | None = 1, **extra: Any) -> None:
        super().__init__(retry_after_s=retry_after_s, **extra)
