"""Imports every table, so that the metadata is whole for migrations and tests."""

from admin import models as admin
from coupon_service.campaigns import models as campaigns
from coupon_service.core import models as core
from coupon_service.core.db import Base
from coupon_service.ledger import models as ledger
from coupon_service.residents import models as residents
from coupon_service.vouchers import models as vouchers
from fraud import models as fraud
from merchants import models as merchants
from redemption import models as redemption
from redemption.ar import models as ar

TABLE_MODULES = (
    core,
    ledger,
    residents,
    campaigns,
    vouchers,
    merchants,
    redemption,
    ar,
    fraud,
    admin,
)
metadata = Base.metadata
