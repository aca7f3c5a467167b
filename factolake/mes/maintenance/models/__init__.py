"""Tables of maintenance, a module a noun."""

from factolake.mes.maintenance.models.code import CodeKind, FailureCode
from factolake.mes.maintenance.models.order import MaintenanceKind, MaintenanceLabour, MaintenanceOrder, MaintenanceOrderState, MaintenancePart
from factolake.mes.maintenance.models.plan import CycleSource, PreventivePlan
from factolake.mes.maintenance.models.request import MaintenanceRequest, RequestState

__all__ = [
    "CodeKind",
    "CycleSource",
    "FailureCode",
    "MaintenanceKind",
    "MaintenanceLabour",
    "MaintenanceOrder",
    "MaintenanceOrderState",
    "MaintenancePart",
    "MaintenanceRequest",
    "PreventivePlan",
    "RequestState",
]
