"""The two-way flow: where vouchers were claimed and where they were used."""

from flask_openapi3 import OpenAPI

from admin.flow import Direction, flow_rows
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from tests.factories.ar import ORDER_FEN, make_stage
from tests.invariants import assert_invariants


def test_a_voucher_won_on_the_street_and_used_in_the_cloud_flows_to_the_net(
    app: OpenAPI, held: Resources
) -> None:
    stage = make_stage(app, held, per_person=3)
    for _ in range(2):
        order = stage.begin_order(stage.win())
        assert stage.provider.report(stage.see(order, order_fen=ORDER_FEN)).status_code == 200
    stage.win()
    with transaction(held.sessions) as session:
        today = local_date(db_now(session))
        (row,) = flow_rows(session, stage.scene.small.season.id)
    assert (row.day, row.claim_channel, row.redeem_channel) == (today, "ar", "virtual")
    assert row.direction is Direction.OFFLINE_TO_ONLINE
    assert (row.count, row.face_fen, row.discount_fen) == (2, 4_000, 4_000)
    assert row.turnover_fen == 2 * ORDER_FEN
    assert_invariants(held)
