"""What is asked about quality: the control charts of an inspection plan, the checks that are due at a place."""

from datetime import datetime

from django.utils import timezone
from ninja import Schema
from pydantic import Field

from factolake.mes.core.query import Answer, Asked, query
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.rights import Rights
from factolake.mes.quality.charting import Rules, plan_charts
from factolake.mes.quality.due_checks import due_checks
from factolake.mes.quality.models import InspectionPlan


class ChartAsked(Asked):
    """How many checks, and by which rules they are looked at."""

    rules: Rules = Rules.NELSON
    limit: int = Field(default=100, ge=2, le=1000, description="The newest so many checks.")


class CheckPoint(Schema):
    """A check that is a point of the charts, in their order."""

    inspection_id: int
    at_ts: datetime
    result: str


class SignalAnswer(Schema):
    """A run rule that was broken, with the places of the points."""

    rule: int = Field(description="Nelson's number.")
    name: str
    indices: list[int] = Field(description="Places from 0; a moving range is one place behind its check.")


class ChartAnswer(Schema):
    """One chart; limits have a value a point."""

    kind: str
    points: list[float]
    centre: float
    lower: list[float]
    upper: list[float]
    sigma: float | None = Field(description="Estimated standard deviation of single values.")
    signals: list[SignalAnswer]


class CapabilityAnswer(Schema):
    """Capability; null where a limit is missing."""

    n: int
    cp: float | None
    cpl: float | None
    cpu: float | None
    cpk: float
    cpm: float | None
    pp: float | None
    ppk: float
    cpk_low: float = Field(description="Lower bound of Cpk at 95 %.")
    cpk_high: float


class PlanCharts(Schema):
    """The control charts of a plan."""

    plan_id: int
    characteristic: str
    unit: str
    checks: list[CheckPoint]
    charts: list[ChartAnswer]
    capability: CapabilityAnswer | None
    note: str = Field(description="Why something is missing.")


class ChecksAsked(Asked):
    """Which checks."""

    only_due: bool = False


class DueCheck(Schema):
    """A plan and whether its check is due."""

    plan_id: int
    equipment_id: str
    characteristic: str
    sample_size: int
    last_check_ts: datetime | None
    parts_since: str = Field(description="Good, scrap and rework made since, base unit.")
    lots_since: int
    is_due: bool


class DueChecks(Schema):
    """The plans of a place."""

    checks: list[DueCheck]


@query("inspection_plan.chart", InspectionPlan, PlanCharts, ChartAsked)
def chart(_: Rights, plan: InspectionPlan, asked: ChartAsked) -> Answer:
    """The control charts of a plan's newest checks, with broken run rules and capability."""
    return plan_charts(plan, asked.rules, asked.limit)


@query("equipment.checks", Equipment, DueChecks, ChecksAsked)
def checks(_: Rights, equipment: Equipment, asked: ChecksAsked) -> Answer:
    """The checks of a line or machine, and which of them are due now."""
    return {"checks": [check for check in due_checks(equipment, timezone.now()) if check["is_due"] or not asked.only_due]}
