"""What can be read of people. Tokens and grants are for administrators: see `people.api`."""

from factolake.mes.core.resource import resource
from factolake.mes.people.models import Person

resource("people", Person, filters=("kind",))
