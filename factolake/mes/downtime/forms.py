"""What downtime actions are asked with."""

from pydantic import Field

from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment


class ClassifyForm(Form):
    """Why the machine stood."""

    reason_id: str = Field(min_length=1, max_length=64, description="A reason of the tree without branches below it.")
    comment: str = Field(default="", max_length=2000)


class SplitForm(Form):
    """Where one stop becomes two."""

    at_ts: Moment


class MergeForm(Form):
    """The stop that becomes part of this one: the next of the same machine."""

    with_stop_id: str = Field(min_length=1, max_length=120)
