"""What can be read of the audit."""

from factolake.domain.action import Role
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.resource import resource

AUDITORS = frozenset({Role.APPROVER, Role.QUALITY, Role.ENGINEER, Role.ADMIN})

resource("audit", AuditEntry, filters=("actor", "action", "subject"), path_field="place", roles=AUDITORS)
