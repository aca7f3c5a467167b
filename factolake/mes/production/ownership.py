"""Beside an incumbent MES (`mes.role = "follower"`) orders, operations and what they made are that system's: FactoMES mirrors them and changes none.

What of lots goes into an operation stays FactoMES's: genealogy is what it adds.
"""

from django.conf import settings

from factolake.domain.action import ActorKind
from factolake.mes.core.call import Call
from factolake.mes.core.checks import first_check
from factolake.mes.core.refusals import OwnedElsewhere

OWNED_NOUNS = frozenset({"order", "operation", "production"})
OURS = frozenset({"operation.consume"})
_WRITE_OWNED = frozenset({"schedule.accept", "schedule.undo"})
"""Actions on what is FactoMES's that would write operations. Schedules are still proposed, and compared with what the incumbent does."""


@first_check
def leave_to_owner(call: Call, action: str) -> None:
    """Raise OwnedElsewhere for an action on what the incumbent MES owns."""
    if action in _WRITE_OWNED or (action.partition(".")[0] in OWNED_NOUNS and action not in OURS):
        check_may_mirror(call, action)


def check_may_mirror(call: Call, what: str) -> None:
    """Raise OwnedElsewhere as a follower, for everybody but the incumbent's own service."""
    incumbent: str = settings.FACTOMES_INCUMBENT
    is_owner = call.actor.kind == ActorKind.SERVICE.value and call.actor.person_id == incumbent
    if incumbent and not is_owner:
        raise OwnedElsewhere(f"orders, operations and what they made belong to {incumbent} here; do {what} there, and it comes from there")
