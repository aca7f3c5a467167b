"""Documents of the ERP are worked off, confirmations and webhooks sent, by themselves."""

import time
from datetime import datetime

from django.conf import settings

from factolake.mes.core.jobs import job
from factolake.mes.exchange.erp import ErpDoor
from factolake.mes.exchange.proceed import proceed_once
from factolake.mes.exchange.webhooks import deliver_webhooks_once

TURN_S = 5.0
PAUSE_S = 0.1


def work_off(now: datetime) -> int:
    """Apply parts of waiting documents for at most five seconds; returns how many. Between two parts other writers get in."""
    begun, parts = time.monotonic(), 0
    while time.monotonic() - begun < TURN_S and proceed_once(now):
        parts += 1
        time.sleep(PAUSE_S)
    return parts


job("erp_import", 1.0, work_off)
if settings.FACTOMES_ERP.system:
    job("erp", settings.FACTOMES_ERP.interval_s, ErpDoor(settings.FACTOMES_ERP).turn, outside=True)
job("webhooks", 2.0, deliver_webhooks_once, outside=True)
