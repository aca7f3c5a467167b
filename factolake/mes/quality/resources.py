"""What can be read of quality."""

from factolake.mes.core.resource import resource
from factolake.mes.quality import models

resource("gauges", models.Gauge, filters=("equipment_id",))
resource("calibrations", models.Calibration, filters=("gauge_id",))
resource("inspection-plans", models.InspectionPlan, filters=("equipment_id", "material_id", "characteristic"))
resource("inspections", models.Inspection, filters=("plan_id", "equipment_id", "operation_id", "lot_id", "result"))
resource("measurements", models.Measurement, filters=("inspection_id",))
resource("holds", models.Hold, filters=("state", "lot_id", "order_id", "operation_id", "equipment_id", "material_id"))
resource("hold-items", models.HoldItem, filters=("hold_id", "lot_id"))
resource("hold-operations", models.HoldOperation, filters=("hold_id", "operation_id", "lot_id"))
resource("quality-events", models.QualityEvent, filters=("state", "kind", "equipment_id", "lot_id", "severity"))
resource("defects", models.Defect, filters=("equipment_id", "cause_id", "lot_id", "nonconformance_id"))
resource("nonconformances", models.Nonconformance, filters=("state", "equipment_id", "lot_id", "disposition"))
resource("corrective-actions", models.CorrectiveAction, filters=("state", "equipment_id", "owner_id", "nonconformance_id"))
resource("corrective-steps", models.CorrectiveStep, filters=("corrective_action_id", "owner_id"))
