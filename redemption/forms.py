"""The till page's form: what was typed, and what is wrong with it, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from coupon_service.core.money import parse_yuan
from redemption.schemas import VOUCHERS_MAX, RedeemBody
from redemption.verify import CODE_CHARS_MAX

_FIELDS = {
    "order_fen": "amount",
    "order_no": "order_no",
}


@dataclass(frozen=True)
class CounterForm:
    """The form as typed (amounts in yuan), and a sentence for each field that is wrong.

    `codes` are all vouchers of the order; a second check is that of the last one.
    """

    amount: str = ""
    after_discount: str = ""
    order_no: str = ""
    codes: Sequence[str] = ()
    second_check: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def read_form(form: MultiDict[str, str]) -> tuple[CounterForm, RedeemBody | None]:
    """The form with its errors, and the order it describes if it has none."""
    typed = {
        name: form.get(name, "").strip()[:CODE_CHARS_MAX]
        for name in ("amount", "after_discount", "order_no", "second_check")
    }
    codes = [code.strip()[:CODE_CHARS_MAX] for code in form.getlist("code")]
    codes = [code for code in codes if code][: VOUCHERS_MAX + 1]
    wrong: set[str] = set()
    body = None
    amounts = {"order_fen": _fen(typed["amount"])}
    if amounts["order_fen"] is None:
        wrong.add("amount")
    if typed["after_discount"]:
        amounts["after_discount_fen"] = _fen(typed["after_discount"])
        if amounts["after_discount_fen"] is None:
            wrong.add("after_discount")
    vouchers: list[dict[str, str | None]] = [{"code": code} for code in codes]
    if vouchers:
        vouchers[-1]["second_check"] = typed["second_check"] or None
    try:
        body = RedeemBody.model_validate(
            {"vouchers": vouchers, "order_no": typed["order_no"], **amounts}
        )
    except ValidationError as error:
        # Whatever is not one field's fault alone is about the discount being no discount.
        wrong |= {
            _field(fault["loc"]) for fault in error.errors(include_input=False, include_url=False)
        }
    errors = {name: _sentence(name) for name in wrong}
    return CounterForm(codes=codes, errors=errors, **typed), None if wrong else body


def _field(where: tuple[int | str, ...]) -> str:
    if where and where[0] == "vouchers":
        return "second_check" if where[-1] == "second_check" else "code"
    return _FIELDS.get(str(where[0]) if where else "", "after_discount")


def _fen(text: str) -> int | None:
    try:
        return parse_yuan(text)
    except ValueError:
        return None


def _sentence(name: str) -> str:
    sentences: dict[str, str] = {
        "amount": _("请填写订单金额，例如 58 或 58.50。"),
        "after_discount": _("折后金额应大于 0，且不超过订单金额。"),
        "order_no": _("订单号请用字母、数字和 . _ : -，最多 64 位。"),
        "code": _("请扫码，或输入 12 位券码。"),
        "second_check": _("请输入 4 位数字或字母，末位可能是 X。"),
    }
    return sentences[name]
