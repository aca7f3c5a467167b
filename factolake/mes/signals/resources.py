"""What can be read of machine alerts."""

from factolake.mes.core.resource import resource
from factolake.mes.signals.models import MachineAlert

resource("machine-alerts", MachineAlert, filters=("equipment_id", "state", "severity", "kind", "verdict"))
