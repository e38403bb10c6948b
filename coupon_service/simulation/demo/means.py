"""What loading a demo needs besides a session."""

from dataclasses import dataclass

from coupon_service.core.personal import Vault
from coupon_service.core.settings import Settings
from coupon_service.issuance.gate import Gate


@dataclass(frozen=True)
class Means:
    settings: Settings
    vault: Vault
    gate: Gate
