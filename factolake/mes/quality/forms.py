"""What quality actions are asked with."""

import json
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment
from factolake.mes.production.forms import Id, LotId, Quantity
from factolake.mes.quality.models import CharacteristicKind, Method, SampledPer, Severity

Value = Annotated[Decimal, Field(max_digits=15, decimal_places=6, allow_inf_nan=False, description="In the plan's unit.")]
Why = Annotated[str, Field(min_length=1, max_length=2000, description="Why, in your own words.")]
Text = Annotated[str, Field(min_length=1, max_length=5000)]
MAX_SAMPLE = 1000
MAX_EVIDENCE = 20_000


class GaugeForm(Form):
    """A new gauge."""

    gauge_id: Id
    name: str = Field(min_length=1, max_length=120)
    equipment_id: Id | None = Field(default=None, description="Where it is used; left out: everywhere.")
    interval_days: int = Field(ge=1, le=3650, description="Days from one calibration to the next.")
    due_ts: Moment = Field(description="When the next calibration is due.")


class CalibrationForm(Form):
    """How a calibration ended."""

    passed: bool
    certificate: str = Field(default="", max_length=120)
    at_ts: Moment | None = Field(default=None, description="When; now where it is not given.")


class PlanForm(Form):
    """A characteristic to be checked. The same one at the same place, material and step ends now."""

    equipment_id: Id
    material_id: Id | None = None
    step_number: int | None = Field(default=None, ge=1, le=9990)
    characteristic: str = Field(min_length=1, max_length=120)
    kind: CharacteristicKind
    unit: str = Field(default="", max_length=8, description="UNECE Rec 20 code.")
    nominal: Value | None = None
    lower: Value | None = None
    upper: Value | None = None
    sampled_per: SampledPer
    sampled_every: int = Field(default=1, ge=1, le=1_000_000)
    sample_size: int = Field(default=1, ge=1, le=MAX_SAMPLE)
    accept_up_to: int = Field(default=0, ge=0, le=MAX_SAMPLE)
    gauge_id: Id | None = None
    holds_on_failure: bool = False

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Limits in order around the nominal; a variable has one, an attribute none."""
        known = [value for value in (self.lower, self.nominal, self.upper) if value is not None]
        if known != sorted(known) or (self.lower is not None and self.lower == self.upper):
            raise ValueError(f"lower {self.lower}, nominal {self.nominal}, upper {self.upper}: they go up from lower to upper")
        if self.kind is CharacteristicKind.VARIABLE and self.lower is None and self.upper is None:
            raise ValueError("a variable is judged by its limits: give lower, upper or both")
        if self.kind is CharacteristicKind.ATTRIBUTE and known:
            raise ValueError("an attribute is counted, not measured: give no nominal, lower or upper")
        if self.accept_up_to >= self.sample_size:
            raise ValueError(f"accept_up_to is {self.accept_up_to} of {self.sample_size}: such a check could never fail")
        return self


class InspectionForm(Form):
    """A check: the measured values of a variable, or how many of an attribute's sample failed."""

    plan_id: int
    values: list[Value] = Field(default=[], max_length=MAX_SAMPLE, description="Measured values, one an item; for a variable.")
    sample_size: int | None = Field(
        default=None, ge=1, le=MAX_SAMPLE, description="Items looked at; for an attribute. The plan's where it is not given."
    )
    nonconforming: int | None = Field(default=None, ge=0, le=MAX_SAMPLE, description="Items that failed; for an attribute.")
    gauge_id: Id | None = Field(default=None, description="Measured with; the plan's where it is not given.")
    operation_id: str | None = Field(default=None, min_length=1, max_length=80)
    lot_id: LotId | None = None
    at_ts: Moment | None = Field(default=None, description="When the sample was taken; now where it is not given.")


class HoldForm(Form):
    """A hold on one thing. Without `since_ts` it covers what came since the last good check there."""

    reason: Why
    lot_id: LotId | None = None
    order_id: Id | None = None
    operation_id: str | None = Field(default=None, min_length=1, max_length=80)
    equipment_id: Id | None = None
    material_id: Id | None = None
    since_ts: Moment | None = Field(default=None, description="Covers from then on.")
    inspection_id: int | None = Field(default=None, description="Failed check that sets it off: the last good one before it counts.")
    event_id: int | None = Field(default=None, description="Quality event that sets it off.")
    characteristic: str = Field(default="", max_length=120, description="Only checks of this one count as good.")

    @model_validator(mode="after")
    def is_on_one_thing(self) -> Self:
        """A hold is on one thing; a failed check alone stands for its equipment."""
        held = [name for name in ("lot_id", "order_id", "operation_id", "equipment_id", "material_id") if getattr(self, name) is not None]
        if len(held) > 1 or (not held and self.inspection_id is None):
            raise ValueError(f"a hold is on one thing, not on {', '.join(held) or 'nothing'}: give one of lot, order, operation, equipment, material")
        return self


class WhyForm(Form):
    """A step that has to be explained."""

    reason: Why


class EventForm(Form):
    """Something that was seen."""

    kind: str = Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$", description="surface_defect, drift.")
    equipment_id: Id
    lot_id: LotId | None = None
    severity: Severity
    text: str = Field(default="", max_length=500)
    evidence: dict[str, JsonValue] = Field(default={}, description="Scores, image hashes, model version: what it was seen by.")
    source: str = Field(min_length=1, max_length=64, description="Model, camera or program that saw it.")
    source_key: str = Field(default="", max_length=120, description="The source's own key; the same one twice is one event.")
    at_ts: Moment | None = None

    @field_validator("evidence")
    @classmethod
    def is_short(cls, evidence: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Pictures and series stay in the lake; here are their hashes."""
        size = len(json.dumps(evidence))
        if size > MAX_EVIDENCE:
            raise ValueError(f"evidence has {size} characters of JSON, at most {MAX_EVIDENCE}; send hashes of large things")
        return evidence


class DefectForm(Form):
    """A defect seen on parts."""

    equipment_id: Id
    cause_id: str = Field(min_length=1, max_length=64, description="A reason of scrap or rework.")
    quantity: Quantity = Decimal(1)
    location: str = Field(default="", max_length=120)
    lot_id: LotId | None = None
    operation_id: str | None = Field(default=None, min_length=1, max_length=80)
    inspection_id: int | None = None
    nonconformance_id: int | None = None
    at_ts: Moment | None = None


class NonconformanceForm(Form):
    """Something that does not conform."""

    equipment_id: Id
    description: Text
    severity: Severity = Severity.MAJOR
    lot_id: LotId | None = None
    quantity: Quantity | None = None


class CorrectiveForm(Form):
    """A problem that must not come back, who answers for it, and how it will be seen that it helped."""

    equipment_id: Id
    method: Method = Method.EIGHT_D
    problem: Text
    owner_id: str = Field(min_length=2, max_length=64)
    due_ts: Moment
    effectiveness_check: Text
    check_due_ts: Moment
    nonconformance_id: int | None = None


class AssignForm(Form):
    """Who does a step by when."""

    owner_id: str = Field(min_length=2, max_length=64)
    due_ts: Moment


class FindingForm(Form):
    """What came out of a step."""

    finding: Text


class VerifyForm(Form):
    """Whether it helped, and what that is seen by."""

    is_effective: bool
    evidence: Text
