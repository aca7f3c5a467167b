"""What machines count is booked by FactoMES itself, from what the lake tells; people may ask for it at once."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import Form, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict
from factolake.mes.production.actions.booking import bring_to
from factolake.mes.production.actions.operations import must_be_begun
from factolake.mes.production.machine_counts import unbooked
from factolake.mes.production.models import CountedBy, Operation
from factolake.mes.production.models.material import PIECE


@action("operation.take_counts", On(Operation), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION, by_owner=True)
def take_counts(call: Call, operation: Operation, _: Form) -> Operation:
    """Book what the machine has counted of an order that it counts; where the lake knows better now, reports are reversed and made anew."""
    order = operation.order
    if order.counted_by != CountedBy.MACHINE.value:
        raise Conflict(f"order {order.order_id} is counted by {order.counted_by}; only one counted by machine has its machine's counts booked")
    if order.material.base_unit != PIECE:
        raise Conflict(
            f"a machine counts pieces, and {order.material_id} is in {order.material.base_unit}; let operators count order {order.order_id}"
        )
    must_be_begun(operation)
    for source, told, at_ts in unbooked(operation):
        bring_to(call, operation, source, told, at_ts)
    return operation
