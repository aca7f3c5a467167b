"""Parts of an operation: what was interrupted on one machine goes on as another part on a second one.

The parts of a step together make the order's quantity.
"""

from collections.abc import Iterable
from decimal import Decimal

from factolake.mes.core.call import Call, after_each_action, locked
from factolake.mes.production.models import Operation, OperationState, Order
from factolake.mes.production.models.order import OPERATION_STATES


def good_at_end(operations: Iterable[Operation]) -> Decimal:
    """Good pieces of the last step that was not cancelled, all its parts together: what has left the line. `operations` are those of one order."""
    counting = [each for each in operations if each.state != OperationState.CANCELLED.value]
    last = max((each.number for each in counting), default=None)
    return sum((each.good for each in counting if each.number == last), Decimal(0))


@after_each_action
def keep_whole(call: Call) -> None:
    """An order that is for more or less now is so in its newest open part, of each step that has parts."""
    for change in list(call.changes):
        if change.noun != Order.NOUN or change.before is None or change.after is None or change.before["quantity"] == change.after["quantity"]:
            continue
        order = locked(Order, change.object_id)
        assert order is not None  # it was just changed
        _spread(call, order)


def _spread(call: Call, order: Order) -> None:
    steps: dict[int, list[Operation]] = {}
    for operation in order.operations.order_by("number", "part"):
        steps.setdefault(operation.number, []).append(operation)
    for parts in steps.values():
        newest = parts[-1]
        if len(parts) > 1 and OperationState(newest.state) not in OPERATION_STATES.final:
            others = sum((part.planned_quantity for part in parts[:-1]), Decimal(0))
            call.change(newest, quantity=max(order.quantity - others, Decimal(0)))
