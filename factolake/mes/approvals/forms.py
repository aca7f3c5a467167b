"""What actions on proposals and kill switches are asked with."""

from typing import Any

from pydantic import Field

from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment

SCOPE = r"^(global|agent:[^\s/:]+|capability:[a-z_]+\.[a-z_]+)$"


class ProposalForm(Form):
    """An action as it would be asked for, and why."""

    action: str = Field(max_length=64, description="Name of the action, e.g. lot.release.")
    key: str = Field(default="", max_length=240, description="Key of the row it is done to; empty where it makes its own.")
    payload: dict[str, Any] = Field(default={}, description="The action's form.")
    evidence: dict[str, Any] = Field(default={}, description="What the people who decide should see.")
    expires_ts: Moment | None = Field(default=None, description="In 8 hours where it is not given; at most 7 days away.")


class ApproveForm(Form):
    """What one approves: `digest` is the proposal's, as it was read."""

    digest: str = Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")
    password: str = Field(default="", max_length=1024, description="Your own, for actions of the highest class.")


class SwitchForm(Form):
    """What to stop, and why."""

    scope: str = Field(max_length=140, pattern=SCOPE, description="global, agent:ID or capability:NOUN.VERB")
    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")
