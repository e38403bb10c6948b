"""Notices: told once, found by jobs, shown in words. How they leave: test_notice_deliveries.py."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_babel import refresh
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Mode, Release
from coupon_service.core.clock import LOCAL_ZONE, db_now, local_date, local_day_start
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain, emit
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.notices.jobs import forget_notices
from coupon_service.notices.models import (
    Notice,
    NoticeDelivery,
    NoticeKind,
    NoticeMark,
    NoticePreference,
    Topic,
    Way,
)
from coupon_service.notices.notify import DELIVER, Told, notify, notify_all
from coupon_service.notices.queries import choices_of, choose, unread_count
from coupon_service.residents.add_dependent import ASKED
from coupon_service.residents.erase import ERASED
from coupon_service.residents.models import Resident
from coupon_service.residents.withdraw_proxy import WITHDRAWN
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.tell_claimed import MARK, first_id_at, tell_claimed
from coupon_service.vouchers.tell_expiring import tell_expiring
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.redemption import make_voucher
from tests.factories.residents import signed_in_browser

NOON = datetime(2026, 6, 18, 12, 0, tzinfo=LOCAL_ZONE)


@pytest.fixture
def resident_id(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_resident(session)


def tell(held: Resources, resident_id: UUID, **params: Any) -> None:
    """Tell of something that leaves by text message."""
    facts = {"campaign": "满50减20", "release_id": new_id(), **params}
    with transaction(held.sessions) as session:
        notify(session, resident_id, NoticeKind.LOTTERY_LOST, **facts)


def told_count(session: Session, kind: NoticeKind) -> int:
    return session.scalar(select(func.count()).where(Notice.kind == kind)) or 0


def test_the_same_is_told_once(session: Session, held: Resources) -> None:
    resident_id, voucher_id = make_resident(session), new_id()
    for _ in range(2):
        notify(session, resident_id, NoticeKind.GRANTED, voucher_id=voucher_id, campaign="券")
    notify(session, resident_id, NoticeKind.GRANTED, voucher_id=new_id(), campaign="券")
    assert unread_count(session, resident_id) == 2


def test_a_notice_whose_words_lack_something_is_refused(session: Session, held: Resources) -> None:
    resident_id = make_resident(session)
    with pytest.raises(ValueError, match="campaign"):
        notify(session, resident_id, NoticeKind.GRANTED, voucher_id=new_id())
    assert unread_count(session, resident_id) == 0


def test_what_is_undone_is_not_told(held: Resources, resident_id: UUID) -> None:
    class UndoneError(Exception):
        pass

    def tell_and_fail() -> None:
        with transaction(held.sessions) as session:
            notify(session, resident_id, NoticeKind.PROXY_ASKED)
            raise UndoneError

    with pytest.raises(UndoneError):
        tell_and_fail()
    with transaction(held.sessions) as session:
        assert unread_count(session, resident_id) == 0
        assert session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.job == DELIVER)) == 0


def test_thousands_are_told_at_once(session: Session, held: Resources) -> None:
    resident_id = make_resident(session)
    told = [Told(resident_id, {"voucher_id": new_id(), "campaign": "券"}) for _ in range(1_100)]
    assert notify_all(session, NoticeKind.GRANTED, told) == 1_100
    assert notify_all(session, NoticeKind.GRANTED, told) == 0
    assert unread_count(session, resident_id) == 100  # more are not counted


# Jobs that find something to tell


def test_families_are_told_and_an_erased_resident_leaves_no_notice(
    held: Resources, resident_id: UUID
) -> None:
    sides = {"resident_id": resident_id, "principal_id": resident_id, "agent_id": new_id()}
    with transaction(held.sessions) as session:
        emit(session, ASKED, **sides)
        emit(session, WITHDRAWN, **sides)
        choose(session, resident_id, {(Topic.ARRIVED, Way.SMS): True})
    drain(held.sessions)
    with transaction(held.sessions) as session:
        kinds = session.scalars(select(Notice.kind).order_by(Notice.kind)).all()
        assert kinds == [NoticeKind.PROXY_ASKED, NoticeKind.PROXY_WITHDRAWN]
        emit(session, ERASED, resident_id=resident_id)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        for table in (Notice, NoticeDelivery, NoticePreference):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_claims_are_told_of_afterwards_and_once(held: Resources) -> None:
    with transaction(held.sessions) as session:
        tell_claimed(session)  # sets the mark
        session.execute(
            update(NoticeMark)
            .where(NoticeMark.name == MARK)
            .values(through_id=first_id_at(db_now(session) - timedelta(hours=2)))
        )
        release = make_release(session, make_campaign(session, make_season(session)))
        lottery = make_release(session, make_campaign(session, make_season(session)))
        session.execute(update(Release).where(Release.id == lottery.id).values(mode=Mode.LOTTERY))
        settled = [aged(session, make_voucher(session, release)) for _ in range(3)]
        aged(session, make_voucher(session, lottery))  # brings a notice of its own
        make_voucher(session, release)  # its transaction might still be open
    for _ in range(2):
        with transaction(held.sessions) as session:
            tell_claimed(session)
    with transaction(held.sessions) as session:
        notices = session.scalars(select(Notice).where(Notice.kind == NoticeKind.CLAIMED)).all()
        assert {notice.params["voucher_id"] for notice in notices} == set(map(str, settled))
        assert {notice.params["campaign"] for notice in notices} == {"满50减20"}


def aged(session: Session, voucher_id: UUID) -> UUID:
    """The voucher as if it had been claimed an hour ago; returns its id of then."""
    then = first_id_at(db_now(session) - timedelta(hours=1))
    old_id = UUID(int=then.int | (voucher_id.int & (1 << 60) - 1))
    session.execute(update(Voucher).where(Voucher.id == voucher_id).values(id=old_id))
    return old_id


def test_the_first_run_tells_nobody_of_the_past(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(session, make_campaign(session, make_season(session)))
        aged(session, make_voucher(session, release))
        tell_claimed(session)
        assert told_count(session, NoticeKind.CLAIMED) == 0


def test_what_ends_with_tomorrow_is_told_in_one_notice_and_once(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(session, make_campaign(session, make_season(session)))
        other = make_release(session, make_campaign(session, make_season(session)))
        today = local_date(db_now(session))
        midnight = {days: local_day_start(today + timedelta(days=days)) for days in (1, 2)}
        both, last, none = (make_resident(session) for _ in range(3))
        for resident_id, place, expires_at in (
            (both, release, midnight[1] + timedelta(seconds=1)),
            (both, other, midnight[2]),
            (last, release, midnight[2]),  # valid until 24:00 of tomorrow
            (none, release, midnight[1]),  # today is its last day
            (none, other, midnight[2] + timedelta(seconds=1)),
        ):
            voucher_id = make_voucher(session, place, resident_id=resident_id)
            session.execute(
                update(Voucher).where(Voucher.id == voucher_id).values(expires_at=expires_at)
            )
        for _ in range(2):
            tell_expiring(session)
        told = {
            notice.resident_id: (notice.params["count"], notice.params["face_fen"])
            for notice in session.scalars(select(Notice))
        }
    assert told == {both: (2, 4_000), last: (1, 2_000)}


def test_old_notices_are_forgotten_with_their_deliveries(
    held: Resources, resident_id: UUID
) -> None:
    tell(held, resident_id)
    tell(held, resident_id)
    with transaction(held.sessions) as session:
        old = session.scalars(select(Notice.id).limit(1)).one()
        session.execute(
            update(Notice)
            .where(Notice.id == old)
            .values(created_at=db_now(session) - timedelta(days=401))
        )
        forget_notices(session)
        assert session.scalar(select(func.count(Notice.id))) == 1
        left = session.scalars(select(NoticeDelivery.notice_id)).all()
        assert left
        assert old not in left


# The API and the pages


@pytest.fixture
def browser(app: OpenAPI) -> FlaskClient:
    return signed_in_browser(app, verified=True)


def own_id(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return session.scalars(select(Resident.id).order_by(Resident.id)).first() or new_id()


def test_the_api_lists_marks_and_pages(browser: FlaskClient, held: Resources) -> None:
    me = own_id(held)
    with transaction(held.sessions) as session:
        for number in range(51):
            notify(session, me, NoticeKind.GRANTED, voucher_id=new_id(), campaign=f"第{number}张")
        notify(session, make_resident(session), NoticeKind.PROXY_ASKED)
    first = browser.get("/api/v1/notices").get_json()
    assert (len(first["notices"]), first["unread_count"]) == (50, 51)
    assert first["notices"][0]["text"] == "“第50张”已放入您的券包。"
    rest = browser.get(f"/api/v1/notices?before_id={first['next_before_id']}").get_json()
    assert [one["text"] for one in rest["notices"]] == ["“第0张”已放入您的券包。"]
    assert rest["next_before_id"] is None
    ids = [one["id"] for one in first["notices"]]
    assert browser.post("/api/v1/notices/read", json={"notice_ids": ids}).status_code == 204
    assert browser.get("/api/v1/notices").get_json()["unread_count"] == 1


def test_nobody_marks_anothers_notice(browser: FlaskClient, held: Resources) -> None:
    with transaction(held.sessions) as session:
        other = make_resident(session)
        notify(session, other, NoticeKind.PROXY_ASKED)
        notice_id = session.scalars(select(Notice.id)).one()
    answer = browser.post("/api/v1/notices/read", json={"notice_ids": [str(notice_id)]})
    assert answer.status_code == 204
    with transaction(held.sessions) as session:
        assert unread_count(session, other) == 1


def test_choices_are_kept_and_what_is_fixed_stays(browser: FlaskClient, held: Resources) -> None:
    choices = [
        {"topic": "drawn", "way": "sms", "wanted": False},
        {"topic": "account", "way": "sms", "wanted": False},
        {"topic": "arrived", "way": "wechat", "wanted": True},
    ]
    answer = browser.put("/api/v1/notices/choices", json={"choices": choices}).get_json()
    now = {(one["topic"], one["way"]): one["wanted"] for one in answer["choices"]}
    assert now["drawn", "sms"] is False
    assert now["account", "sms"] is True
    assert now["arrived", "wechat"] is True
    assert browser.get("/api/v1/notices/choices").get_json() == answer


def test_the_page_shows_words_once_as_new_and_leads_on(
    browser: FlaskClient, held: Resources
) -> None:
    me, voucher_id = own_id(held), new_id()
    with transaction(held.sessions) as session:
        notify(
            session,
            me,
            NoticeKind.GRANTED,
            voucher_id=voucher_id,
            campaign="<b>满50减20</b>",
            expires_at=local_day_start(local_date(db_now(session))),
        )
    page = browser.get("/notices").text
    assert "news__one--new" in page
    assert "&lt;b&gt;满50减20&lt;/b&gt;" in page
    assert f'href="/vouchers/{voucher_id}"' in page
    assert "news__one--new" not in browser.get("/notices").text
    assert browser.get("/notices?before=nonsense").status_code == 404
    browser.set_cookie("lang", "en")
    refresh()  # the test's application context remembers the language
    assert "A coupon for you" in browser.get("/notices").text


def test_every_kind_has_words_in_both_languages(browser: FlaskClient, held: Resources) -> None:
    facts: dict[str, Any] = {
        "campaign": "Tea 20",
        "voucher_id": new_id(),
        "release_id": new_id(),
        "count": 2,
        "face_fen": 4_050,
        "day": local_date(NOON),
        "usable_from": NOON,
        "expires_at": NOON,
    }
    me = own_id(held)
    with transaction(held.sessions) as session:
        for kind in NoticeKind:
            notify(session, me, kind, **facts)
    for language in ("zh_Hans_CN", "en"):
        browser.set_cookie("lang", language)
        refresh()
        shown = browser.get("/api/v1/notices").get_json()["notices"]
        assert len({one["title"] for one in shown}) == len(NoticeKind)
        assert not [one for one in shown if "%(" in one["text"] or "()" in one["text"]]
    expiring = next(one for one in shown if one["kind"] == "expires_tomorrow")
    assert expiring["text"] == (
        "2 of your coupons can be used until the end of 18 Jun. "
        "Together they take off up to 40.50 yuan."
    )


def test_the_page_of_choices_takes_the_whole_form(browser: FlaskClient, held: Resources) -> None:
    page = browser.post("/notices/choices", data={"arrived-sms": "on"}, follow_redirects=True)
    assert "已保存" in page.text
    with transaction(held.sessions) as session:
        chosen = {pair for pair, wanted in choices_of(session, own_id(held)).items() if wanted}
    assert chosen == {(Topic.ARRIVED, Way.SMS), (Topic.ACCOUNT, Way.SMS)}
