"""A notice in words, made when it is shown, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from coupon_service.core.clock import local_day_start
from coupon_service.core.display import local_time, local_until
from coupon_service.core.money import format_yuan
from coupon_service.notices.models import NoticeKind, Topic, Way


@dataclass(frozen=True)
class Words:
    title: str
    text: str


_TITLES: Mapping[NoticeKind, LazyString] = {
    NoticeKind.CLAIMED: lazy_gettext("领取成功"),
    NoticeKind.EXPIRES_TOMORROW: lazy_gettext("消费券快到期了"),
    NoticeKind.CAME_BACK: lazy_gettext("候补有名额了"),
    NoticeKind.LOTTERY_WON: lazy_gettext("您中签了"),
    NoticeKind.LOTTERY_LOST: lazy_gettext("这次没有中签"),
    NoticeKind.GRANTED: lazy_gettext("收到一张消费券"),
    NoticeKind.AWARDED: lazy_gettext("消费奖励到账"),
    NoticeKind.PHONE_REBOUND: lazy_gettext("出示手机已更换"),
    NoticeKind.PROXY_ASKED: lazy_gettext("家人代领请您确认"),
    NoticeKind.PROXY_WITHDRAWN: lazy_gettext("代领关系已解除"),
    NoticeKind.STAFF_CLAIMED: lazy_gettext("工作人员已为您领取"),
    NoticeKind.VOUCHER_RETURNED: lazy_gettext("消费券已退回"),
}

_IN_WALLET = lazy_gettext("“%(campaign)s”已放入您的券包。")
_IN_WALLET_UNTIL = lazy_gettext("“%(campaign)s”已放入您的券包，%(until)s 前可用。")
_CAME_BACK = lazy_gettext("您候补的“%(campaign)s”有名额了，请尽快领取。")
_CAME_BACK_CLAIMED = lazy_gettext("您候补的“%(campaign)s”有名额了，已放入您的券包。")
_RETURNED = lazy_gettext("商品已退货，“%(campaign)s”已退回您的券包，%(until)s 前可用。")
_RETURNED_FROM = lazy_gettext(
    "商品已退货，“%(campaign)s”已退回您的券包，%(start)s 至 %(until)s 前可用。"
)
_REBOUND = lazy_gettext("消费券改由另一部手机出示。如果不是您本人操作，请尽快联系我们。")
_REBOUND_FROM = lazy_gettext(
    "消费券改由另一部手机出示，%(start)s 起可用。如果不是您本人操作，请尽快联系我们。"
)

_TEXTS: Mapping[NoticeKind, LazyString] = {
    NoticeKind.EXPIRES_TOMORROW: lazy_gettext(
        "您有 %(count)s 张消费券 %(day)s 到期，最多共减 %(amount)s 元，别忘了用。"
    ),
    NoticeKind.LOTTERY_WON: lazy_gettext("“%(campaign)s”抽签您已中签，消费券已放入券包。"),
    NoticeKind.LOTTERY_LOST: lazy_gettext("“%(campaign)s”抽签结果已公布，欢迎参加下一轮。"),
    NoticeKind.PROXY_ASKED: lazy_gettext("有一份代领申请在等您，请到“我的”里同意或拒绝。"),
    NoticeKind.PROXY_WITHDRAWN: lazy_gettext("一段代领关系已经解除，已领到的消费券不受影响。"),
}

_TOPICS: Mapping[Topic, tuple[LazyString, LazyString]] = {
    Topic.ARRIVED: (lazy_gettext("到账"), lazy_gettext("消费券领到、发放或退回")),
    Topic.EXPIRING: (lazy_gettext("到期"), lazy_gettext("消费券到期前一天")),
    Topic.DRAWN: (lazy_gettext("抽签和候补"), lazy_gettext("抽签有结果、候补有名额")),
    Topic.ACCOUNT: (lazy_gettext("家人和安全"), lazy_gettext("家人代领、更换出示手机")),
}
_WAYS: Mapping[Way, LazyString] = {
    Way.SMS: lazy_gettext("短信"),
    Way.WECHAT: lazy_gettext("微信"),
}


def words_of(kind: NoticeKind, params: Mapping[str, Any]) -> Words:
    """The words of one notice."""
    return Words(str(_TITLES[kind]), str(_text(kind, params)) % _values(params))


def topic_words(topic: Topic) -> Words:
    """A topic, and what it covers."""
    title, text = _TOPICS[topic]
    return Words(str(title), str(text))


def way_words(way: Way) -> str:
    """A way out, as residents call it."""
    return str(_WAYS[way])


def _text(kind: NoticeKind, params: Mapping[str, Any]) -> LazyString:
    match kind:
        case NoticeKind.CAME_BACK:
            return _CAME_BACK_CLAIMED if "voucher_id" in params else _CAME_BACK
        case NoticeKind.VOUCHER_RETURNED:
            return _RETURNED_FROM if "usable_from" in params else _RETURNED
        case NoticeKind.PHONE_REBOUND:
            return _REBOUND_FROM if "usable_from" in params else _REBOUND
        case _:
            arrived = _IN_WALLET_UNTIL if "expires_at" in params else _IN_WALLET
            return _TEXTS.get(kind, arrived)


def _values(params: Mapping[str, Any]) -> dict[str, str]:
    """What the sentences are filled in with."""
    values = {"campaign": str(params.get("campaign", "")), "count": str(params.get("count", ""))}
    if "face_fen" in params:
        values["amount"] = format_yuan(params["face_fen"])
    if "expires_at" in params:
        values["until"] = local_until(datetime.fromisoformat(params["expires_at"]))
    if "usable_from" in params:
        values["start"] = local_time(datetime.fromisoformat(params["usable_from"]))
    if "day" in params:
        values["day"] = local_time(local_day_start(date.fromisoformat(params["day"])), "day")
    return values
