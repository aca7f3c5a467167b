"""Alerts of machines are taken from the lake, and maintenance proposed for them, as soon as the sync has brought them."""

from factolake.mes.core.jobs import job
from factolake.mes.signals.takeover_run import turn

job("machine_alerts", 2.0, turn)
