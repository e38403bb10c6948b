"""Claiming with a code, against a real PostgreSQL and a real Valkey."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select

from coupon_service.campaigns.models import Channel, Mode
from coupon_service.campaigns.release import pause
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.claim import Granted
from coupon_service.issuance.codes.claim_with_code import claim_with_code
from coupon_service.issuance.codes.errors import ClaimCodeNotGoodError, NoCodesHereError
from coupon_service.issuance.codes.make_code import MadeCode, stop_code
from coupon_service.issuance.codes.models import ClaimCode, ClaimCodeUse
from coupon_service.issuance.errors import LimitReachedError
from coupon_service.issuance.gate import gate
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.residents import signed_in_browser
from tests.factories.waves import at_once, make_claim_code, make_mode_release
from tests.invariants import assert_invariants

CLAIMS = "/api/v1/claim-codes/claims"


def made(held: Resources, *, per_person: int = 1, **code: object) -> tuple[UUID, MadeCode]:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session), per_person=per_person)
        release = make_mode_release(session, campaign, Mode.CODE)
        return release.id, make_claim_code(session, release.id, **code)


def new_resident(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_resident(session)


def use(held: Resources, code: str, resident_id: UUID) -> Granted:
    with transaction(held.sessions) as session:
        return claim_with_code(
            session,
            gate(),
            held.vault,
            typed=code,
            resident_id=resident_id,
            device_hash=None,
            now=db_now(session),
        )


def counts(held: Resources, code_id: UUID) -> tuple[int, int, int]:
    """Uses counted, uses recorded, and vouchers in all."""
    with transaction(held.sessions) as session:
        uses = session.get_one(ClaimCode, code_id).uses
        recorded = session.execute(select(func.count()).select_from(ClaimCodeUse)).scalar_one()
        vouchers = session.execute(select(func.count()).select_from(Voucher)).scalar_one()
        return uses, recorded, vouchers


def test_a_code_brings_a_voucher_and_a_repeat_counts_once(held: Resources) -> None:
    _, code = made(held, channel=Channel.ONSITE)
    resident_id = new_resident(held)
    first = use(held, code.code, resident_id)
    again = use(held, f" {code.code[:4].lower()} - {code.code[4:]}", resident_id)
    assert not first.repeated
    assert again.repeated
    assert again.voucher == first.voucher
    assert counts(held, code.id) == (1, 1, 1)
    with transaction(held.sessions) as session:
        assert session.scalars(select(Voucher.claim_channel)).one() == Channel.ONSITE
    assert_invariants(held)


def test_sixteen_residents_race_for_the_last_use_and_one_wins(
    app: OpenAPI, held: Resources
) -> None:
    _, code = made(held, uses_max=1)
    residents = [new_resident(held) for _ in range(16)]

    def race(resident_id: UUID) -> bool:
        try:
            use(held, code.code, resident_id)
        except ClaimCodeNotGoodError:
            return False
        return True

    assert sum(at_once(app, race, residents)) == 1
    assert counts(held, code.id) == (1, 1, 1)
    assert_invariants(held)


def test_one_resident_who_taps_sixteen_times_uses_the_code_once(
    app: OpenAPI, held: Resources
) -> None:
    _, code = made(held, per_person=3)
    resident_id = new_resident(held)

    def tap(_: int) -> UUID:
        return use(held, code.code, resident_id).voucher.voucher_id

    assert len(set(at_once(app, tap, range(16)))) == 1
    assert counts(held, code.id) == (1, 1, 1)
    assert_invariants(held)


def test_a_refused_claim_does_not_use_the_code_up(held: Resources) -> None:
    release_id, code = made(held)
    with transaction(held.sessions) as session:
        pause(session, release_id)
    with pytest.raises(ProblemError):
        use(held, code.code, new_resident(held))
    assert counts(held, code.id) == (0, 0, 0)
    assert_invariants(held)


def test_a_second_code_of_the_release_does_not_pass_the_limit_per_person(held: Resources) -> None:
    release_id, code = made(held)
    with transaction(held.sessions) as session:
        other = make_claim_code(session, release_id)
    resident_id = new_resident(held)
    use(held, code.code, resident_id)
    with pytest.raises(LimitReachedError):
        use(held, other.code, resident_id)
    assert counts(held, other.id) == (0, 1, 1)
    assert_invariants(held)


def test_a_code_works_from_its_beginning_to_its_end_and_stopping_ends_it(held: Resources) -> None:
    release_id, code = made(held)
    with transaction(held.sessions) as session:
        now = db_now(session)
        early = make_claim_code(session, release_id, valid_from=now + timedelta(hours=1))
        late = make_claim_code(session, release_id, valid_until=now)
        stop_code(session, code.id, now=now)
    for one in (early, late, code):
        with pytest.raises(ClaimCodeNotGoodError):
            use(held, one.code, new_resident(held))
    assert counts(held, code.id) == (0, 0, 0)
    assert_invariants(held)


def test_only_its_keyed_hash_is_kept(held: Resources) -> None:
    _, code = made(held)
    with transaction(held.sessions) as session:
        row = session.execute(select(ClaimCode.__table__)).one()
    assert code.code not in repr(tuple(row))


def test_a_release_claimed_in_another_way_gets_no_codes(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(session, make_campaign(session, make_season(session)))
        with pytest.raises(NoCodesHereError):
            make_claim_code(session, release.id)


def test_the_api_answers_201_then_200_and_400_for_what_is_no_code(
    app: OpenAPI, held: Resources
) -> None:
    _, code = made(held)
    browser = signed_in_browser(app, verified=True)
    first = browser.post(CLAIMS, json={"code": code.code.lower()})
    again = browser.post(CLAIMS, json={"code": code.code})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["voucher_id"] == first.json["voucher_id"]
    wrong = [browser.post(CLAIMS, json={"code": typed}) for typed in ("ZZZZ-ZZZZ", "？", "0")]
    assert {(one.status_code, one.json["slug"]) for one in wrong} == {(400, "claim-code-not-good")}
    assert_invariants(held)


class TestGuessing:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"rate_limits_enabled": True})

    def test_wrong_tries_run_out_and_then_right_codes_are_refused_alike(
        self, app: OpenAPI, held: Resources
    ) -> None:
        _, code = made(held)
        guesser = signed_in_browser(app, verified=True)
        answers = [guesser.post(CLAIMS, json={"code": f"0000000{n}"}) for n in range(7)]
        assert [one.status_code for one in answers] == [400] * 6 + [429]
        assert guesser.post(CLAIMS, json={"code": code.code}).status_code == 429
        assert counts(held, code.id) == (0, 0, 0)
        neighbour = signed_in_browser(app, verified=True)
        assert neighbour.post(CLAIMS, json={"code": code.code}).status_code == 201
