"""What can be read of maintenance."""

from factolake.mes.core.resource import resource
from factolake.mes.maintenance import models

resource("failure-codes", models.FailureCode, filters=("kind",))
resource("maintenance-requests", models.MaintenanceRequest, filters=("state", "equipment_id", "plan_id"))
resource("maintenance-orders", models.MaintenanceOrder, filters=("state", "kind", "equipment_id", "plan_id", "request_id"))
resource("maintenance-parts", models.MaintenancePart, filters=("order_id", "part_id"))
resource("maintenance-labour", models.MaintenanceLabour, filters=("order_id", "person_id"))
resource("preventive-plans", models.PreventivePlan, filters=("equipment_id",))
