"""What lists, grants and the counter call things, in Chinese; pages translate them."""

from collections.abc import Mapping
from functools import cache

from flask_babel import gettext

from coupon_service.core.error_catalogue import catalogue
from coupon_service.issuance.lists.models import Fault, ListFault, Outcome

# State: word and tone.
LIST_STATES: Mapping[str, tuple[str, str]] = {
    "importing": ("导入中", "info"),
    "ready": ("可使用", "good"),
    "discarded": ("已作废", ""),
}

GRANT_STATES: Mapping[str, tuple[str, str]] = {
    "running": ("发放中", "info"),
    "done": ("已完成一轮", "good"),
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.GRANTED: "已发放",
    Outcome.WAITING: "待本人完成实名",
    Outcome.REFUSED: "未发放",
}
NOT_REACHED = "还没轮到"

_FAULTS: Mapping[Fault, str] = {
    Fault.EMPTY: "没有填号码",
    Fault.SCIENTIFIC: "号码被表格软件改成了科学计数，请把该列设为文本后重新填写",
    Fault.CHECK_CHARACTER: "身份证号校验位不对，请核对每一位",
    Fault.ID_NUMBER: "不是有效的身份证号",
    Fault.PHONE: "不是有效的手机号",
    Fault.DUPLICATE: "与第 %(line)s 行重复",
    Fault.UNREADABLE: "引号不成对，无法读出这一行",
}


def fault_sentence(found: ListFault) -> str:
    """What is wrong with the line, in one sentence of the reader's language."""
    sentence = _FAULTS[Fault(found.fault)]
    if found.same_as_line is None:
        return str(gettext(sentence))
    return str(gettext(sentence, line=found.same_as_line))


def refusal_sentence(slug: str) -> str:
    """What the refusal tells a person."""
    return str(gettext(_sentences().get(slug, slug)))


@cache
def _sentences() -> Mapping[str, str]:
    return {error.slug: error.sentence for error in catalogue()}
