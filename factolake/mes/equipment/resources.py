"""What can be read of equipment and reasons."""

from factolake.mes.core.resource import resource
from factolake.mes.equipment.models import Equipment, Reason

resource("equipment", Equipment, filters=("level", "parent_id"))
resource("reasons", Reason, filters=("kind", "parent_id"), path_field="")
