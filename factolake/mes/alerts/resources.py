"""What can be read of alerts. E-mail addresses are read by nobody: an administrator sets them anew."""

from factolake.domain.action import Role
from factolake.mes.alerts import models
from factolake.mes.core.resource import resource

ADMINISTRATION = frozenset({Role.ENGINEER, Role.ADMIN})

resource("alerts", models.Alert, filters=("state", "kind", "severity", "about", "part_of_id"))
resource("alert-events", models.AlertEvent, filters=("alert_id", "what"))
resource("alert-notices", models.AlertNotice, filters=("alert_id", "person_id"))
resource("alert-mails", models.AlertMail, filters=("state",), roles=ADMINISTRATION)
resource("alert-rules", models.AlertRule, filters=("kind",))
resource("contacts", models.Contact, roles=ADMINISTRATION)
