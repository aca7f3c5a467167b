"""Why an order is late: the chain of what its operations wait for, from its end back to the beginning of the plan."""

from collections.abc import Iterator
from dataclasses import dataclass

from factolake.domain.job import Placed
from factolake.planning.bounds import Bound, BoundKind, Scene
from factolake.planning.building import Built
from factolake.planning.what_if import order_ends


@dataclass(frozen=True, slots=True)
class Reason:
    """One link of the chain: the operation, what it waits for until when (seconds), and that in one sentence."""

    operation_id: str
    kind: BoundKind
    until: int
    says: str


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An order that ends after its due date: by how many seconds, in one sentence, and why, from its last operation back."""

    order_id: str
    late_s: int
    says: str
    reasons: tuple[Reason, ...]


def late_orders(built: Built, schedule: tuple[Placed, ...]) -> tuple[LateOrder, ...]:
    """Every late order of the schedule with its reasons, the one that costs most first."""
    scene = Scene(built, schedule)
    found = []
    for order_id, (end, due) in order_ends(built, schedule).items():
        if due is not None and end > due:
            last = max((one for one in schedule if _order(built, one) == order_id), key=lambda one: (one.end, one.operation))
            name = built.operations[last.operation].operation_id
            says = f"order {order_id} is {_span(end - due)} late: {name} ends at {built.told(end)}, and it was due at {built.told(due)}"
            found.append((LateOrder(order_id, end - due, says, tuple(_chain(scene, last))), built.problem.jobs[_job(built, last)].weight))
    return tuple(late for late, weight in sorted(found, key=lambda one: (-one[0].late_s * one[1], one[0].order_id)))


def why_at(built: Built, schedule: tuple[Placed, ...], operation_id: str) -> tuple[Reason, ...]:
    """Why an operation of the schedule is not earlier, back to the beginning. Raises KeyError for one that is not planned."""
    scene = Scene(built, schedule)
    return tuple(_chain(scene, scene.placed[built.number(operation_id)]))


def _chain(scene: Scene, placed: Placed) -> Iterator[Reason]:
    seen = set()
    while placed.operation not in seen:
        seen.add(placed.operation)
        bound = scene.bounds(placed)[0]
        yield _reason(scene, placed, bound)
        if bound.operation is None or placed.operation in {one.operation for one in scene.built.problem.fixed}:
            return
        placed = scene.placed[bound.operation]


def _reason(scene: Scene, placed: Placed, bound: Bound) -> Reason:
    built = scene.built
    name = built.operations[placed.operation].operation_id
    if any(one.operation == placed.operation for one in built.problem.fixed):
        return Reason(
            name,
            BoundKind.RELEASE,
            placed.start,
            f"{name} stands from {built.told(placed.start)} to {built.told(placed.end)}: {_stands(built, placed)}",
        )
    opens = scene.opens(placed, bound.until)
    says = said(scene, placed, bound)
    kind, until = bound.kind, bound.until
    if opens is not None and opens > bound.until and placed.start >= opens:
        says += f", and for {built.machine_of(placed)}, {closed_why(built, scene.machine(placed), bound.until)} until {built.told(opens)}"
        kind, until = (BoundKind.CALENDAR, opens) if bound.operation is None else (kind, opens)
    if placed.start > (until if opens is None else max(opens, until)):
        says += f"; it starts at {built.told(placed.start)}, later than it could"
    return Reason(name, kind, until, says)


def said(scene: Scene, placed: Placed, bound: Bound) -> str:
    """In words what an operation waits for."""
    built = scene.built
    name, until, where = built.operations[placed.operation].operation_id, built.told(bound.until), built.machine_of(placed)
    other = "" if bound.operation is None else built.operations[bound.operation].operation_id
    match bound.kind:
        case BoundKind.PREDECESSOR:
            by = built.machine_of(scene.placed[bound.operation]) if bound.operation is not None else ""
            feeds = " to feed it" if built.operations[placed.operation].overlaps else ""
            return f"{name} waits at {where} for its step before, {other} at {by},{feeds} until {until}"
        case BoundKind.SUPPLY if bound.operation is not None:
            return f"{name} waits for {bound.name}, which {other} makes at {built.machine_of(scene.placed[bound.operation])} until {until}"
        case BoundKind.MACHINE:
            return f"{name} waits for {where} behind {other} until {until}"
        case BoundKind.SETUP:
            return f"{name} waits for {where} to be set up{f' after {other}' if other else ''} until {until}"
        case BoundKind.MATERIAL:
            return f"{name} waits for {bound.name}, which comes at {until}{coming_from(built, bound)}"
        case BoundKind.PERSON | BoundKind.TOOL:
            return f"{name} waits for {bound.name}, {f'at {other}' if other else 'not there'} until {until}"
        case BoundKind.RELEASE:
            return f"{name} may not start before {until}: {_release_why(built, placed)}"
    return f"{name} starts at {where} as soon as it can and takes {_span(placed.end - placed.start)}"


def coming_from(built: Built, bound: Bound) -> str:
    """Of material that comes from other lines' orders at that time, from which; empty for a delivery."""
    stock = next((stock for stock in built.situation.stocks if stock.material_id == bound.name), None)
    orders = [order_id for when, order_id in (stock.makers if stock is not None else ()) if built.seconds.at(when) == bound.until]
    return f" from order {' and '.join(orders)}" if orders else ""


def closed_why(built: Built, machine: int, time: int) -> str:
    """Why a machine is closed at `time` (seconds): down, a planned stop or maintenance, or no shift."""
    unit, moment = built.situation.machines[machine], built.moment(time)
    windows = built.problem.machines[machine].windows or ()
    opens = next((start for start, _ in windows if start > time), None)
    if unit.down_since_ts is not None and (not windows or time < windows[0][0]):
        return "down"
    if any(start <= moment < end for start, end in unit.closed_spans):
        return "in a planned stop or maintenance"
    return "outside its shifts" if opens is not None else "not open any more"


def _release_why(built: Built, placed: Placed) -> str:
    operation = built.operations[placed.operation]
    order = built.orders[_job(built, placed)]
    if operation.waits_until_ts is not None:
        return "it waits for a repair"
    if order.earliest_ts is not None and built.seconds.at(order.earliest_ts) >= built.problem.operations[placed.operation].release:
        return f"order {order.order_id} is not to begin earlier"
    return "what comes before has just ended and is on its way"


def _stands(built: Built, placed: Placed) -> str:
    operation = built.operations[placed.operation]
    machine = next(unit for unit in built.situation.machines if unit.equipment == operation.equipment)
    if operation.state == "running":
        return f"it is running, and {machine.equipment} is down" if machine.down_since_ts is not None else "it is running"
    return "it is frozen" if operation.operation_id not in {one.operation_id for one in built.refused} else "it is not planned and keeps its place"


def _span(seconds: int) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _job(built: Built, placed: Placed) -> int:
    return built.problem.operations[placed.operation].job


def _order(built: Built, placed: Placed) -> str:
    return built.orders[_job(built, placed)].order_id
