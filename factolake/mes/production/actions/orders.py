"""Orders: made, edited, released, held, resumed, cancelled, closed. An order starts and completes with its operations."""

from factolake.domain.action import Effect, Role
from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict
from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.booking import check_counter
from factolake.mes.production.actions.materials import check_owner
from factolake.mes.production.forms import EditOrderForm, OrderForm, WhyForm
from factolake.mes.production.models import MaterialDefinition, Operation, Order, RoutingStep
from factolake.mes.production.models.order import OPERATION_STATES, ORDER_STATES
from factolake.mes.production.parts import check_enough

STEP_WITHOUT_ROUTING = 10
FROM_ROUTING = ("description", "planned_setup_s", "planned_run_s", "overlaps")
"""What an operation takes over from its routing step."""

_ENDED = frozenset(state.value for state in OPERATION_STATES.final)
_NOT_BEGUN = frozenset({OperationState.WAITING.value, OperationState.READY.value, OperationState.HELD.value})


@action("order.create", At("line_id", Equipment), {Role.PLANNER}, Effect.PRODUCTION, OrderForm)
def create_order(call: Call, line: Equipment, form: OrderForm) -> Order:
    """Plan an order with the operations of its material's routing as it is valid now."""
    material = find(MaterialDefinition, material_id=form.material_id)
    order = Order(
        order_id=form.order_id,
        material=material,
        quantity=form.quantity,
        line=line,
        due_ts=form.due_ts,
        priority=form.priority,
        counted_by=form.counted_by.value,
        customer=form.customer,
        sales_order=form.sales_order,
    )
    call.create(order)
    add_operations(call, order)
    return order


def add_operations(call: Call, order: Order) -> None:
    """One operation a routing step of the material, or one on the line where it has none."""
    steps = RoutingStep.objects.filter(valid_at(call.at_ts), material=order.material).order_by("number")
    unrouted = RoutingStep(number=STEP_WITHOUT_ROUTING, equipment=order.line)
    for step in list(steps.select_related("equipment")) or [unrouted]:
        operation = Operation(operation_id=f"{order.order_id}.{step.number}", order=order, number=step.number, equipment=step.equipment)
        for name in FROM_ROUTING:
            setattr(operation, name, getattr(step, name))
        call.create(operation)


@action("order.edit", On(Order), {Role.PLANNER}, Effect.PRODUCTION, EditOrderForm)
def edit_order(call: Call, order: Order, form: EditOrderForm) -> Order:
    """Change quantity, due date, priority or who counts; of an order that the ERP owns only the last two."""
    if OrderState(order.state) in ORDER_STATES.final or order.state == OrderState.COMPLETED.value:
        raise Conflict(f"order {order.order_id} is {order.state}; make a new order for what is still to be made")
    asked = {name: getattr(form, name) for name in ("quantity", "due_ts", "priority") if name in form.model_fields_set}
    values: dict[str, object] = {name: value for name, value in asked.items() if name == "due_ts" or value is not None}
    if form.counted_by is not None:
        check_counter(order, form.counted_by.value)
        values["counted_by"] = form.counted_by.value
    if values.keys() & {"quantity", "due_ts"}:
        check_owner(call, order, order.source_system)
    if form.quantity is not None and form.quantity != order.quantity:
        check_enough(order, order.operations.all(), form.quantity)
    return call.change(order, **values)


@action("order.release", On(Order), {Role.PLANNER}, Effect.PRODUCTION)
def release_order(call: Call, order: Order, _: Form) -> Order:
    """Let the order be worked on: its first operation becomes ready."""
    step_order(call, order, OrderState.RELEASED)
    make_next_ready(call, order)
    return order


@action("order.hold", On(Order), {Role.PLANNER, Role.QUALITY}, Effect.CONTAIN, WhyForm)
def hold_order(call: Call, order: Order, _: WhyForm) -> Order:
    """Stop all work on the order until it is resumed."""
    step_order(call, order, OrderState.HELD)
    for operation in open_operations(order):
        OPERATION_STATES.check(operation.operation_id, operation.state, OperationState.HELD)
        back = OperationState.SUSPENDED.value if operation.state == OperationState.RUNNING.value else operation.state
        call.change(operation, state=OperationState.HELD.value, resumes_to=back)
    return order


@action("order.resume", On(Order), {Role.PLANNER, Role.QUALITY}, Effect.PRODUCTION)
def resume_order(call: Call, order: Order, _: Form) -> Order:
    """End a hold: the operations are where they were, one that ran is suspended."""
    if order.state != OrderState.HELD.value:
        ORDER_STATES.check(order.order_id, order.state, OrderState.HELD)
    was_begun = order.operations.exclude(actual_start_ts=None).exists()
    step_order(call, order, OrderState.RUNNING if was_begun else OrderState.RELEASED)
    for operation in order.operations.filter(state=OperationState.HELD.value):
        back = OperationState(operation.resumes_to)
        OPERATION_STATES.check(operation.operation_id, operation.state, back)
        call.change(operation, state=back.value, resumes_to="")
    return order


@action("order.cancel", On(Order), {Role.PLANNER}, Effect.PRODUCTION, WhyForm)
def cancel_order(call: Call, order: Order, _: WhyForm) -> Order:
    """Give the order up; one that has begun is held first and then closed, not cancelled."""
    if order.operations.exclude(actual_start_ts=None).exists():
        ORDER_STATES.check(order.order_id, OrderState.RUNNING.value, OrderState.CANCELLED)
    step_order(call, order, OrderState.CANCELLED)
    for operation in open_operations(order):
        OPERATION_STATES.check(operation.operation_id, operation.state, OperationState.CANCELLED)
        call.change(operation, state=OperationState.CANCELLED.value, resumes_to="")
    return order


@action("order.close", On(Order), {Role.PLANNER}, Effect.PRODUCTION)
def close_order(call: Call, order: Order, _: Form) -> Order:
    """Nothing more is reported for the order."""
    step_order(call, order, OrderState.CLOSED)
    return order


def step_order(call: Call, order: Order, to: OrderState) -> None:
    """Move the order on. Raises IllegalStep."""
    ORDER_STATES.check(order.order_id, order.state, to)
    call.change(order, state=to.value)


def open_operations(order: Order) -> list[Operation]:
    """Operations that are neither completed nor cancelled."""
    return list(order.operations.exclude(state__in=[state.value for state in OPERATION_STATES.final]))


def make_next_ready(call: Call, order: Order) -> None:
    """The first waiting operation becomes ready once every one before it is completed, or the one before it has begun where the two overlap."""
    before: Operation | None = None
    are_ended = True
    for operation in order.operations.order_by("number"):
        if operation.state == OperationState.WAITING.value:
            has_parts = operation.overlaps and before is not None and before.state not in _NOT_BEGUN
            if are_ended or has_parts:
                call.change(operation, state=OperationState.READY.value)
            return
        are_ended = are_ended and operation.state in _ENDED
        before = operation
