"""What can be read of stops."""

from factolake.mes.core.resource import resource
from factolake.mes.downtime.models import Stop, StopConflict

resource("stops", Stop, filters=("equipment_id", "state", "asks_reason", "reason_id"))
resource("stop-conflicts", StopConflict, filters=("stop_id",))
