"""What actions on alerts are asked with."""

from typing import Literal, Self

from pydantic import Field, model_validator

from factolake.mes.alerts.kinds import AlertKind, Danger, Severity
from factolake.mes.core.action import Form
from factolake.mes.production.forms import Id


class AlertForm(Form):
    """Danger for people, or a message to everybody on shift at the line."""

    equipment_id: Id = Field(description="Where.")
    kind: Literal["safety", "message"] = "safety"
    danger: Danger | None = Field(default=None, description="What danger, of a safety alert.")
    text: str = Field(default="", max_length=400, description="In a sentence.")

    @model_validator(mode="after")
    def says_what(self) -> Self:
        """A safety alert names the danger, a message has words."""
        if self.kind == "safety" and self.danger is None:
            raise ValueError("a safety alert takes danger")
        if self.kind == "message" and (not self.text.strip() or self.danger is not None):
            raise ValueError("a message takes text and no danger")
        return self


class DoneForm(Form):
    """The end of an alert: what was done."""

    done: str = Field(min_length=1, max_length=2000, description="What was done.")


class RuleForm(Form):
    """The plant's own times of a kind of alert; what is not given is as the kind has it."""

    kind: AlertKind
    scope_id: Id | None = Field(default=None, description="Equipment where it counts, with everything below; everywhere where it is not given.")
    wait_s: int | None = Field(default=None, ge=10, le=7 * 86_400, description="How long a step waits to be acknowledged (seconds).")
    after_s: int | None = Field(default=None, ge=0, le=90 * 86_400, description="How long it has to last before it is told (seconds).")
    is_on: bool = Field(default=True, description="False: not raised there.")


class EditRuleForm(Form):
    """What is to be different; what is not given stays."""

    wait_s: int | None = Field(default=None, ge=10, le=7 * 86_400)
    after_s: int | None = Field(default=None, ge=0, le=90 * 86_400)
    is_on: bool | None = None


class ContactForm(Form):
    """Where a person wants alerts sent; an empty address ends it."""

    email: str = Field(default="", max_length=254, pattern=r"^$|^[^\s@<>,;:\"]+@[^\s@<>,;:\"]+$", json_schema_extra={"format": "email"})
    mail_from: Severity = Field(default=Severity.NOTICE, description="Lowest severity that is mailed.")
