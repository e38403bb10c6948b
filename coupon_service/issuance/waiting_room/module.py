"""The manifest of the waiting room."""

from coupon_service.core.module import Module
from coupon_service.issuance.waiting_room.api import bp
from coupon_service.issuance.waiting_room.room import init_rooms

MODULE = Module(name="waiting_room", apis=[bp], setup=init_rooms)
