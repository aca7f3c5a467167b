"""What can be read of the pages' own."""

from factolake.domain.action import Role
from factolake.mes.core.resource import resource
from factolake.mes.pages.models import Device

resource("devices", Device, filters=("equipment_id",), roles=frozenset({Role.ADMIN, Role.ENGINEER}))
