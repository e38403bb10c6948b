"""A resident reads when, for what and with which others a voucher works, in plain words."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel

from coupon_service.campaigns.models import Campaign, Stacking, ThresholdBasis
from coupon_service.mobile import words


@pytest.fixture(autouse=True)
def in_chinese() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="zh_Hans_CN", default_timezone="Asia/Shanghai")
    with app.test_request_context():
        yield


def campaign(**terms: Any) -> Campaign:
    """20 yuan off from 50, limited in nothing."""
    defaults: dict[str, Any] = {
        "face_fen": 2_000,
        "threshold_fen": 5_000,
        "threshold_basis": ThresholdBasis.AFTER,
        "min_pay_fen": 0,
        "scope": {},
        "slots": [],
        "excluded_goods": [],
        "stacking": Stacking.ALONE,
        "per_order_max": None,
    }
    return Campaign(**(defaults | terms))


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ({}, ""),
        ({"zones": ["牛街"]}, ""),
        ({"weekdays": [1, 2, 3, 4, 5]}, "周一至周五"),
        ({"weekdays": [6, 7]}, "周六、周日"),
        ({"weekdays": [1, 3, 5]}, "周一、周三、周五"),
        ({"weekdays": [1, 2, 3, 4, 5, 6, 7], "hours": [["05:00", "10:00"]]}, "05:00–10:00"),
        (
            {"weekdays": [5], "hours": [["11:00", "13:30"], ["18:00", "02:00"]]},
            "周五 11:00–13:30、18:00–次日 02:00",
        ),
        ({"hours": [["18:00", "00:00"]]}, "18:00–24:00"),
        ({"weekdays": [6, 7], "hours": [["00:00", "00:00"]]}, "周六、周日"),
    ],
)
def test_weekdays_and_hours_are_said_as_people_say_them(scope: dict[str, Any], said: str) -> None:
    assert words.hours(campaign(scope=scope)).replace("\u2060", "") == said


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "一笔订单用一张券；不找零，不兑换现金。"),
        (
            {"stacking": Stacking.WITH_OTHERS},
            "几张券一起用，门槛相加：两张满 50 元的券，订单须满 100 元。",
        ),
        (
            {"stacking": Stacking.ANY, "per_order_max": 2},
            "一笔订单最多用 2 张，也可与其他允许同用的券一起用；不找零，不兑换现金。",
        ),
        (
            {"stacking": Stacking.ANY},
            "一笔订单可用多张，也可与其他允许同用的券一起用；不找零，不兑换现金。",
        ),
        ({}, "不可用于购买预付卡、充值和烟草。"),
        # What is excluded anyway is not said twice.
        (
            {"excluded_goods": ["tobacco", "liquor", "gold"]},
            "也不可用于购买黄金、酒类，这些商品的金额不计入门槛。",
        ),
        (
            {"scope": {"weekdays": [5], "hours": [["18:00", "02:00"]]}},
            "过了零点，仍算前一天的时段。",
        ),
        (
            {"slots": [{"hours": ["11:00", "13:30"], "capacity": 30}]},
            "每天 11:00–13:30 每家门店限用 30 张，用完为止。",
        ),
        (
            {
                "slots": [
                    {
                        "hours": ["11:00", "13:30"],
                        "capacity": 30,
                        "from_day": "2026-12-05",
                        "until_day": "2027-01-01",
                    }
                ]
            },
            "12月5日至12月31日，每天 11:00–13:30 每家门店限用 30 张，用完为止。",
        ),
    ],
)
def test_the_small_print_says_what_goes_together_and_what_is_left_out(
    terms: dict[str, Any], said: str
) -> None:
    sentences = [one.replace("\u2060", "") for one in words.small_print(campaign(**terms))]
    assert said in sentences


def test_thresholds_that_are_nothing_need_no_adding_up() -> None:
    terms = campaign(stacking=Stacking.ANY, threshold_fen=0)
    assert not any("相加" in one for one in words.small_print(terms))
