from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from coupon_service.core.display import local_time, local_until, return_path, spoken_time

# 18 June 2022, 10:00 in Beijing.
TEN = datetime(2022, 6, 18, 2, tzinfo=UTC)
MIDNIGHT = datetime(2022, 6, 30, 16, tzinfo=UTC)


@pytest.fixture
def words() -> Flask:
    app = Flask(__name__)
    Babel(app, default_locale="zh_Hans_CN", default_timezone="Asia/Shanghai")
    return app


def test_times_are_said_in_beijing_time_and_the_visitors_language(words: Flask) -> None:
    with words.test_request_context():
        assert local_time(TEN) == "6月18日 10:00"
        assert local_time(TEN, "full") == "2022年6月18日 10:00"
        with force_locale("en"):
            assert local_time(TEN, "full") == "18 Jun 2022, 10:00"


def test_a_validity_that_ends_at_midnight_ends_at_24_of_the_day_before(words: Flask) -> None:
    with words.test_request_context():
        assert local_until(MIDNIGHT) == "6月30日 24:00"
        assert local_until(MIDNIGHT, "full") == "2022年6月30日 24:00"
        assert local_until(TEN) == "6月18日 10:00"


def test_today_and_tomorrow_are_those_of_beijing(words: Flask) -> None:
    before_midnight_there = datetime(2022, 6, 17, 15, 59, tzinfo=UTC)
    after_midnight_there = datetime(2022, 6, 17, 16, tzinfo=UTC)
    with words.test_request_context():
        assert spoken_time(TEN, before_midnight_there) == "明天 10:00"
        assert spoken_time(TEN, after_midnight_there) == "今天 10:00"
        assert spoken_time(MIDNIGHT, TEN) == "7月1日 00:00"


@pytest.mark.parametrize("path", ["/wallet", "/campaigns/1?x=%2F#stores", "/"])
def test_a_path_of_this_site_is_returned_to(path: str) -> None:
    assert return_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        None,
        "",
        "wallet",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/wallet\r\nSet-Cookie: a=b",
        "/\tevil.example",
        "/" + "a" * 500,
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(elsewhere: str | None) -> None:
    assert return_path(elsewhere) == "/"
