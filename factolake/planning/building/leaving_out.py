"""Which operations of a situation cannot be planned as its data is, and what is missing, in one sentence each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from factolake.domain.order import OperationState, OrderState
from factolake.planning.building.ground import ENDED, Ground
from factolake.planning.situation import OrderOperation

RUNNING = OperationState.RUNNING
_CLOSED_ORDERS = frozenset({OrderState.COMPLETED, OrderState.CLOSED, OrderState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that is not planned, and why: what is missing and what to do about it."""

    operation_id: str
    says: str


def steps(ground: Ground) -> dict[str, list[OrderOperation]]:
    """The operations of each order in the order of their steps, cancelled ones aside; orders in the order of the situation."""
    found: dict[str, list[OrderOperation]] = {order.order_id: [] for order in ground.situation.orders}
    for operation in sorted(ground.situation.operations, key=lambda o: (o.number, o.part, o.operation_id)):
        if operation.state != OperationState.CANCELLED:
            found.setdefault(operation.order_id, []).append(operation)
    return found


def refused(ground: Ground) -> list[Refused]:
    """What is left out: operations with something missing, and those that come after one in their order."""
    found = []
    for operations in steps(ground).values():
        waits_for = ""
        for operation in operations:
            if operation.state in ENDED:
                continue
            says = _trouble(ground, operation)
            if not says and waits_for and operation.state != RUNNING:
                says = f"operation {operation.operation_id} comes after {waits_for}, which is not planned; see there"
            if says:
                found.append(Refused(operation.operation_id, says))
                waits_for = waits_for or operation.operation_id
    return found


def usable(ground: Ground, operation: OrderOperation) -> Iterator[tuple[int, float, float]]:
    """(machine, seconds a item, setup seconds) of each machine that may do the operation; one that has begun stays on its machine."""
    choices = [(operation.equipment, operation.planned_run_s, operation.planned_setup_s)]
    if operation.actual_start_ts is None:
        for other in operation.alternatives:
            run_s = operation.planned_run_s if other.planned_run_s is None else other.planned_run_s
            setup_s = operation.planned_setup_s if other.planned_setup_s is None else other.planned_setup_s
            choices.append((other.equipment, run_s, setup_s))
    seen = set()
    for equipment, run_s, setup_s in choices:
        place = ground.machines.get(equipment)
        if place is not None and place not in seen and run_s is not None and ground.windows[place]:
            seen.add(place)
            yield place, run_s, setup_s


def _trouble(ground: Ground, operation: OrderOperation) -> str:
    return next(_troubles(ground, operation), "")


def _troubles(ground: Ground, operation: OrderOperation) -> Iterator[str]:
    what = f"operation {operation.operation_id}"
    order = ground.orders.get(operation.order_id)
    if order is None:
        yield f"{what} is of order {operation.order_id}, which is not in the situation; give the order"
        return
    if operation.state != RUNNING:
        if order.state in _CLOSED_ORDERS:
            yield f"{what} is open and its order {order.order_id} is {order.state.value}; cancel the operation or reopen the order"
        if OrderState.HELD == order.state or operation.state == OperationState.HELD:
            held = f"order {order.order_id}" if order.state == OrderState.HELD else what
            yield f"{what} is not planned while {held} is held; end the hold"
    yield from _machine_troubles(ground, operation)
    if operation.state != RUNNING:
        yield from _people_troubles(ground, operation)


def _machine_troubles(ground: Ground, operation: OrderOperation) -> Iterator[str]:
    what, ends = f"operation {operation.operation_id}", operation.planned_end_ts
    if operation.planned_run_s is None and all(other.planned_run_s is None for other in operation.alternatives):
        if operation.state != RUNNING or ends is None:
            yield f"{what} has no planned run time; give the seconds an item in its routing"
            return
    names = [operation.equipment, *(other.equipment for other in operation.alternatives)]
    known = [name for name in names if name in ground.machines]
    if not known:
        yield f"{what} is done at {operation.equipment}, which is no machine of the situation; give the machine or another place"
        return
    units = [ground.situation.machines[ground.machines[name]] for name in known]
    if all(unit.open_spans is None for unit in units):
        yield f"{what} is done at {_listed(known)} without a calendar; give it shifts"
    elif operation.state == RUNNING:
        if not ground.windows[ground.machines.get(operation.equipment, 0)]:
            yield f"{what} is running at {operation.equipment}, which is never open from now on; give it shifts"
    elif not any(True for _ in usable(ground, operation)):
        yield f"{what} is done at {_listed(known)}, never open from now on or without a run time there; give it shifts"
    elif all(_needed(ground, operation, run_s) > ground.open_times[place].until(_FAR) for place, run_s, _ in usable(ground, operation)):
        place, run_s, _ = next(usable(ground, operation))
        hours = ground.open_times[place].until(_FAR) / 3600
        needed = f"{what} needs {_needed(ground, operation, run_s) / 3600:.1f} h"
        yield f"{needed} at {_listed(known)}, open for {hours:.1f} h in the time looked at; look further ahead"


def _people_troubles(ground: Ground, operation: OrderOperation) -> Iterator[str]:
    what = f"operation {operation.operation_id}"
    for skill in sorted(set(operation.skills)):
        holders = sum(skill in worker.skills and bool(worker.spans) for worker in ground.situation.workers)
        wanted = operation.skills.count(skill)
        if not holders:
            yield f"{what} needs somebody with skill {skill}, and nobody who is planned holds it; qualify or plan somebody"
        elif holders < wanted:
            yield f"{what} needs {wanted} people with skill {skill} and {holders} are planned; plan more of them"
    for name in sorted(set(operation.tool_classes)):
        wanted, there = operation.tool_classes.count(name), len(ground.tools.get(name, ()))
        if there < wanted:
            yield f"{what} needs {wanted} of tool class {name} and {there} can be used; provide one or take the need off its routing"


def _needed(ground: Ground, operation: OrderOperation, run_s: float) -> float:
    return ground.left(operation) * run_s


def _listed(names: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(names))


_FAR = 1 << 60
