"""What can be read of tools. All see them: one in the store belongs to no line."""

from factolake.mes.core.resource import resource
from factolake.mes.tooling import models

resource("tools", models.Tool, filters=("tool_class", "equipment_id", "is_mounted", "is_active"), path_field="")
resource("tool-uses", models.ToolUse, filters=("tool_id", "equipment_id"))
resource("tool-requirements", models.ToolRequirement, filters=("material_id", "tool_class"))
