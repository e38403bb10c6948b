"""Redeem: vouchers pay part of an order at a store, each once.

The use case takes a list: the orders that a process has waiting share every statement. One order is
a list of one. An order that is refused does not touch its neighbours.

The vouchers of the whole list are locked before anything is read. So what is read stays true until
the transaction ends, and the order numbers alone are decided by an INSERT.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order as OrderAmounts
from coupon_service.core.db import on_commit
from coupon_service.core.errors import ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_all
from coupon_service.core.risk import RedemptionAttempt, RiskGate
from coupon_service.ledger.payables import NewPayable, incur, open_merchant_accounts
from coupon_service.vouchers.errors import (
    SecondCheckLockedError,
    SecondCheckNeededError,
    SecondCheckWrongError,
)
from coupon_service.vouchers.lifecycle import use
from coupon_service.vouchers.paper import pass_second_check
from redemption.challenge import check_large
from redemption.errors import (
    MerchantNotActiveError,
    OrderNumberReusedError,
    OrderWasReversedError,
    RefusedByRuleError,
)
from redemption.judge import judge
from redemption.models import OrderState, RedemptionState
from redemption.present import Asked, At, Presented, Showing, ShownVoucher, lock_vouchers, present
from redemption.receipt import Line, Receipt, receipts
from redemption.slots.places import Places, StoreSlot, hold_places, take_places
from redemption.store import NewOrder, NewRedemption, store_orders
from redemption.verify import Way

TOPIC = "redemption.redeemed"

# Seasons and merchants whose accounts are known to be open; accounts are never closed.
_with_accounts: set[tuple[UUID, UUID]] = set()


@dataclass(frozen=True)
class RedeemCommand:
    """One order, and the vouchers presented for it.

    Attributes:
        showings: the vouchers, each once. Either all of them pay, or none.
        at: the till; a virtual store has none.
        clerk_id: who is on duty at the till.
        id: of the order to be. One with another id in the answer means: a repeat.
    """

    showings: Sequence[Showing]
    at: At
    order_no: str
    order: OrderAmounts
    channel: Channel
    clerk_id: UUID | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class Redeemed:
    """The order is paid; `repeated` if it had been before this command."""

    receipt: Receipt
    repeated: bool


@dataclass(frozen=True)
class Refused:
    """Nothing of the order was done.

    Attributes:
        position: which of its vouchers is the reason, from 1; none if it is none of them.
    """

    error: ProblemError
    position: int | None = None


Outcome = Redeemed | Refused


def redeem(
    session: Session,
    commands: Sequence[RedeemCommand],
    *,
    risk: RiskGate,
    now: datetime | None = None,
) -> list[Outcome]:
    """Use the vouchers for their orders and owe the merchants the discounts; in the same order.

    The same order number with the same vouchers and amounts gets the stored answer, whatever has
    changed since: a till that heard nothing may ask again. `now` is the moment they are judged by;
    without one the database's clock tells, once the vouchers are locked. A wrong second check of a
    paper voucher is counted: the transaction must be kept.

    Refusals are `CodeNotRecognisedError` (no voucher of the merchant's district),
    `TillNotActiveError`, `MerchantNotActiveError`, `OrderNumberReusedError`,
    `OrderWasReversedError`, `SecondCheckNeededError`, `SecondCheckLockedError`,
    `SecondCheckWrongError`, and the `VoucherNotUsableError` that says why.
    """
    outcomes: dict[UUID, Outcome] = {}
    lock_vouchers(session, [showing for command in commands for showing in command.showings])
    waiting = list(commands)
    while waiting:
        # Whoever has the number, or a voucher, of another one here hears next time what became of
        # that.
        this_time = {(command.at, command.order_no): command for command in reversed(waiting)}
        # Who came first is first: the last place of a slot is theirs.
        outcomes |= _redeem(session, list(reversed(this_time.values())), risk, now)
        waiting = [command for command in waiting if command.id not in outcomes]
    return [outcomes[command.id] for command in commands]


def _redeem(
    session: Session, commands: Sequence[RedeemCommand], risk: RiskGate, moment: datetime | None
) -> dict[UUID, Outcome]:
    """The outcome of each command by its id, without those that another one decides.

    Which are those whose number was taken meanwhile, and those that show what an order before them
    would pay with.
    """
    outcomes: dict[UUID, Outcome] = {}
    asked = [Asked(command.at, command.showings, command.order_no) for command in commands]
    fresh: list[tuple[RedeemCommand, Presented]] = []
    repeats: list[tuple[RedeemCommand, Presented]] = []
    for command, found in zip(commands, present(session, asked), strict=True):
        if isinstance(found, ProblemError):
            outcomes[command.id] = Refused(found)
        elif found.earlier_id is None:
            fresh.append((command, found))
        else:
            repeats.append((command, found))
    outcomes |= _repeat(session, repeats)
    if not fresh:
        return outcomes
    now = moment or fresh[0][1].now
    places = hold_places(session, [presented for _, presented in fresh], now=now)
    orders: list[NewOrder] = []
    spent: set[UUID] = set()
    for (command, presented), forbidden in zip(
        fresh, _forbidden(session, fresh, risk, now), strict=True
    ):
        if any(voucher.id in spent for voucher in presented.vouchers):
            continue  # whether the order before it is stored decides, and is known next time
        decided = _decide(session, command, presented, places, forbidden=forbidden)
        if isinstance(decided, Refused):
            outcomes[command.id] = decided
        else:
            orders.append(decided)
            spent |= {redemption.voucher.id for redemption in decided.redemptions}
            places.take(_slots(decided, places))
    if orders:
        stored = store_orders(session, orders, now=now)
        paid = [order for order in orders if order.id in stored]
        take_places(session, [slot for order in paid for slot in _slots(order, places)])
        _pay(session, paid, now)
        outcomes |= {order.id: Redeemed(_receipt(order, now), repeated=False) for order in paid}
    return outcomes


def _repeat(
    session: Session, commands: Sequence[tuple[RedeemCommand, Presented]]
) -> dict[UUID, Outcome]:
    if not commands:
        return {}
    stored = receipts(session, [found.earlier_id for _, found in commands if found.earlier_id])
    outcomes: dict[UUID, Outcome] = {}
    for command, found in commands:
        assert found.earlier_id is not None
        earlier = stored[found.earlier_id]
        if earlier.state is OrderState.TOMBSTONE:
            outcomes[command.id] = Refused(OrderWasReversedError())
        elif earlier.fingerprint != _fingerprint(command, found.vouchers):
            outcomes[command.id] = Refused(OrderNumberReusedError())
        elif earlier.state is OrderState.REVERSED:
            outcomes[command.id] = Refused(OrderWasReversedError())
        else:
            outcomes[command.id] = Redeemed(earlier, repeated=True)
    return outcomes


def _forbidden(
    session: Session,
    commands: Sequence[tuple[RedeemCommand, Presented]],
    risk: RiskGate,
    now: datetime,
) -> list[bool]:
    """Whether a hard rule forbids any voucher of each order."""
    attempts = [
        RedemptionAttempt(
            voucher_id=voucher.id,
            resident_id=voucher.resident_id,
            merchant_id=presented.counter.merchant_id,
            store_id=presented.counter.store_id,
            till_id=command.at.till_id,
            order_fen=command.order.order_fen,
            at=now,
        )
        for command, presented in commands
        for voucher in presented.vouchers
    ]
    answers = iter(risk.forbids(session, attempts) if attempts else ())
    of_each = [[next(answers) for _ in presented.vouchers] for _, presented in commands]
    return [any(answered) for answered in of_each]


def _decide(
    session: Session,
    command: RedeemCommand,
    presented: Presented,
    places: Places,
    *,
    forbidden: bool,
) -> NewOrder | Refused:
    """The order to store, or why not."""
    if not presented.counter.is_active:
        return Refused(MerchantNotActiveError())
    verdicts = judge(presented, command.order, command.channel, places=places)
    redemptions: list[NewRedemption] = []
    for position, (voucher, verdict) in enumerate(
        zip(presented.vouchers, verdicts, strict=True), start=1
    ):
        if isinstance(verdict, ProblemError):
            return Refused(verdict, position)
        redemptions.append(NewRedemption(new_id(), voucher, verdict))
    if forbidden:
        return Refused(RefusedByRuleError())
    for position, voucher in enumerate(presented.vouchers, start=1):
        refusal = _check_paper(session, voucher) or check_large(
            session, command.at, command.order_no, voucher, now=presented.now
        )
        if refusal is not None:
            return Refused(refusal, position)
    return NewOrder(
        id=command.id,
        order_no=command.order_no,
        counter=presented.counter,
        fingerprint=_fingerprint(command, presented.vouchers),
        channel=command.channel,
        clerk_id=command.clerk_id,
        order_fen=command.order.order_fen,
        after_discount_fen=command.order.after_discount_fen,
        goods=command.order.goods,
        redemptions=redemptions,
    )


def _slots(order: NewOrder, places: Places) -> list[StoreSlot]:
    """The slots that the order takes places of, one for each of its vouchers that has any."""
    wanted = (
        places.slot(line.voucher.terms.campaign, order.counter.store_id)
        for line in order.redemptions
    )
    return [slot for slot in wanted if slot is not None]


def _check_paper(session: Session, voucher: ShownVoucher) -> ProblemError | None:
    showing = voucher.showing
    if showing.scan is None or showing.scan.way is not Way.PAPER:
        return None
    if showing.second_check is None:
        return SecondCheckNeededError()
    try:
        pass_second_check(session, voucher.id, showing.second_check)
    except (SecondCheckWrongError, SecondCheckLockedError) as refusal:
        return refusal
    return None


def _pay(session: Session, orders: Sequence[NewOrder], now: datetime) -> None:
    """What follows from orders that are stored: vouchers used, merchants owed, others told."""
    if not orders:
        return
    lines = [(order, line) for order in orders for line in order.redemptions]
    used = use(session, [line.voucher.id for _, line in lines], now=now)
    assert used == len(lines), "the vouchers are locked, and were judged usable at this moment"
    _open_accounts(
        session,
        {
            (line.voucher.terms.campaign.season_id, order.counter.merchant_id)
            for order, line in lines
        },
    )
    incur(
        session,
        [
            NewPayable(
                redemption_id=line.id,
                season_id=line.voucher.terms.campaign.season_id,
                merchant_id=order.counter.merchant_id,
                release_id=line.voucher.release_id,
                node_id=line.voucher.terms.campaign.node_id,
                reserved_fen=line.voucher.terms.campaign.face_fen,
                discount_fen=line.discount_fen,
                incurred_at=now,
            )
            for order, line in lines
        ],
    )
    emit_all(session, TOPIC, [{"redemption_id": line.id} for _, line in lines])


def _open_accounts(session: Session, pairs: set[tuple[UUID, UUID]]) -> None:
    new = pairs - _with_accounts
    for season_id, merchant_id in sorted(new):
        open_merchant_accounts(session, season_id, merchant_id)
    if new:
        on_commit(session, lambda: _with_accounts.update(new))


def _fingerprint(command: RedeemCommand, vouchers: Sequence[ShownVoucher]) -> bytes:
    """SHA-256 of what the request means. The codes are left out: each showing has others."""
    meaning = (
        *sorted(voucher.id.hex for voucher in vouchers),
        command.order.order_fen,
        command.order.after_discount_fen,
        *sorted(command.order.goods.items()),
        command.channel,
    )
    return sha256("|".join(map(str, meaning)).encode()).digest()


def _receipt(order: NewOrder, now: datetime) -> Receipt:
    return Receipt(
        order_id=order.id,
        order_no=order.order_no,
        state=OrderState.REDEEMED,
        store_id=order.counter.store_id,
        till_id=order.counter.till_id,
        order_fen=order.order_fen,
        after_discount_fen=order.after_discount_fen,
        discount_fen=order.discount_fen,
        refunded_fen=0,
        redeemed_at=now,
        reversed_at=None,
        lines=[
            Line(
                redemption_id=line.id,
                voucher_id=line.voucher.id,
                campaign=line.voucher.terms.campaign.name,
                state=RedemptionState.REDEEMED,
                discount_fen=line.discount_fen,
            )
            for line in order.redemptions
        ],
        fingerprint=order.fingerprint,
    )
