"""Orders and their operations from the ERP that owns them. It owns quantity and due date; what was begun keeps its material and its line.

Machine, sequence and planned times of an operation come with a new one; afterwards they are the schedule's (PLANT.md, "Schedules").
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict
from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.exchange.applying.progress import left_with, mirrored_state
from factolake.mes.exchange.applying.writes import Checked, Outcome, Result, RowRefused, Writes, differing, each, in_base_unit, known, order_of
from factolake.mes.exchange.parsing.rows import OperationRow, OrderOperation, OrderRow
from factolake.mes.production.actions.booking import check_counter
from factolake.mes.production.actions.orders import FROM_ROUTING, STEP_WITHOUT_ROUTING
from factolake.mes.production.models import MaterialDefinition, Operation, Order, RoutingStep
from factolake.mes.production.parts import check_enough

_DONE = frozenset({OrderState.COMPLETED.value, OrderState.CLOSED.value, OrderState.CANCELLED.value})
_TIMES = frozenset({"planned_setup_s", "planned_run_s"})
_NOT_BEGUN = frozenset({OperationState.WAITING.value, OperationState.READY.value})
_Change = tuple[Operation, dict[str, Any]]


def apply_orders(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Orders by their id."""
    at_hand = _AtHand.of(call, [form.order_id for _, form in rows], {form.material_id for _, form in rows})

    def one(form: OrderRow) -> Outcome:
        order = at_hand.orders.get(form.order_id)
        return _new_order(at_hand, system, form, writes) if order is None else _known_order(at_hand, order, system, form, writes)

    yield from each(rows, one)


def apply_operations(call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
    """Operations of known orders by order and number."""
    at_hand = _AtHand.of(call, {form.order_id for _, form in rows}, set())

    def one(form: OperationRow) -> Outcome:
        order = known(at_hand.orders, form.order_id, "order_id", "order")
        order_of(order, system)
        made, changed = _operations_of(at_hand, order, at_hand.equipment[order.line_id], (form,), "")
        return _store(writes, made, changed)

    yield from each(rows, one)


@dataclass(slots=True)
class _AtHand:
    """What the rows of a part may name, read at once; orders that are there are locked."""

    orders: dict[str, Order]
    operations: dict[str, dict[int, Operation]]
    parts: dict[str, list[Operation]]
    materials: dict[str, MaterialDefinition]
    equipment: dict[str, Equipment]
    routings: dict[str, list[RoutingStep]]

    @classmethod
    def of(cls, call: Call, order_ids: Any, material_ids: set[str]) -> "_AtHand":
        held = Order.objects.select_for_update(no_key=True).filter(pk__in=order_ids).order_by("pk")
        orders = {order.order_id: order for order in held}
        operations: dict[str, dict[int, Operation]] = {order_id: {} for order_id in orders}
        parts: dict[str, list[Operation]] = {order_id: [] for order_id in orders}
        for operation in Operation.objects.select_for_update(no_key=True).filter(order_id__in=orders).order_by("pk"):
            parts[operation.order_id].append(operation)
            if operation.part == 0:  # the rest of an interrupted one is the shop's affair
                operations[operation.order_id][operation.number] = operation
        routings: dict[str, list[RoutingStep]] = {}
        for step in RoutingStep.objects.filter(valid_at(call.at_ts), material_id__in=material_ids).order_by("number"):
            routings.setdefault(step.material_id, []).append(step)
        return cls(orders, operations, parts, MaterialDefinition.objects.in_bulk(material_ids), Equipment.objects.in_bulk(), routings)


def _new_order(at_hand: _AtHand, system: str, form: OrderRow, writes: Writes) -> Outcome:
    material = known(at_hand.materials, form.material_id, "material_id", "material")
    line = _working(at_hand, form.line_id, "line_id")
    quantity = in_base_unit(form.quantity, form.unit, material)
    values = form.model_dump(include={"order_id", "due_ts", "priority", "customer", "sales_order"})
    order = Order(**values, material=material, line=line, quantity=quantity, counted_by=form.counted_by.value, source_system=system)
    given = form.operations or _from_routing(at_hand.routings.get(form.material_id, []))
    made, _ = _operations_of(at_hand, order, line, given, "operations.")
    if form.release:
        order.state = OrderState.RELEASED.value
        _make_ready(min(made, key=lambda operation: operation.number), made)
    order.state = mirrored_state(system, form) or order.state
    writes.make(order)
    return _store(writes, made, [])


def _from_routing(steps: Sequence[RoutingStep]) -> list[OrderOperation]:
    """The operations of a routing; one on the line where there is none."""
    known_steps = [
        OrderOperation.model_construct(
            {"equipment_id"},
            number=step.number,
            equipment_id=step.equipment_id,
            description=step.description,
            planned_setup_s=step.planned_setup_s,
            planned_run_s=step.planned_run_s,
            overlaps=step.overlaps,
        )
        for step in steps
    ]
    return known_steps or [OrderOperation.model_construct(number=STEP_WITHOUT_ROUTING)]


def _known_order(at_hand: _AtHand, order: Order, system: str, form: OrderRow, writes: Writes) -> Outcome:
    order_of(order, system)
    if order.material_id != form.material_id:
        raise RowRefused("material_id", f"order {order.order_id} is for {order.material_id}; cancel it and send a new one for {form.material_id}")
    operations = at_hand.operations[order.order_id]
    values = differing(order, form, ("due_ts", "priority", "counted_by", "customer", "sales_order"))
    if "counted_by" in values:
        with _refusing("counted_by"):
            check_counter(order, values["counted_by"])
    values |= _new_quantity(at_hand, order, form)
    changes: list[_Change] = []
    line = at_hand.equipment[order.line_id]
    if form.line_id != order.line_id:
        _check_planned(order, "line_id", f"its line cannot change to {form.line_id}")
        line = _working(at_hand, form.line_id, "line_id")
        values["line_id"] = form.line_id
        changes = [(operation, {"equipment_id": form.line_id}) for operation in operations.values() if operation.equipment_id == order.line_id]
    made, more = _operations_of(at_hand, order, line, form.operations, "operations.")
    changes += more
    if form.release and order.state == OrderState.PLANNED.value:
        values["state"] = OrderState.RELEASED.value
        changes += _make_ready(min(operations.values(), key=lambda operation: operation.number), made)
    if values and order.state in _DONE:
        raise RowRefused(next(iter(values)), f"order {order.order_id} is {order.state}; nothing of it changes any more")
    state = mirrored_state(system, form)
    if state and state != order.state:
        values["state"] = state
        changes += left_with(state, at_hand.parts[order.order_id])
    if values:
        writes.change(order, values)
    stored = _store(writes, made, _merged(changes))
    return Outcome.UPDATED if values or stored is not Outcome.SKIPPED else Outcome.SKIPPED


@contextmanager
def _refusing(field: str) -> Iterator[None]:
    """A rule of production, inside, refuses the row by this field."""
    try:
        yield
    except Conflict as refused:
        raise RowRefused(field, str(refused)) from refused


def _new_quantity(at_hand: _AtHand, order: Order, form: OrderRow) -> dict[str, Any]:
    quantity = in_base_unit(form.quantity, form.unit, known(at_hand.materials, form.material_id, "material_id", "material"))
    if quantity == order.quantity:
        return {}  # said again of an order of which more was made than asked: nothing changes
    with _refusing("quantity"):
        check_enough(order, at_hand.parts[order.order_id], quantity)
    return {"quantity": quantity}


def _make_ready(first: Operation, made: list[Operation]) -> list[_Change]:
    """The change that makes the first operation ready; one that is new is made so."""
    if first in made:
        first.state = OperationState.READY.value
        return []
    return [(first, {"state": OperationState.READY.value})]


def _check_planned(order: Order, name: str, change: str) -> None:
    if order.state != OrderState.PLANNED.value:
        raise RowRefused(name, f"order {order.order_id} is {order.state} and {change}; only a planned order's can")


def _operations_of(
    at_hand: _AtHand, order: Order, line: Equipment, given: Sequence[OrderOperation], prefix: str
) -> tuple[list[Operation], list[_Change]]:
    """Operations to be made and to be changed so that the order has those that are given; others stay. Raises RowRefused."""
    there = at_hand.operations.setdefault(order.order_id, {})
    numbers = [form.number for form in given]
    made, changed = [], []
    for place, form in enumerate(given):
        at = f"{prefix}{place}." if prefix else ""
        if numbers.count(form.number) > 1:
            raise RowRefused(f"{at}number", f"operation {form.number} of order {order.order_id} is there twice; number each once")
        operation = there.get(form.number)
        if operation is None:
            _check_planned(order, f"{at}number", f"gets no operation {form.number}")
            made.append(_operation(at_hand, order, line, form, f"{at}equipment_id"))
            continue
        values = differing(operation, form, _own(operation, form))
        if values and operation.state not in _NOT_BEGUN:
            raise RowRefused(f"{at}{next(iter(values))}", f"operation {operation.operation_id} is {operation.state}; it changes no more")
        if values:
            changed.append((operation, values))
    for operation in made:
        there[operation.number] = operation
    return made, changed


def _own(operation: Operation, form: OrderOperation) -> list[str]:
    """What the row may say of the operation: its times are not those of another machine, to which the schedule has moved it."""
    is_elsewhere = form.equipment_id is not None and form.equipment_id != operation.equipment_id
    return [name for name in FROM_ROUTING if not (is_elsewhere and name in _TIMES)]


def _operation(at_hand: _AtHand, order: Order, line: Equipment, form: OrderOperation, name: str) -> Operation:
    equipment = _working(at_hand, form.equipment_id, name) if form.equipment_id else line
    operation = Operation(operation_id=f"{order.order_id}.{form.number}", order=order, number=form.number, equipment=equipment)
    for field in FROM_ROUTING:
        setattr(operation, field, getattr(form, field))
    operation.planned_start_ts, operation.planned_end_ts = form.planned_start_ts, form.planned_end_ts
    return operation


def _working(at_hand: _AtHand, equipment_id: str, name: str) -> Equipment:
    equipment: Equipment = known(at_hand.equipment, equipment_id, name, "equipment")
    if not equipment.is_active:
        raise RowRefused(name, f"equipment {equipment_id} takes no new work; name another")
    return equipment


def _merged(changes: list[_Change]) -> list[_Change]:
    """One change an operation."""
    merged: dict[str, tuple[Operation, dict[str, Any]]] = {}
    for operation, values in changes:
        merged.setdefault(operation.operation_id, (operation, {}))[1].update(values)
    return list(merged.values())


def _store(writes: Writes, made: list[Operation], changed: list[_Change]) -> Outcome:
    for operation in made:
        writes.make(operation)
    for operation, values in changed:
        writes.change(operation, values)
    return Outcome.IMPORTED if made else Outcome.UPDATED if changed else Outcome.SKIPPED
