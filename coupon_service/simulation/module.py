"""The manifest of this package."""

from coupon_service.core.module import Module
from coupon_service.simulation.ar_simulate import ar_simulate
from coupon_service.simulation.demo.cli import demo
from coupon_service.simulation.walk.command import walk

MODULE = Module(name="simulation", commands=[ar_simulate, demo, walk])
