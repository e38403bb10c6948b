"""The manifests of all packages, bottom up."""

from importlib import import_module

from coupon_service.core.manifest import MODULE as CORE
from coupon_service.core.module import Module

PACKAGES = (
    "coupon_service.ledger",
    "coupon_service.residents",
    "coupon_service.notices",
    "coupon_service.campaigns",
    "coupon_service.vouchers",
    "coupon_service.issuance",
    "coupon_service.issuance.lists",
    "coupon_service.issuance.lottery",
    "coupon_service.issuance.codes",
    "coupon_service.issuance.waiting",
    "coupon_service.issuance.waiting_room",
    "merchants",
    "merchants.tills",
    "merchants.webhooks",
    "merchants.sandbox",
    "redemption",
    "redemption.till",
    "redemption.ar",
    "redemption.awards",
    "redemption.offline",
    "redemption.slots",
    "fraud",
    "coupon_service.mobile",
    "admin",
    "coupon_service.simulation",
)


def all_modules() -> list[Module]:
    """Every package's `MODULE`."""
    return [CORE, *(import_module(f"{package}.module").MODULE for package in PACKAGES)]
