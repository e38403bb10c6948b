"""Refusals of the office."""

from http import HTTPStatus

from coupon_service.core.errors import ConflictError, ProblemError


class SignInRefusedError(ProblemError):
    """One answer for an unknown name, a wrong password and a wrong or used code."""

    slug = "sign-in-refused"
    status = HTTPStatus.UNAUTHORIZED
    title = "Name, password or one-time code is wrong"
    sentence = "用户名、密码或动态码有误；每个动态码只能用一次。"


class UsernameTakenError(ConflictError):
    slug = "username-taken"
    title = "Another official has this user name"
    sentence = "该用户名已被使用。"
