"""Stops are taken from the lake as soon as the sync has brought them."""

from factolake.mes.core.jobs import job
from factolake.mes.downtime.takeover_run import turn

job("stops", 2.0, turn)
