"""Orders: made, edited, released, held, resumed, cancelled, closed. An order starts and completes with its operations."""

from django.db.models import Q

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.materials import check_owner
from factolake.mes.production.forms import EditOrderForm, OrderForm, WhyForm
from factolake.mes.production.models import MaterialDefinition, Operation, OperationState, Order, OrderState, RoutingStep
from factolake.mes.production.models.order import OPERATION_STATES, ORDER_STATES

STEP_WITHOUT_ROUTING = 10


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
    is_valid = Q(valid_from__lte=call.at_ts) & (Q(valid_to=None) | Q(valid_to__gt=call.at_ts))
    steps = RoutingStep.objects.filter(is_valid, material=order.material).order_by("number")
    known = [(s.number, s.description, s.equipment, s.planned_setup_s, s.planned_run_s) for s in steps.select_related("equipment")]
    for number, description, equipment, setup_s, run_s in known or [(STEP_WITHOUT_ROUTING, "", order.line, 0.0, None)]:
        operation = Operation(operation_id=f"{order.order_id}.{number}", order=order, number=number, equipment=equipment)
        operation.description, operation.planned_setup_s, operation.planned_run_s = description, setup_s, run_s
        call.create(operation)


@action("order.edit", On(Order), {Role.PLANNER}, Effect.PRODUCTION, EditOrderForm)
def edit_order(call: Call, order: Order, form: EditOrderForm) -> Order:
    """Change quantity, due date or priority; of an order that the ERP owns only the priority."""
    if OrderState(order.state) in ORDER_STATES.final or order.state == OrderState.COMPLETED.value:
        raise Conflict(f"order {order.order_id} is {order.state}; make a new order for what is still to be made")
    asked = {name: getattr(form, name) for name in ("quantity", "due_ts", "priority") if name in form.model_fields_set}
    values = {name: value for name, value in asked.items() if name == "due_ts" or value is not None}
    if values.keys() & {"quantity", "due_ts"}:
        check_owner(call, order, order.source_system)
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
    """The first waiting operation becomes ready once every one before it is completed."""
    for operation in order.operations.order_by("number"):
        if operation.state == OperationState.WAITING.value:
            call.change(operation, state=OperationState.READY.value)
            return
        if operation.state not in (OperationState.COMPLETED.value, OperationState.CANCELLED.value):
            return
