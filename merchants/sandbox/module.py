"""The manifest of the sandbox."""

from coupon_service.core.module import Module
from merchants.sandbox.cli import pos_sandbox
from merchants.sandbox.invariants import INVARIANTS

MODULE = Module(name="sandbox", commands=[pos_sandbox], invariants=INVARIANTS)
