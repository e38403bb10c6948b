"""The manifests of all packages, bottom up."""

from importlib import import_module

from coupon_service.core.manifest import MODULE as CORE
from coupon_service.core.module import Module

PACKAGES = (
    "coupon_service.ledger",
    "coupon_service.residents",
    "coupon_service.campaigns",
    "coupon_service.vouchers",
    "coupon_service.issuance",
    "merchants",
    "redemption",
    "redemption.ar",
    "fraud",
    "coupon_service.mobile",
    "admin",
    "coupon_service.simulation",
)


def all_modules() -> list[Module]:
    """Every package's `MODULE`."""
    return [CORE, *(import_module(f"{package}.module").MODULE for package in PACKAGES)]
