"""Imports every table, so that the metadata is whole for migrations and tests."""

from admin import models as admin
from admin.counter import models as counter
from coupon_service.campaigns import models as campaigns
from coupon_service.core import models as core
from coupon_service.core.db import Base
from coupon_service.issuance.codes import models as codes
from coupon_service.issuance.lists import models as lists
from coupon_service.issuance.lottery import models as lottery
from coupon_service.issuance.waiting import models as waiting
from coupon_service.ledger import models as ledger
from coupon_service.notices import models as notices
from coupon_service.residents import models as residents
from coupon_service.vouchers import models as vouchers
from fraud import models as fraud
from merchants import models as merchants
from merchants.tills import models as tills
from merchants.webhooks import models as webhooks
from redemption import models as redemption
from redemption.ar import models as ar
from redemption.awards import models as awards
from redemption.offline import models as offline
from redemption.slots import models as slots

TABLE_MODULES = (
    core,
    ledger,
    residents,
    notices,
    campaigns,
    vouchers,
    lists,
    lottery,
    codes,
    waiting,
    merchants,
    tills,
    webhooks,
    redemption,
    ar,
    awards,
    offline,
    slots,
    fraud,
    admin,
    counter,
)
metadata = Base.metadata
