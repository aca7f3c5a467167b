"""Silver of FactoMES: one table a kind of row, as its record now has it, made from the changes its outbox tells.

Declared once: which noun of the outbox a table is made from, and which of FactoMES's columns each column holds. Quantities are in the
material's base unit (silver.materials says which). A row that FactoMES took away stays, with `removed_ts`.
"""

from factolake.contracts.silver_mes.maintenance import MAINTENANCE_ORDERS, MAINTENANCE_REQUESTS
from factolake.contracts.silver_mes.model_promotions import MODEL_PROMOTIONS
from factolake.contracts.silver_mes.production import CONSUMPTION, LOTS, MATERIALS, OPERATIONS, ORDERS, PRODUCTION, REASONS, STOPS
from factolake.contracts.silver_mes.quality import HOLDS, INSPECTION_PLANS, INSPECTIONS, MEASUREMENTS
from factolake.contracts.silver_mes.resources import (
    BILL_ITEMS,
    DELIVERIES,
    QUALIFICATIONS,
    ROUTING_ALTERNATIVES,
    ROUTING_STEPS,
    SHIFT_ASSIGNMENTS,
    SKILL_REQUIREMENTS,
    TOOL_REQUIREMENTS,
    TOOLS,
)
from factolake.contracts.silver_mes.scheduling import SCHEDULE_ENTRIES, SCHEDULE_REQUESTS, SCHEDULES
from factolake.contracts.silver_mes.shape import KIND_PREFIX, MES_CHANGES, SOURCE_ID, MesTable
from factolake.contracts.silver_mes.signals import MACHINE_ALERTS

MES_TABLES = (
    MATERIALS,
    REASONS,
    ORDERS,
    OPERATIONS,
    LOTS,
    PRODUCTION,
    CONSUMPTION,
    STOPS,
    INSPECTION_PLANS,
    INSPECTIONS,
    MEASUREMENTS,
    HOLDS,
    MAINTENANCE_REQUESTS,
    MAINTENANCE_ORDERS,
    SCHEDULES,
    SCHEDULE_ENTRIES,
    SCHEDULE_REQUESTS,
    QUALIFICATIONS,
    SKILL_REQUIREMENTS,
    SHIFT_ASSIGNMENTS,
    TOOLS,
    TOOL_REQUIREMENTS,
    BILL_ITEMS,
    ROUTING_STEPS,
    ROUTING_ALTERNATIVES,
    DELIVERIES,
    MACHINE_ALERTS,
    MODEL_PROMOTIONS,
)
"""Every table made from FactoMES's changes."""

SILVER_MES = (MES_CHANGES, *(one.table for one in MES_TABLES))

__all__ = [
    "KIND_PREFIX",
    "MACHINE_ALERTS",
    "MES_CHANGES",
    "MES_TABLES",
    "MODEL_PROMOTIONS",
    "OPERATIONS",
    "ORDERS",
    "REASONS",
    "SCHEDULES",
    "SCHEDULE_ENTRIES",
    "SCHEDULE_REQUESTS",
    "SILVER_MES",
    "SOURCE_ID",
    "STOPS",
    "MesTable",
]
