"""The manifest of tills, clerks and shifts."""

from coupon_service.core.module import Module
from merchants.tills.browsers import note_use
from merchants.tills.pages import bp

MODULE = Module(name="merchants.tills", pages=[bp], setup=note_use)
