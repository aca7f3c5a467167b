"""Which operations of a situation cannot be planned as its data is, and what is missing, in one sentence each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from factolake.domain.order import OperationState, OrderState
from factolake.planning.building.ground import ENDED, Ground
from factolake.planning.building.seconds import told
from factolake.planning.building.supply import SLACK, Supply, free_arrivals, has_begun, needs_of
from factolake.planning.situation import OrderOperation, Peg, PegKind

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
    """What is left out: operations with something missing, those that come after one in their order, and those that take what it was to make."""
    troubles = {one.operation_id: _trouble(ground, one) for one in ground.situation.operations if one.state not in ENDED}
    troubles |= _unsupplied(ground, [one for one in ground.situation.operations if troubles.get(one.operation_id) == "" and not has_begun(one)])
    ordered = steps(ground)
    lasts = {order_id: [one.operation_id for one in last_steps(operations)] for order_id, operations in ordered.items()}
    unmade: dict[str, str] = {}
    while True:
        found = list(_followed(ordered.values(), troubles, unmade))
        named = {one.operation_id for one in found}
        missing = {order_id: gone[0] for order_id, last in lasts.items() if (gone := [one for one in last if one in named])}
        if missing.keys() == unmade.keys():
            return found
        unmade = missing


def last_steps(operations: Iterable[OrderOperation]) -> list[OrderOperation]:
    """What is open of the last step of an order: when that ends, what the order makes is there."""
    steps = [one for one in operations if one.state != OperationState.CANCELLED]
    last = max((one.number for one in steps), default=0)
    return [one for one in steps if one.number == last and one.state not in ENDED]


def waits_for(operation: OrderOperation) -> list[Peg]:
    """What the operation waits for of other orders of its line; one that has begun has its material with it."""
    return [] if has_begun(operation) else [peg for peg in operation.pegs if peg.kind is PegKind.HERE]


def _followed(orders: Iterable[list[OrderOperation]], troubles: Mapping[str, str], unmade: Mapping[str, str]) -> Iterator[Refused]:
    """What has a trouble of its own, and what follows from it. `unmade`: by order, what of its last step is not planned."""
    for operations in orders:
        before = ""
        for operation in operations:
            if operation.state in ENDED:
                continue
            says = troubles[operation.operation_id]
            if not says and before and operation.state != RUNNING:
                says = f"operation {operation.operation_id} comes after {before}, which is not planned; see there"
            peg = next((peg for peg in waits_for(operation) if peg.order_id in unmade), None)
            if not says and peg is not None:
                what = f"operation {operation.operation_id} takes {peg.quantity:g} of {peg.material_id} from order {peg.order_id}"
                says = f"{what}, of which {unmade[peg.order_id]} is not planned; see there"
            if says:
                yield Refused(operation.operation_id, says)
                before = before or operation.operation_id


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


def skills_at(ground: Ground, operation: OrderOperation, machine: int) -> tuple[str, ...]:
    """The skills that the operation takes on that machine (its place)."""
    name = ground.situation.machines[machine].equipment
    other = next((other for other in operation.alternatives if other.equipment == name and name != operation.equipment), None)
    return operation.skills if other is None or other.skills is None else other.skills


def staffed(ground: Ground, operation: OrderOperation) -> list[tuple[int, float, float]]:
    """Those of `usable` where there are people enough for it; all where there are nowhere."""
    choices = list(usable(ground, operation))
    return [one for one in choices if not any(True for _ in _skill_troubles(ground, operation, skills_at(ground, operation, one[0])))] or choices


def _unsupplied(ground: Ground, operations: Iterable[OrderOperation]) -> dict[str, str]:
    """Why there never is material enough for them, for those of `operations`, which have not begun, of which all that comes is known and that is so.

    What is there and what comes is given to those of a higher priority first, then to what is planned by its start, then by due date. An operation
    that comes after one without material takes none.
    """
    known = {stock.material_id for stock in ground.situation.stocks if stock.is_all}
    supply = {name: Supply(arrivals) for name, arrivals in free_arrivals(ground).items() if name in known}
    found: dict[str, str] = {}
    short: dict[str, tuple[int, int]] = {}
    for operation in sorted(operations, key=lambda one: _turn(ground, one)):
        step = (operation.number, operation.part)
        if step > short.get(operation.order_id, step):
            continue
        needs = [need for need in needs_of(ground, operation) if need[0] in known]
        says = next((_told_short(operation, need, supply[need[0]].left) for need in needs if need[1] > supply[need[0]].left + SLACK), "")
        if not says:
            ready = [(when, name) for name, quantity in needs if (when := supply[name].take(quantity)) is not None]
            says = _told_late(ground, operation, *max(ready)) if ready else ""
        if says:
            found[operation.operation_id], short[operation.order_id] = says, step
    return found


def _turn(ground: Ground, operation: OrderOperation) -> tuple[int, bool, datetime, bool, datetime, str, int, int]:
    order, now = ground.orders[operation.order_id], ground.situation.now_ts
    start, due = operation.planned_start_ts, order.due_ts
    return (-order.priority, start is None, start or now, due is None, due or now, order.order_id, operation.number, operation.part)


def _told_short(operation: OrderOperation, need: tuple[str, float], left: float) -> str:
    material, wanted = need
    what = f"operation {operation.operation_id} needs {wanted:g} of {material}"
    return f"{what}, and of what is there and is to come {left:g} is left for it; say when more comes"


def _told_late(ground: Ground, operation: OrderOperation, when: datetime, material: str) -> str:
    """Why it cannot be done in the time looked at once the material is there; empty where it can."""
    come, opened = ground.seconds.at(when), ground.open_times
    choices = list(usable(ground, operation))
    is_late = all(_needed(ground, operation, run_s) > opened[place].until(_FAR) - opened[place].until(come) for place, run_s, _ in choices)
    comes = told(when, ground.situation.now_ts, ground.situation.zone)
    return f"operation {operation.operation_id} waits for {material} until {comes}, too late for the time looked at; look further ahead" * is_late


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
    if all(any(True for _ in _skill_troubles(ground, operation, skills_at(ground, operation, place))) for place, _, _ in usable(ground, operation)):
        yield from _skill_troubles(ground, operation, operation.skills)
    for name in sorted(set(operation.tool_classes)):
        wanted, there = operation.tool_classes.count(name), len(ground.tools.get(name, ()))
        if there < wanted:
            yield f"{what} needs {wanted} of tool class {name} and {there} can be used; provide one or take the need off its routing"


def _skill_troubles(ground: Ground, operation: OrderOperation, skills: tuple[str, ...]) -> Iterator[str]:
    what = f"operation {operation.operation_id}"
    for skill in sorted(set(skills)):
        holders = sum(skill in worker.skills and bool(worker.spans) for worker in ground.situation.workers)
        wanted = skills.count(skill)
        if not holders:
            yield f"{what} needs somebody with skill {skill}, and nobody who is planned holds it; qualify or plan somebody"
        elif holders < wanted:
            yield f"{what} needs {wanted} people with skill {skill} and {holders} are planned; plan more of them"


def _needed(ground: Ground, operation: OrderOperation, run_s: float) -> float:
    return ground.left(operation) * run_s


def _listed(names: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(names))


_FAR = 1 << 60
