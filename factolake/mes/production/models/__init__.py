"""Tables of production, a module a noun."""

from factolake.mes.production.models.delivery import Delivery, DeliveryState
from factolake.mes.production.models.flow import Consumption, Production, Shipment
from factolake.mes.production.models.lake import LakeOee
from factolake.mes.production.models.lot import Lot, LotStatus
from factolake.mes.production.models.material import BillItem, MaterialDefinition, RoutingAlternative, RoutingStep
from factolake.mes.production.models.order import CountedBy, Operation, Order

__all__ = [
    "BillItem",
    "Consumption",
    "CountedBy",
    "Delivery",
    "DeliveryState",
    "LakeOee",
    "Lot",
    "LotStatus",
    "MaterialDefinition",
    "Operation",
    "Order",
    "Production",
    "RoutingAlternative",
    "RoutingStep",
    "Shipment",
]
