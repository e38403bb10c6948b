"""The manifest of core itself. (`module.py` defines what a manifest is.)"""

from coupon_service.core import ops, pages
from coupon_service.core.auth import Kind
from coupon_service.core.module import Module

MODULE = Module(name="core", pages=[ops.bp, pages.bp], authenticators={Kind.MONITOR: ops.monitor})
