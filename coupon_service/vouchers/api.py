"""`/api/v1/vouchers`; `/phone-keys`: what may show them; `/keys`: who signs."""

from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.vouchers.bind_phone import bind_phone
from coupon_service.vouchers.errors import PhoneCoolingDownError
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.phones import key_to_show_with, phone_of
from coupon_service.vouchers.qr import qr_png, qr_svg
from coupon_service.vouchers.queries import own_voucher, wallet
from coupon_service.vouchers.schemas import (
    KeyList,
    PhoneKeyBody,
    PhoneKeyView,
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
    """One voucher with a fresh token for the resident's phone, and its typed code."""
    with transaction(resources().sessions) as session:
        voucher = own_voucher(session, principal().id, path.voucher_id)
        phone = phone_of(session, principal().id)
        now = db_now(session)
        try:
            shown = show(session, voucher, now=now, phone_key=key_to_show_with(phone, now))
        except PhoneCoolingDownError:
            shown = None
        view = ShownVoucher(
            **VoucherView.of(voucher).model_dump(),
            token=shown.token if shown else None,
            token_expires_at=shown.token_expires_at if shown else None,
            typed_code=shown.typed_code if shown else None,
            phone_key=phone.public_key.hex() if phone else None,
            phone_usable_from=phone.usable_from if phone else None,
            server_time=now,
        )
    return jsonify(view.model_dump())


@bp.get("/vouchers/<uuid:voucher_id>/qr.svg", responses={409: Problem}, security=_RESIDENT)
@require(Kind.RESIDENT)
def draw_svg(path: VoucherPath) -> Response:
    """A fresh token as an SVG. A till wants more than this once a phone is bound: its proof."""
    return Response(qr_svg(_token(path.voucher_id)), mimetype="image/svg+xml")


@bp.get("/vouchers/<uuid:voucher_id>/qr.png", responses={409: Problem}, security=_RESIDENT)
@require(Kind.RESIDENT)
def draw_png(path: VoucherPath) -> Response:
    """A fresh token as a PNG. A till wants more than this once a phone is bound: its proof."""
    return Response(qr_png(_token(path.voucher_id)), mimetype="image/png")


@bp.post(
    "/phone-keys",
    responses={200: PhoneKeyView, 409: Problem, 429: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def create_phone_key(body: PhoneKeyBody) -> Response:
    """Let the phone that made this key, and no other, show the resident's vouchers."""
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        bound = bind_phone(
            session,
            principal().id,
            bytes.fromhex(body.public_key),
            replace=body.replace,
            settings=held.settings,
            now=now,
        )
    view = PhoneKeyView(
        public_key=bound.public_key.hex(),
        bound_at=bound.bound_at,
        usable_from=bound.usable_from,
        server_time=now,
    )
    return jsonify(view.model_dump())


@bp.get("/keys", responses={200: KeyList})
@require(Kind.ANYONE)
def list_keys() -> Response:
    """The public keys that may have signed a voucher, for tills that verify offline."""
    with transaction(resources().sessions) as session:
        known = keyring(session).public_keys
    keys = [PublicKey(kid=kid, public_key=point.hex()) for kid, point in sorted(known.items())]
    return jsonify(KeyList(algorithm="ECDSA-P256-SHA256", keys=keys).model_dump())


def _token(voucher_id: UUID) -> str:
    with transaction(resources().sessions) as session:
        voucher = own_voucher(session, principal().id, voucher_id)
        now = db_now(session)
        key = key_to_show_with(phone_of(session, principal().id), now)
        return show(session, voucher, now=now, phone_key=key).token
