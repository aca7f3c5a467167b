"""What is asked about maintenance: how reliable a machine was in a time."""

from dataclasses import asdict

from ninja import Schema
from pydantic import Field

from factolake.mes.core.moments import Moment
from factolake.mes.core.query import Answer, Asked, query
from factolake.mes.core.refusals import Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.models import MaintenanceKind, MaintenanceOrder, MaintenanceOrderState
from factolake.mes.maintenance.reliability import Divisor, Failure, reliability
from factolake.mes.people.rights import Rights


class ReliabilityAsked(Asked):
    """Which time, and how the mean is taken."""

    from_ts: Moment
    to_ts: Moment
    mtbf_divisor: Divisor = Field(default=Divisor.FE, description="Failures, or failures + 1: readings of ISO 22400-2 differ.")


class ReliabilityAnswer(Schema):
    """MTTR and MTBF (seconds); null without a failure."""

    failures: int
    down_s: float
    up_s: float
    mttr_s: float | None
    mtbf_s: float | None


@query("equipment.reliability", Equipment, ReliabilityAnswer, ReliabilityAsked)
def equipment_reliability(_: Rights, equipment: Equipment, asked: ReliabilityAsked) -> Answer:
    """MTTR and MTBF of a machine over its closed corrective orders; its up time is the period without its repairs."""
    if asked.to_ts <= asked.from_ts:
        raise Invalid(f"to_ts is {asked.to_ts}, not after from_ts {asked.from_ts}")
    closed = MaintenanceOrder.objects.filter(equipment=equipment, state=MaintenanceOrderState.CLOSED.value, kind=MaintenanceKind.CORRECTIVE.value)
    in_time = closed.filter(stopped_ts__lt=asked.to_ts, repaired_ts__gt=asked.from_ts)
    failures = [Failure(*times) for times in in_time.values_list("stopped_ts", "repaired_ts")]
    return asdict(reliability(failures, asked.from_ts, asked.to_ts, asked.mtbf_divisor))
