"""`/api/v1/vouchers`: the resident's own vouchers; `/api/v1/keys`: who signs."""

from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.qr import qr_png, qr_svg
from coupon_service.vouchers.queries import own_voucher, wallet
from coupon_service.vouchers.schemas import (
    KeyList,
    PublicKey,
    ShownVoucher,
    VoucherList,
    VoucherView,
)
from coupon_service.vouchers.show import show

bp = APIBlueprint("vouchers_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Vouchers")])
_RESIDENT: list[dict[str, list[str]]] = [{"resident": []}]


class VoucherPath(BaseModel):
    voucher_id: UUID


@bp.get("/vouchers", responses={200: VoucherList}, security=_RESIDENT)
@require(Kind.RESIDENT)
def list_vouchers() -> Response:
    """The resident's vouchers, newest first."""
    with transaction(resources().sessions) as session:
        views = [VoucherView.of(voucher) for voucher in wallet(session, principal().id)]
    return jsonify(VoucherList(vouchers=views).model_dump())


@bp.get("/vouchers/<uuid:voucher_id>", responses={200: ShownVoucher}, security=_RESIDENT)
@require(Kind.RESIDENT)
def show_voucher(path: VoucherPath) -> Response:
    """One voucher with a fresh token and its typed code."""
    return jsonify(_shown(path.voucher_id).model_dump())


@bp.get("/vouchers/<uuid:voucher_id>/qr.svg", security=_RESIDENT)
@require(Kind.RESIDENT)
def draw_svg(path: VoucherPath) -> Response:
    """A fresh token as an SVG."""
    return Response(qr_svg(_shown(path.voucher_id).token), mimetype="image/svg+xml")


@bp.get("/vouchers/<uuid:voucher_id>/qr.png", security=_RESIDENT)
@require(Kind.RESIDENT)
def draw_png(path: VoucherPath) -> Response:
    """A fresh token as a PNG."""
    return Response(qr_png(_shown(path.voucher_id).token), mimetype="image/png")


@bp.get("/keys", responses={200: KeyList})
@require(Kind.ANYONE)
def list_keys() -> Response:
    """The public keys that may have signed a voucher, for tills that verify offline."""
    with transaction(resources().sessions) as session:
        known = keyring(session).public_keys
    keys = [PublicKey(kid=kid, public_key=point.hex()) for kid, point in sorted(known.items())]
    return jsonify(KeyList(algorithm="ECDSA-P256-SHA256", keys=keys).model_dump())


def _shown(voucher_id: UUID) -> ShownVoucher:
    with transaction(resources().sessions) as session:
        voucher = own_voucher(session, principal().id, voucher_id)
        shown = show(session, voucher, now=db_now(session))
        return ShownVoucher(
            **VoucherView.of(voucher).model_dump(),
            token=shown.token,
            token_expires_at=shown.token_expires_at,
            typed_code=shown.typed_code,
        )
