"""The manifest of this package."""

from coupon_service.core.module import Module
from coupon_service.simulation.cli import demo

MODULE = Module(name="simulation", commands=[demo])
