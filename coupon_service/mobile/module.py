"""The manifest of this package."""

from coupon_service.core.module import Module
from coupon_service.mobile import (
    choices,
    codes,
    draws,
    family_wallet,
    household,
    me,
    notices,
    offline,
    own_data,
    pages,
    real_name,
    scene,
    sign_in,
    stores,
    voucher,
    waiting,
    waiting_room,
    wechat,
)

MODULE = Module(
    name="mobile",
    pages=[
        pages.bp,
        stores.bp,
        scene.bp,
        voucher.bp,
        offline.bp,
        sign_in.bp,
        wechat.bp,
        real_name.bp,
        me.bp,
        household.bp,
        family_wallet.bp,
        own_data.bp,
        choices.bp,
        draws.bp,
        notices.bp,
        waiting_room.bp,
        codes.bp,
        waiting.bp,
    ],
)
