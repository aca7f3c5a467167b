"""Parts of an operation: what was interrupted on one machine goes on as another part on a second one.

The parts of a step together make the order's quantity.
"""

from collections.abc import Iterable
from decimal import Decimal

from factolake.domain.order import OperationState
from factolake.mes.core.call import Call, Change, after_each_action, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.production.models import Operation, Order


def good_at_end(operations: Iterable[Operation]) -> Decimal:
    """Good pieces of the last step that was not cancelled, all its parts together: what has left the line. `operations` are those of one order."""
    counting = [each for each in operations if each.state != OperationState.CANCELLED.value]
    last = max((each.number for each in counting), default=None)
    return sum((each.good for each in counting if each.number == last), Decimal(0))


def check_enough(order: Order, operations: Iterable[Operation], quantity: Decimal) -> None:
    """Raise Conflict where more of the order, by all its `operations`, is made already than `quantity`."""
    made = good_at_end(operations)
    if quantity < made:
        raise Conflict(f"{made.normalize():f} of order {order.order_id} are made; it cannot be for {quantity.normalize():f} any more")


@after_each_action
def keep_whole(call: Call) -> None:
    """The newest part of a step is to make what the parts before it, which have ended, leave of the order, whatever its quantity and they come to."""
    found = {_order_of(change) for change in list(call.changes)} - {""}
    for order_id in sorted(found):
        order = locked(Order, order_id)
        assert order is not None  # it or an operation of it was just changed
        _spread(call, order)


def _order_of(change: Change) -> str:
    """The order whose parts a change may leave not whole; empty where there is none."""
    before, after = change.before, change.after
    if before is None or after is None:
        return ""
    if change.noun == Order.NOUN:
        return change.object_id if before["quantity"] != after["quantity"] else ""
    is_part = change.noun == Operation.NOUN and after["quantity"] is not None
    return str(after["order_id"]) if is_part and before["good"] != after["good"] else ""


def _spread(call: Call, order: Order) -> None:
    steps: dict[int, list[Operation]] = {}
    for operation in order.operations.order_by("number", "part"):
        steps.setdefault(operation.number, []).append(operation)
    for parts in steps.values():
        if len(parts) == 1:
            continue
        made = sum((part.good for part in parts[:-1]), Decimal(0))
        for part in parts[:-1]:
            call.change(part, quantity=part.good)
        call.change(parts[-1], quantity=max(order.quantity - made, Decimal(0)))
