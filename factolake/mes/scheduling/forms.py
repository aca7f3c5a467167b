"""What scheduling actions are asked with."""

from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field

from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment
from factolake.mes.production.forms import Id

MAX_ENTRIES = 2000


class EntryForm(Schema):
    """Where and when one operation is to be done. Its place in the sequence follows from its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation_id: Annotated[str, Field(min_length=1, max_length=80)]
    equipment_id: Id
    planned_start_ts: Moment
    planned_end_ts: Moment
    why: str = Field(default="", max_length=240, description="Why this one moves.")


class ScheduleForm(Form):
    """A proposal: operations of the line with their new machines and times; those that are not named stay as they are."""

    line_id: Id
    entries: list[EntryForm] = Field(min_length=1, max_length=MAX_ENTRIES)
    from_ts: Moment | None = Field(default=None, description="Beginning of the time it plans; that of the first entry where it is not given.")
    to_ts: Moment | None = Field(default=None, description="End of the time it plans; that of the last entry where it is not given.")
    based_on_id: str = Field(default="", max_length=80, description="The schedule it was worked out from; refused when another is current.")
    source_id: str = Field(default="", max_length=120, description="The planner software's own id of the plan; proposed once.")
    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")


class AcceptForm(Form):
    """What one accepts: `digest` is the proposal's, as it was read."""

    digest: str = Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")


class ScheduleRequestForm(Form):
    """Please plan this line anew."""

    line_id: Id
    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")
