"""Lotteries from outside: the API, the pages, the officials, the jobs, the beacon."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select, update

from admin.models import AuditEntry
from coupon_service.campaigns.models import Mode
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.lottery.errors import SeedUnavailableError
from coupon_service.issuance.lottery.jobs import look_for_due, trouble_of, try_now
from coupon_service.issuance.lottery.merkle import leaf_hash, proves
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw, LotteryEntry
from coupon_service.issuance.lottery.seeds import QUICKNET, DrandRound, welfare_drawing
from coupon_service.residents.models import Proxy, ProxyState, Relation
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.lottery import close_now, enter_many, make_lottery, ranks_of, whole_lottery
from tests.factories.officials import make_official, signed_in_as
from tests.factories.people import make_resident
from tests.harness.web import resident_cookie
from tests.invariants import assert_invariants

API = "/api/v1/lottery"
NUMBERS = "03 07 12 18 25 31 09"


def as_resident(app: OpenAPI, resident_id: UUID) -> FlaskClient:
    browser = app.test_client(use_cookies=False)
    browser.environ_base["HTTP_COOKIE"] = resident_cookie(app, resident_id)
    return browser


def pass_to(held: Resources, release_id: UUID, state: DrawState) -> None:
    """Let the announced hours be over: closing came in time, the seed's source has spoken."""
    with transaction(held.sessions) as session:
        ago = db_now(session) - timedelta(minutes=1)
        moved = {"seed_available_at": ago, "closed_at": ago - timedelta(minutes=1)}
        session.execute(
            update(LotteryDraw)
            .where(LotteryDraw.release_id == release_id, LotteryDraw.state == state)
            .values(entries_close_at=ago - timedelta(minutes=2), **moved)
        )


def work(held: Resources) -> None:
    """What ticker and workers do."""
    with transaction(held.sessions) as session:
        look_for_due(session)
    drain(held.sessions)


def test_a_resident_enters_proves_and_withdraws_by_api(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        resident_id, other_id = make_resident(session), make_resident(session)
    browser = as_resident(app, resident_id)
    body = {"release_id": str(release_id)}
    first, again = (browser.post(f"{API}/entries", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    view = browser.get(f"{API}/{release_id}").get_json()
    assert (view["state"], view["entries"], view["root"]) == ("collecting", 1, None)
    assert browser.delete(f"{API}/{release_id}/entry").status_code == 204
    gone = browser.get(f"{API}/{release_id}/entry")
    assert (gone.status_code, gone.get_json()["slug"]) == (404, "not-entered")
    browser.post(f"{API}/entries", json=body)
    with transaction(held.sessions) as session:
        enter_many(session, release_id, 20)
    close_now(held, release_id)
    mine = browser.get(f"{API}/{release_id}/entry").get_json()
    root = browser.get(f"{API}/{release_id}").get_json()["root"]
    leaf = leaf_hash(bytes.fromhex(mine["salt"]), bytes.fromhex(mine["entry_id"]))
    path = [bytes.fromhex(each) for each in mine["path"]]
    assert leaf.hex() == mine["leaf"]
    assert proves(leaf, mine["position"], 21, path, bytes.fromhex(root))
    late = as_resident(app, other_id).post(f"{API}/entries", json=body)
    assert (late.status_code, late.get_json()["slug"]) == (409, "entries-closed")


def test_a_relative_enters_for_whom_they_may_act_and_for_nobody_else(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        agent_id, mother_id, stranger_id = (make_resident(session) for _ in range(3))
        session.add(
            Proxy(
                id=new_id(),
                principal_id=mother_id,
                agent_id=agent_id,
                relation=Relation.RELATIVE,
                state=ProxyState.LIVE,
                asked_by_id=agent_id,
                asked_at=db_now(session),
                consented_at=db_now(session),
            )
        )
    browser = as_resident(app, agent_id)
    for whom, status in ((mother_id, 201), (stranger_id, 403)):
        body = {"release_id": str(release_id), "for_resident_id": str(whom)}
        assert browser.post(f"{API}/entries", json=body).status_code == status
    with transaction(held.sessions) as session:
        (entry,) = session.scalars(select(LotteryEntry)).all()
        assert (entry.resident_id, entry.entered_by_id) == (mother_id, agent_id)
    page = browser.get(f"/draws/{release_id}").text
    assert "替家人报名" in page
    browser.post(f"/draws/{release_id}/withdraw", data={"for": str(mother_id)})
    with transaction(held.sessions) as session:
        assert session.scalars(select(LotteryEntry)).all() == []


def test_the_page_says_how_it_stands_at_every_point(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=1)
        resident_id = make_resident(session)
    browser = as_resident(app, resident_id)
    page = f"/draws/{release_id}"
    assert "报名抽签" in browser.get(page).text
    assert browser.post(f"{page}/enter").status_code == 303
    shown = browser.get(page).text
    assert "您已报名" in shown
    assert "退出抽签" in shown
    assert "已报名" in browser.get("/draws").text
    close_now(held, release_id)
    shown = browser.get(page).text
    assert "检查我在不在名单里" in shown
    refused = browser.post(f"{page}/withdraw")
    assert refused.status_code == 409
    assert "报名已截止，不能再报名或退出" in refused.text
    ended = whole_lottery(held, entries=3, quantity=1)
    with transaction(held.sessions) as session:
        ranks = ranks_of(session, ended)
    won, lost = (as_resident(app, ranks[at].resident_id) for at in (0, 2))
    assert "恭喜，您中签了" in won.get(f"/draws/{ended}").text
    assert "没有中签" in lost.get(f"/draws/{ended}").text
    assert "报名已截止" in browser.get(f"/draws/{ended}").text
    assert app.test_client().get(f"/draws/{ended}").status_code == 200


def test_two_officials_type_the_numbers_and_nobody_confirms_their_own(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        source = welfare_drawing("ssq", "2026136", db_now(session) + timedelta(hours=2))
        release_id = make_lottery(session, season=small, quantity=2, source=source)
        enter_many(session, release_id, 5)
    assert close_now(held, release_id) is DrawState.CLOSED
    first, second = (signed_in_as(app, make_official(held, small.district.id)) for _ in range(2))
    address = f"/admin/draws/{release_id}/numbers"
    early = first.post(address, data={"numbers": NUMBERS})
    assert (early.status_code, "还没到公告的开奖时间" in early.text) == (409, True)
    pass_to(held, release_id, DrawState.CLOSED)
    assert first.post(address, data={"numbers": "1 2 3"}).status_code == 400
    assert first.post(address, data={"numbers": NUMBERS}).status_code == 303
    own = first.post(address, data={"numbers": NUMBERS})
    assert (own.status_code, "另一位经办" in own.text) == (409, True)
    other = second.post(address, data={"numbers": "01 07 12 18 25 31 09"})
    assert (other.status_code, "不一致" in other.text) == (409, True)
    assert NUMBERS not in second.get(f"/admin/draws/{release_id}").text
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.evidence) == (DrawState.CLOSED, None)
    assert second.post(address, data={"act": "discard"}).status_code == 303
    assert second.post(address, data={"numbers": NUMBERS}).status_code == 303
    assert first.post(address, data={"numbers": "31 25 18 12 07 03 09"}).status_code == 303
    work(held)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.winners_count) == (DrawState.PUBLISHED, 2)
        logged = session.scalars(
            select(AuditEntry.action).filter_by(object_id=release_id).order_by(AuditEntry.seq)
        ).all()
        details = dict(
            session.execute(
                select(AuditEntry.action, AuditEntry.details).filter_by(object_id=release_id)
            ).all()
        )
    assert logged[:4] == ["draw.type", "draw.discard", "draw.type", "draw.confirm"]
    assert set(logged[4:]) == {"draw.close", "draw.draw", "draw.publish"}
    assert found.merkle_root is not None
    assert details["draw.close"] == {"root": found.merkle_root.hex(), "entries": 5}
    assert_invariants(held)


def test_an_official_announces_on_the_page_and_only_within_the_rules(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        release_id = make_release(session, make_campaign(session, small), mode=Mode.LOTTERY).id
        local = db_now(session) + timedelta(hours=8)
    official = signed_in_as(app, make_official(held, small.district.id))
    stranger = signed_in_as(app, make_official(held, make_district_id(held)))
    close, soon, later = (
        (local + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M") for hours in (2, 2, 4)
    )
    form = {"entries_close": close, "seed_at": later, "source": "kl8", "number": "2026311"}
    address = f"/admin/draws/{release_id}/announcement"
    assert stranger.post(address, data=form).status_code == 404
    too_soon = official.post(address, data=form | {"seed_at": soon})
    assert (too_soon.status_code, "5 分钟以后" in too_soon.text) == (409, True)
    assert official.post(address, data=form | {"number": "abc"}).status_code == 400
    with transaction(held.sessions) as session:
        assert session.get(LotteryDraw, release_id) is None
    assert official.post(address, data=form).status_code == 303
    assert official.post(address, data=form).status_code == 409
    page = official.get(f"/admin/draws/{release_id}").text
    assert "第 2026311 期" in page
    assert "报名中" in official.get("/admin/draws").text
    with transaction(held.sessions) as session:
        announced = json.loads(session.get_one(LotteryDraw, release_id).announcement)
    assert announced["seed_source"] == {
        "kind": "welfare_lottery", "game": "kl8", "number": "2026311",
    }  # fmt: skip


def make_district_id(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_season(session).district.id


@contextmanager
def beacon(answers: dict[str, dict[str, object]]) -> Iterator[str]:
    """A server that answers like a drand relay."""

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name http.server asks for
            found = answers.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found or {}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_beacon_is_believed_only_about_the_announced_round(held: Resources) -> None:
    signature = (
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125"
        "e342b73a8dd2bacbe47e4b6b63ed5e39"
    )
    randomness = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
    good: dict[str, object] = {"round": 1000, "signature": signature, "randomness": randomness}
    answers: dict[str, dict[str, object]] = {
        f"/{QUICKNET}/public/1000": good,
        f"/{QUICKNET}/public/1001": good,
        f"/{QUICKNET}/public/1002": good | {"round": 1002, "randomness": "00" * 32},
        f"/{QUICKNET}/public/1003": {"signature": "no hex"},
    }
    with beacon(answers) as address:
        settings = held.settings.model_copy(update={"drand_url": address})
        found = DrandRound(QUICKNET, 1000).fetch(settings)
        assert found == {"round": 1000, "signature": signature}
        for number in (1001, 1002, 1003, 1004):
            with pytest.raises(SeedUnavailableError):
                DrandRound(QUICKNET, number).fetch(settings)
    with pytest.raises(SeedUnavailableError):
        DrandRound(QUICKNET, 1000).fetch(settings)  # nobody answers


def test_the_jobs_take_a_lottery_from_its_closing_to_its_end_and_say_what_stops_them(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=3)
        enter_many(session, release_id, 10)
    work(held)
    with transaction(held.sessions) as session:
        assert session.get_one(LotteryDraw, release_id).state == DrawState.COLLECTING
        session.execute(update(LotteryDraw).values(entries_close_at=db_now(session)))
    work(held)
    with transaction(held.sessions) as session:
        assert session.get_one(LotteryDraw, release_id).state == DrawState.CLOSED
    pass_to(held, release_id, DrawState.CLOSED)
    work(held)  # the file with the seed is not there yet
    with transaction(held.sessions) as session:
        assert session.get_one(LotteryDraw, release_id).state == DrawState.CLOSED
        assert trouble_of(session, release_id) == "SeedUnavailableError"
    folder = held.settings.state_dir / "seeds"
    folder.mkdir()
    (folder / "rehearsal").write_text("5a" * 32)
    with transaction(held.sessions) as session:
        try_now(session, release_id)
    work(held)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.winners_count) == (DrawState.PUBLISHED, 3)
        assert found.told_rank >= 10
        assert trouble_of(session, release_id) is None
        assert len(session.scalars(select(Voucher.id)).all()) == 3
    assert_invariants(held)
