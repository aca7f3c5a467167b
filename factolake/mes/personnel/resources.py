"""What can be read of personnel."""

from factolake.mes.core.resource import resource
from factolake.mes.personnel import models

resource("skills", models.Skill)
resource("qualifications", models.Qualification, filters=("person_id", "skill_id"))
resource("skill-requirements", models.SkillRequirement, filters=("skill_id", "equipment_id", "material_id"), path_field="")
resource("skill-waivers", models.SkillWaiver, filters=("operation_id", "person_id", "skill_id"))
resource("shift-assignments", models.ShiftAssignment, filters=("person_id", "equipment_id", "role"))
resource("presences", models.Presence, filters=("person_id", "equipment_id"))
