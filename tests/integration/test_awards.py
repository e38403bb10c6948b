"""Spend and get: what a redemption earns, once, and what becomes of it when it is undone."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select, update

from coupon_service.campaigns.models import Channel, Mode
from coupon_service.campaigns.release import pause
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.issuance.gate import gate
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.vouchers.models import VoidReason, Voucher, VoucherState
from redemption.awards.award import award
from redemption.awards.errors import NoAwardsHereError
from redemption.awards.models import Award
from redemption.awards.rule import NewRule, end_rule, make_rule
from redemption.present import At
from redemption.reverse import reverse
from tests.factories.campaigns import make_campaign, make_release
from tests.factories.people import make_resident
from tests.factories.redemption import Market, make_market, make_voucher, redeemed
from tests.factories.waves import at_once, make_mode_release
from tests.invariants import assert_invariants


class Shop:
    """A market whose redemptions earn coupons of a second campaign."""

    def __init__(
        self, held: Resources, *, min_order_fen: int = 0, per_person: int = 1, limit: int = 5
    ) -> None:
        self.held = held
        with transaction(held.sessions) as session:
            self.market: Market = make_market(session)
            campaign = make_campaign(session, self.market.small, per_person=limit)
            self.second = make_mode_release(session, campaign, Mode.AWARD)
            new = NewRule(self.market.campaign.id, min_order_fen, per_person)
            self.rule_id = make_rule(session, self.second.id, new).id
            self.resident_id = make_resident(session)

    def redeem(self, order_no: str, *, order_fen: int = 8_000) -> UUID:
        with transaction(self.held.sessions) as session:
            release = make_release(session, self.market.campaign)
            voucher_id = make_voucher(session, release, resident_id=self.resident_id)
            at = At(till_id=self.market.counter.till.id)
            receipt = redeemed(session, voucher_id, at, order_fen=order_fen, order_no=order_no)
            return receipt.lines[0].redemption_id

    def reverse(self, order_no: str) -> None:
        with transaction(self.held.sessions) as session:
            reverse(session, self.market.counter.till.id, order_no, now=db_now(session))

    def earned(self) -> list[Voucher]:
        with transaction(self.held.sessions) as session:
            return list(
                session.scalars(
                    select(Voucher)
                    .where(Voucher.release_id == self.second.id)
                    .order_by(Voucher.ordinal)
                )
            )


def test_a_redemption_earns_its_holder_a_coupon_once(held: Resources) -> None:
    shop = Shop(held)
    redemption_id = shop.redeem("A-1")
    drain(held.sessions)
    with transaction(held.sessions) as session:
        session.execute(
            update(OutboxRow).where(OutboxRow.job == "awards.give").values(done_at=None)
        )
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert award(session, gate(), redemption_id, now=db_now(session)) == 0
    (voucher,) = shop.earned()
    assert voucher.resident_id == shop.resident_id
    assert voucher.claim_channel == Channel.ONSITE
    with transaction(held.sessions) as session:
        told = session.scalars(select(Notice).where(Notice.kind == NoticeKind.AWARDED)).one()
        assert told.resident_id == shop.resident_id
    assert_invariants(held)


def test_one_person_earns_no_more_than_the_rule_gives_however_many_workers_run(
    app: OpenAPI, held: Resources
) -> None:
    shop = Shop(held, per_person=2)
    redemptions = [shop.redeem(f"B-{n}") for n in range(4)]

    def work(redemption_id: UUID) -> int:
        with transaction(held.sessions) as session:
            return award(session, gate(), redemption_id, now=db_now(session))

    assert sum(at_once(app, work, redemptions * 2)) == 2
    assert [voucher.ordinal for voucher in shop.earned()] == [1, 2]
    assert_invariants(held)


def test_a_reversal_takes_back_what_is_unused_and_the_next_order_earns_again(
    held: Resources,
) -> None:
    shop = Shop(held)
    shop.redeem("C-1")
    drain(held.sessions)
    shop.reverse("C-1")
    drain(held.sessions)
    (voucher,) = shop.earned()
    assert (voucher.state, voucher.void_reason) == (VoucherState.VOID, VoidReason.UNEARNED)
    shop.redeem("C-2")
    drain(held.sessions)
    assert [one.state for one in shop.earned()] == [VoucherState.VOID, VoucherState.ISSUED]
    assert_invariants(held)


def test_a_reversal_that_comes_before_the_award_leaves_nothing_to_earn(held: Resources) -> None:
    shop = Shop(held)
    shop.redeem("D-1")
    shop.reverse("D-1")
    drain(held.sessions)
    assert shop.earned() == []
    assert_invariants(held)


def test_an_earned_coupon_that_was_used_stays_used_after_the_reversal(held: Resources) -> None:
    shop = Shop(held)
    shop.redeem("E-1")
    drain(held.sessions)
    (voucher,) = shop.earned()
    with transaction(held.sessions) as session:
        redeemed(session, voucher.id, At(till_id=shop.market.counter.till.id), order_fen=6_000)
    shop.reverse("E-1")
    drain(held.sessions)
    assert [one.state for one in shop.earned()] == [VoucherState.REDEEMED]
    with transaction(held.sessions) as session:
        assert session.scalars(select(Award.withdrawn_at)).all() == [None]
    assert_invariants(held)


def test_what_no_rule_covers_earns_nothing(held: Resources) -> None:
    shop = Shop(held, min_order_fen=8_001)
    shop.redeem("F-1", order_fen=8_000)
    covered = shop.market.campaign
    with transaction(held.sessions) as session:
        shop.market = replace(shop.market, campaign=make_campaign(session, shop.market.small))
    shop.redeem("F-2", order_fen=9_000)
    drain(held.sessions)
    shop.market = replace(shop.market, campaign=covered)
    with transaction(held.sessions) as session:
        end_rule(session, shop.rule_id)
    shop.redeem("F-3", order_fen=9_000)
    drain(held.sessions)
    assert shop.earned() == []
    assert_invariants(held)


def test_a_refused_award_is_written_down_and_the_redemption_stands(held: Resources) -> None:
    shop = Shop(held)
    with transaction(held.sessions) as session:
        pause(session, shop.second.id)
    shop.redeem("G-1")
    drain(held.sessions)
    with transaction(held.sessions) as session:
        (record,) = session.scalars(select(Award)).all()
        assert (record.voucher_id, record.refused) == (None, "release-paused")
    assert shop.earned() == []
    assert_invariants(held)


def test_rules_lead_to_award_releases_of_one_season_only(held: Resources) -> None:
    with transaction(held.sessions) as session:
        market, other = make_market(session), make_market(session)
        campaign = make_campaign(session, market.small)
        second = make_mode_release(session, campaign, Mode.AWARD, quantity=5)
        with pytest.raises(NoAwardsHereError):
            make_rule(session, market.release.id, NewRule(None, 0, 1))
        with pytest.raises(NoAwardsHereError):
            make_rule(session, second.id, NewRule(other.campaign.id, 0, 1))
        assert second.closes_at - db_now(session) > timedelta(0)
