"""What actions on tools are asked with."""

from decimal import Decimal

from pydantic import Field

from factolake.mes.core.action import Form
from factolake.mes.production.forms import Amount, Id, Quantity
from factolake.mes.tooling.models import Counts


class ToolForm(Form):
    """A new tool."""

    tool_id: Id
    name: str = Field(min_length=1, max_length=120)
    tool_class: Id = Field(description="What it is one of; work asks for a class.")
    equipment_id: Id | None = Field(default=None, description="Where it is kept; the store where it is not given.")
    counts: Counts = Counts.CYCLES
    life_limit: Quantity | None = Field(default=None, description="Cycles or hours it lasts; no limit where it is not given.")
    used: Amount = Field(default=Decimal(0), description="Cycles or hours used already.")


class MountForm(Form):
    """Which tool is mounted where."""

    tool_id: Id
    equipment_id: Id


class AllowForm(Form):
    """How far the tool may be used beyond its life, and why."""

    allowed_to: Quantity = Field(description="Cycles or hours up to which it may be used.")
    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")


class RequirementForm(Form):
    """A step that takes a tool of a class."""

    material_id: Id
    step_number: int = Field(ge=1, le=9990)
    tool_class: Id
