"""What personnel actions are asked with."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from factolake.domain.action import Role
from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment
from factolake.mes.production.forms import Id

PersonId = Annotated[str, Field(min_length=2, max_length=64)]


class SkillForm(Form):
    """A new skill."""

    skill_id: Id
    name: str = Field(min_length=1, max_length=120)


class QualificationForm(Form):
    """A person holds a skill."""

    person_id: PersonId
    skill_id: Id
    valid_from: Moment | None = Field(default=None, description="Now where it is not given.")
    valid_to: Moment | None = Field(default=None, description="Until when; for good where it is not given.")
    certificate: str = Field(default="", max_length=120)


class RequirementForm(Form):
    """Work that asks for a skill: at a piece of equipment, on a material, or at a step of it."""

    skill_id: Id
    equipment_id: Id | None = Field(default=None, description="Here and at everything below; anywhere where it is not given.")
    material_id: Id | None = None
    step_number: int | None = Field(default=None, ge=1, le=9990)

    @model_validator(mode="after")
    def names_work(self) -> Self:
        """Some equipment or some material; a step only with its material."""
        if self.equipment_id is None and self.material_id is None:
            raise ValueError("give equipment_id, material_id or both")
        if self.step_number is not None and self.material_id is None:
            raise ValueError("step_number goes with material_id")
        return self


class WaiverForm(Form):
    """Who may start the operation without which skill, and why."""

    person_id: PersonId
    skill_id: Id
    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")


class ShiftForm(Form):
    """A person is on shift."""

    person_id: PersonId
    equipment_id: Id = Field(description="Where, with everything below.")
    role: Role
    from_ts: Moment
    to_ts: Moment


class PresenceForm(Form):
    """You are at a station."""

    equipment_id: Id
