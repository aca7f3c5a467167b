"""Preventive plans ask for maintenance within a minute of being due."""

from factolake.mes.core.jobs import job
from factolake.mes.maintenance.due_run import turn

job("preventive_plans", 60.0, turn)
