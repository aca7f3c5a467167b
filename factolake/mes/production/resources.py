"""What can be read of production."""

from factolake.mes.core.resource import resource
from factolake.mes.production.models import (
    BillItem,
    Consumption,
    Delivery,
    Lot,
    MaterialDefinition,
    Operation,
    Order,
    Production,
    RoutingAlternative,
    RoutingStep,
    Shipment,
)

resource("materials", MaterialDefinition)
resource("bill-items", BillItem, filters=("material_id", "component_id"))
resource("routing-steps", RoutingStep, filters=("material_id", "equipment_id"))
resource("routing-alternatives", RoutingAlternative, filters=("material_id", "equipment_id"))
resource("deliveries", Delivery, filters=("material_id", "state"))
resource("orders", Order, filters=("state", "line_id", "material_id", "customer"))
resource("operations", Operation, filters=("order_id", "equipment_id", "state"))
resource("lots", Lot, filters=("material_id", "status", "made_by_id", "pallet"))
resource("production", Production, filters=("operation_id", "lot_id", "counted_by", "source_system"))
resource("consumption", Consumption, filters=("operation_id", "lot_id", "into_lot_id"))
resource("shipments", Shipment, filters=("lot_id", "customer", "sales_order"))
