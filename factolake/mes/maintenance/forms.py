"""What maintenance actions are asked with."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment
from factolake.mes.maintenance.models import CodeKind, CycleSource, MaintenanceKind
from factolake.mes.production.forms import Amount, Id, Quantity

Text = Annotated[str, Field(min_length=1, max_length=5000)]
PersonId = Annotated[str, Field(min_length=2, max_length=64)]
CodeId = Annotated[str | None, Field(default=None, min_length=1, max_length=32, description="Id of a failure code of this kind: mode.BRD.")]
Cycles = Annotated[
    Decimal | None, Field(ge=0, max_digits=15, decimal_places=4, description="Value of the counter, for a plan whose cycles are given.")
]


class RequestForm(Form):
    """Please look at this."""

    equipment_id: Id
    description: Text
    priority: int = Field(default=0, ge=-1000, le=1000)
    is_stopped: bool = False
    stopped_ts: Moment | None = Field(default=None, description="Since when it stands still; now where it is not given.")
    at_ts: Moment | None = Field(default=None, description="When it was asked, where it is told late; now where it is not given.")


class WhyForm(Form):
    """A step that has to be explained."""

    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")


class OrderForm(Form):
    """Work on a machine that nobody had to ask for."""

    equipment_id: Id
    kind: MaintenanceKind
    description: Text
    stopped_ts: Moment | None = None


class ClockForm(Form):
    """When it happened; now where it is not given."""

    at_ts: Moment | None = None


class DiagnosisForm(Form):
    """How, by what, why it failed, how it was found. What is not given stays."""

    mode_id: CodeId = None
    mechanism_id: CodeId = None
    cause_id: CodeId = None
    detection_id: CodeId = None
    finding: str = Field(default="", max_length=5000)


class CloseForm(Form):
    """The end of an order."""

    cycles: Cycles = None


class PartForm(Form):
    """A spare part that was used."""

    order_id: int
    part_id: Id
    description: str = Field(default="", max_length=240)
    quantity: Quantity


class LabourForm(Form):
    """Work that was done."""

    order_id: int
    person_id: PersonId
    worked_s: int = Field(gt=0, le=7 * 24 * 3600, description="How long (seconds).")


class CodeForm(Form):
    """A failure code of the plant's own."""

    kind: CodeKind
    code: str = Field(min_length=1, max_length=16, pattern=r"^[A-Za-z0-9_.-]+$")
    name: str = Field(min_length=1, max_length=120)


class EditCodeForm(Form):
    """What is to be different; what is not given stays."""

    name: str | None = Field(default=None, min_length=1, max_length=120)
    is_active: bool | None = None


class PlanForm(Form):
    """Something to be done every so many days or cycles."""

    plan_id: Id
    equipment_id: Id
    description: str = Field(min_length=1, max_length=240)
    every_days: int | None = Field(default=None, ge=1, le=36_500)
    every_cycles: Quantity | None = None
    cycles_from: CycleSource = CycleSource.OPERATIONS
    first_due_ts: Moment | None = Field(default=None, description="When it is due for the first time; an interval from now where it is not given.")
    cycles: Cycles = None

    @model_validator(mode="after")
    def has_interval(self) -> Self:
        """By time, by cycles, or both."""
        if self.every_days is None and self.every_cycles is None:
            raise ValueError("give every_days, every_cycles or both")
        if self.first_due_ts is not None and self.every_days is None:
            raise ValueError("first_due_ts goes with every_days")
        return self


class DueForm(Form):
    """Ask for what is due."""

    cycles: Annotated[Amount | None, Field(description="Value of the counter, for a plan whose cycles are given.")] = None
