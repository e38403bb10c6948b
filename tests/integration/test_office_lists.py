"""Officials upload lists, read the reports and grant releases, by page and by API."""

import csv
from io import BytesIO, StringIO
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from admin.models import AuditEntry
from coupon_service.core.auth import Kind
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.lists.models import Grant, ResidentList
from tests.factories.campaigns import SmallSeason, make_season
from tests.factories.lists import (
    granting,
    id_numbers,
    imported,
    known_person,
    list_file,
    release_to_grant,
    upload,
)
from tests.factories.officials import make_official, signed_in_as
from tests.invariants import assert_invariants

LISTS = "/api/v1/office/lists"
GRANTS = "/api/v1/office/grants"


@pytest.fixture
def small(held: Resources) -> SmallSeason:
    with transaction(held.sessions) as session:
        return make_season(session)


@pytest.fixture
def official(app: OpenAPI, held: Resources, small: SmallSeason) -> FlaskClient:
    return signed_in_as(app, make_official(held, small.district.id))


def actions(held: Resources) -> list[str]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def lists(held: Resources) -> list[ResidentList]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(ResidentList)))


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"))))


def test_a_list_comes_by_the_page_and_shows_how_far_it_is(
    held: Resources, official: FlaskClient
) -> None:
    content = list_file([*id_numbers(2), "1.10105E+17"], header="身份证号", encoding="gb18030")
    form = {"name": "高龄老人", "file": (BytesIO(content), "老人.csv")}
    answer = official.post("/admin/lists", data=form)
    assert answer.status_code == 303
    where = answer.location
    importing = official.get(where).text
    assert "正在导入" in importing
    assert "data-live" in importing
    drain(held.sessions)
    done = official.get(where).text
    assert "data-live" not in done
    assert "科学计数" in done
    assert "高龄老人" in official.get("/admin/lists").text
    assert actions(held) == ["list.upload"]
    assert_invariants(held)


def test_a_list_comes_by_the_api_as_raw_csv(held: Resources, official: FlaskClient) -> None:
    answer = official.post(
        f"{LISTS}?name=tills", data=list_file(id_numbers(3)), content_type="text/csv"
    )
    assert answer.status_code == 202, answer.json
    assert answer.json["state"] == "importing"
    drain(held.sessions)
    found = official.get(f"{LISTS}/{answer.json['list_id']}").json
    assert (found["state"], found["member_count"], found["fault_count"]) == ("ready", 3, 0)
    assert official.get(LISTS).json["lists"] == [found]


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"", 400, "list-file-missing"),
        (b"PK\x03\x04\x00", 400, "list-not-csv"),
        (b"name\nx\n", 400, "list-header"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words_and_leaves_nothing(
    held: Resources, official: FlaskClient, content: bytes, status: int, slug: str
) -> None:
    answer = official.post(f"{LISTS}?name=x", data=content, content_type="text/csv")
    assert (answer.status_code, answer.json["slug"]) == (status, slug)
    form = {"name": "名单", "file": (BytesIO(content), "x.csv")}
    page = official.post("/admin/lists", data=form)
    assert page.status_code == status
    assert answer.json["detail"] in page.text
    assert lists(held) == []
    assert actions(held) == []


def test_the_reports_name_lines_and_no_spreadsheet_runs_them(
    held: Resources, small: SmallSeason, official: FlaskClient
) -> None:
    numbers = id_numbers(2)
    name = '=HYPERLINK("http://x")'
    list_id = upload(held, small, list_file([*numbers, numbers[0], "x"]), name=name)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        known_person(session, held, numbers[1])
        release_id = release_to_grant(session, small).id
    answer = official.get(f"{LISTS}/{list_id}/faults.csv")
    assert answer.mimetype == "text/csv"
    assert rows(answer.text) == [
        ["名单", f"'{name}"],
        ["行号", "问题"],
        ["4", "与第 2 行重复"],
        ["5", "不是有效的身份证号"],
    ]
    assert official.get(f"/admin/lists/{list_id}/faults.csv").text == answer.text
    granting(held, release_id, list_id)
    drain(held.sessions)
    report = official.get(f"{GRANTS}/{release_id}/outcomes.csv").text
    assert rows(report)[2:] == [
        ["行号", "结果", "原因"],
        ["2", "待本人完成实名", ""],
        ["3", "已发放", ""],
    ]
    assert not any(number in report for number in numbers)


def test_a_grant_is_started_by_the_page_and_its_refused_are_tried_again(
    held: Resources, small: SmallSeason, official: FlaskClient
) -> None:
    numbers = id_numbers(3)
    list_id = imported(held, small, list_file(numbers))
    with transaction(held.sessions) as session:
        for number in numbers:
            known_person(session, held, number)
        release_id = release_to_grant(session, small, quantity=2).id
    page = official.get(f"/admin/lists/{list_id}").text
    assert str(release_id) in page
    form = {"act": "grant", "release_id": str(release_id)}
    answer = official.post(f"/admin/lists/{list_id}", data=form)
    assert (answer.status_code, answer.location) == (303, f"/admin/grants/{release_id}")
    assert "data-live" in official.get(answer.location).text
    drain(held.sessions)
    done = official.get(answer.location).text
    assert "data-live" not in done
    assert "已领完" in done
    again = official.post(f"/admin/lists/{list_id}", data=form)
    assert again.status_code == 409
    assert "已经在按名单发放" in again.text
    assert official.post(answer.location).status_code == 303
    drain(held.sessions)
    view = official.get(f"{GRANTS}/{release_id}").json
    assert (view["granted"], view["refused"], view["refusals"]) == (2, 1, {"sold-out": 1})
    assert actions(held) == ["grant.start", "grant.retry"]
    assert_invariants(held)


def test_a_list_is_discarded_by_the_page_unless_it_is_used(
    held: Resources, small: SmallSeason, official: FlaskClient
) -> None:
    used, unused = (imported(held, small, list_file(id_numbers(1))) for _ in range(2))
    with transaction(held.sessions) as session:
        release_id = release_to_grant(session, small).id
    granting(held, release_id, used)
    assert official.post(f"/admin/lists/{unused}", data={"act": "discard"}).status_code == 303
    assert official.post(f"/admin/lists/{used}", data={"act": "discard"}).status_code == 409
    assert official.post(f"/admin/lists/{used}", data={"act": "else"}).status_code == 400
    assert {one.id: one.state for one in lists(held)} == {used: "ready", unused: "discarded"}
    assert actions(held) == ["list.discard"]


def test_another_districts_official_and_an_auditor_change_nothing(
    app: OpenAPI, held: Resources, small: SmallSeason
) -> None:
    list_id = imported(held, small, list_file(id_numbers(1)))
    with transaction(held.sessions) as session:
        release_id = release_to_grant(session, small).id
        elsewhere = make_season(session)
    stranger = signed_in_as(app, make_official(held, elsewhere.district.id))
    auditor = signed_in_as(app, make_official(held, small.district.id, role=Kind.AUDITOR))
    body = {"release_id": str(release_id)}
    for client, status in ((stranger, 404), (auditor, 401)):
        assert client.post(f"{LISTS}/{list_id}/grants", json=body).status_code == status
        assert client.post(f"{LISTS}/{list_id}/discard").status_code == status
    assert auditor.get(f"/admin/lists/{list_id}").status_code == 200
    assert '<form method="post" class="card' not in auditor.get(f"/admin/lists/{list_id}").text
    assert stranger.get(f"/admin/lists/{list_id}").status_code == 404
    assert stranger.get(f"{LISTS}/{list_id}/faults.csv").status_code == 404
    # A list of one's own district cannot be given what is another's.
    theirs = imported(held, elsewhere, list_file(id_numbers(1)))
    assert stranger.post(f"{LISTS}/{theirs}/grants", json=body).json["slug"] == "not-for-grant"
    with transaction(held.sessions) as session:
        assert session.scalars(select(Grant)).all() == []
    assert actions(held) == []


def test_a_missing_list_is_not_found(official: FlaskClient) -> None:
    nobody = UUID(int=0)
    assert official.get(f"{LISTS}/{nobody}").status_code == 404
    assert official.get(f"{GRANTS}/{nobody}").status_code == 404
    assert official.get(f"{GRANTS}/{nobody}/outcomes.csv").json["slug"] == "grant-not-found"
