"""Tables of quality, a module a noun."""

from factolake.mes.quality.models.corrective import CorrectiveAction, CorrectiveState, CorrectiveStep, Method
from factolake.mes.quality.models.event import EventState, QualityEvent, Severity
from factolake.mes.quality.models.gauge import Calibration, Gauge
from factolake.mes.quality.models.hold import Covered, Hold, HoldItem, HoldOperation, HoldState
from factolake.mes.quality.models.inspection import Inspection, InspectionResult, Measurement
from factolake.mes.quality.models.nonconformance import Defect, Disposition, Nonconformance, NonconformanceState
from factolake.mes.quality.models.plan import CharacteristicKind, InspectionPlan, SampledPer

__all__ = [
    "Calibration",
    "CharacteristicKind",
    "CorrectiveAction",
    "CorrectiveState",
    "CorrectiveStep",
    "Covered",
    "Defect",
    "Disposition",
    "EventState",
    "Gauge",
    "Hold",
    "HoldItem",
    "HoldOperation",
    "HoldState",
    "Inspection",
    "InspectionPlan",
    "InspectionResult",
    "Measurement",
    "Method",
    "Nonconformance",
    "NonconformanceState",
    "QualityEvent",
    "SampledPer",
    "Severity",
]
