"""The manifest of this package."""

from coupon_service.core.module import Module
from coupon_service.simulation.cli import demo
from coupon_service.simulation.walk import walk

MODULE = Module(name="simulation", commands=[demo, walk])
