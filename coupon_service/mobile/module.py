"""The manifest of this package."""

from coupon_service.core.module import Module
from coupon_service.mobile import account, pages, wallet

MODULE = Module(name="mobile", pages=[pages.bp, wallet.bp, account.bp])
