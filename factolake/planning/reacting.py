"""What a plan does when the plant changes: which events ask for a new plan, and what can become of an operation that was interrupted."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from factolake.domain.job import Placed, Plan, Problem
from factolake.domain.order import OperationState
from factolake.planning.building import Built, Rules, built, told
from factolake.planning.situation import Alternative, OrderOperation, PegKind, Situation
from factolake.planning.what_if import Kpis, kpis, order_ends

Solve = Callable[[Problem], Plan]

SHORT_STOP = timedelta(minutes=15)
"""Stops below this ask for no plan unless a breakdown is their reason (PLANT.md, Schedules)."""


class EventKind(StrEnum):
    """What happened."""

    STOP = "stop"
    MATERIAL_LATE = "material_late"
    PERSON_ABSENT = "person_absent"
    RUSH_ORDER = "rush_order"
    SCRAP = "scrap"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a plan may have to answer. `what`: id of the machine, material, person, order or operation.

    `from_ts`: since when; `to_ts`: until when, of a material when it comes now, None: not known or still. `is_breakdown`: a person gave a breakdown
    as the reason of the stop. `planned`, `now`: of scrap, how much the plan has in it and how much there is.
    """

    kind: EventKind
    line: str
    what: str
    from_ts: datetime
    to_ts: datetime | None = None
    is_breakdown: bool = False
    planned: float = 0.0
    now: float = 0.0


def asks(event: Event, situation: Situation) -> str:
    """Why the event asks for a new plan, in words; empty where it does not."""
    now_ts, zone = situation.now_ts, situation.zone
    until = "" if event.to_ts is None else f" until {told(event.to_ts, now_ts, zone)}"
    open_ones = [o for o in situation.operations if o.state not in {OperationState.COMPLETED, OperationState.CANCELLED}]
    match event.kind:
        case EventKind.STOP:
            stood = (now_ts if event.to_ts is None else event.to_ts) - event.from_ts
            if not event.is_breakdown and stood < SHORT_STOP:
                return ""
            what = "is broken down" if event.is_breakdown else "stands still"
            return f"{event.what} {what} since {told(event.from_ts, now_ts, zone)}{until}"
        case EventKind.MATERIAL_LATE:
            is_needed = any(event.what in o.needs and _is_earlier(o.planned_start_ts, event.to_ts) for o in open_ones)
            return f"{event.what} is late{until and f', not there{until}'}" if is_needed else ""
        case EventKind.PERSON_ABSENT:
            held = next((worker.skills for worker in situation.workers if worker.person_id == event.what), frozenset())
            is_needed = any(held & set(o.skills) and _is_earlier(o.planned_start_ts, event.to_ts) for o in open_ones)
            return f"{event.what} is absent{until}" if is_needed else ""
        case EventKind.RUSH_ORDER:
            is_open = any(o.order_id == event.what for o in open_ones)
            return f"rush order {event.what} came in" if is_open else ""
    return f"operation {event.what} has scrapped {event.now:g} where {event.planned:g} was planned" if event.now > event.planned else ""


def _is_earlier(start: datetime | None, until: datetime | None) -> bool:
    return start is None or until is None or start < until


def wanted(events: Iterable[Event], situation: Situation, open_proposals: Set[str]) -> Mapping[str, tuple[str, ...]]:
    """By line, why a new plan is asked for; a line with an open proposal has to wait until somebody decides about that."""
    found: dict[str, list[str]] = {}
    for event in sorted(events, key=lambda one: (one.from_ts, one.kind, one.what)):
        why = "" if event.line in open_proposals else asks(event, situation)
        if why and why not in found.get(event.line, ()):
            found.setdefault(event.line, []).append(why)
    return {line: tuple(reasons) for line, reasons in found.items()}


class ChoiceKind(StrEnum):
    """What may become of an interrupted operation."""

    WAIT = "wait"
    ELSEWHERE = "elsewhere"
    SCRAP = "scrap"


@dataclass(frozen=True, slots=True)
class Choice:
    """One way on for an interrupted operation: the situation that it leads to, and what somebody has to do for it, in a sentence.

    `equipment`: of one that is made elsewhere, where. `unmade`: how much of the order is then not made at all; plans do not count that.
    """

    kind: ChoiceKind
    situation: Situation
    says: str
    equipment: str = ""
    unmade: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A choice with the plan that it leads to and what that comes to; `kpis` None: there is no plan."""

    choice: Choice
    built: Built
    plan: Plan
    kpis: Kpis | None


def interrupted(situation: Situation) -> tuple[OrderOperation, ...]:
    """Operations that have begun on a machine that is down, and are not ended."""
    down = {unit.equipment for unit in situation.machines if unit.down_since_ts is not None}
    begun = {OperationState.RUNNING, OperationState.SUSPENDED}
    return tuple(operation for operation in situation.operations if operation.equipment in down and operation.state in begun)


def choices(situation: Situation, operation_id: str) -> tuple[Choice, ...]:
    """What may become of an interrupted operation: it waits, its rest is made on another machine that is not down, or it ends with what it made.

    Raises ValueError for an operation that is not interrupted.
    """
    operation = next((o for o in interrupted(situation) if o.operation_id == operation_id), None)
    if operation is None:
        raise ValueError(f"operation {operation_id} has not begun on a machine that is down; name one of those that have")
    unit = next(unit for unit in situation.machines if unit.equipment == operation.equipment)
    until = unit.repaired_ts if unit.repaired_ts is not None and unit.repaired_ts > situation.now_ts else None
    when = "its repair" if until is None else f"its repair at {told(until, situation.now_ts, situation.zone)}"
    wait = Choice(ChoiceKind.WAIT, situation, f"{operation_id} waits at {operation.equipment} for {when}")
    return (wait, *_elsewhere(situation, operation), _scrapped(situation, operation))


def outcomes(found: Iterable[Choice], solve: Solve, rules: Rules | None = None) -> tuple[Outcome, ...]:
    """Each choice with its plan: those with a plan first, then those that make everything, by what the plan costs."""
    done = []
    for choice in found:
        made = built(choice.situation, rules)
        plan = solve(made.problem)
        done.append(Outcome(choice, made, plan, kpis(made, plan.schedule) if plan.schedule else None))
    return tuple(sorted(done, key=lambda one: (one.kpis is None, one.choice.unmade, one.plan.objective or 0)))


def _quantity(situation: Situation, operation: OrderOperation) -> float:
    order = next(order for order in situation.orders if order.order_id == operation.order_id)
    return order.quantity if operation.quantity is None else operation.quantity


def _elsewhere(situation: Situation, operation: OrderOperation) -> Iterable[Choice]:
    down = {unit.equipment for unit in situation.machines if unit.down_since_ts is not None}
    part = 1 + max(o.part for o in situation.operations if (o.order_id, o.number) == (operation.order_id, operation.number))
    left = max(_quantity(situation, operation) - operation.good, 0.0)
    for other in operation.alternatives:
        if other.equipment in down or other.equipment == operation.equipment or left <= 0:
            continue
        rest = _rest(operation, other, part, left)
        ended = replace(operation, state=OperationState.COMPLETED, quantity=operation.good, actual_end_ts=situation.now_ts, waits_until_ts=None)
        says = f"the rest of {operation.operation_id} ({left:g}) is moved to {other.equipment} as {rest.operation_id}"
        yield Choice(ChoiceKind.ELSEWHERE, _with(situation, {operation.operation_id: (ended, rest)}), says, other.equipment)


def _rest(operation: OrderOperation, other: Alternative, part: int, left: float) -> OrderOperation:
    """The operation that makes the rest, with the id that the record gives it."""
    return replace(
        operation,
        operation_id=f"{operation.order_id}.{operation.number}-{part}",
        part=part,
        quantity=left,
        equipment=other.equipment,
        state=OperationState.READY,
        planned_run_s=operation.planned_run_s if other.planned_run_s is None else other.planned_run_s,
        planned_setup_s=operation.planned_setup_s if other.planned_setup_s is None else other.planned_setup_s,
        alternatives=(),
        pegs=tuple(replace(peg, kind=PegKind.UNKNOWN) for peg in operation.pegs),  # what it takes is with it, so it waits for nobody
        good=0.0,
        scrap=0.0,
        planned_start_ts=None,
        planned_end_ts=None,
        actual_start_ts=None,
        waits_until_ts=None,
    )


def _scrapped(situation: Situation, operation: OrderOperation) -> Choice:
    """It ends with what it made, and the steps after it make no more than that; where it made nothing they are not done."""
    ended = replace(operation, state=OperationState.COMPLETED, quantity=operation.good, actual_end_ts=situation.now_ts, waits_until_ts=None)
    changed = {operation.operation_id: (ended,)}
    for later in situation.operations:
        is_after = later.order_id == operation.order_id and (later.number, later.part) > (operation.number, operation.part)
        if is_after and later.state not in {OperationState.COMPLETED, OperationState.CANCELLED}:
            quantity = min(_quantity(situation, later), operation.good)
            is_done = quantity <= 0 and later.actual_start_ts is None
            changed[later.operation_id] = (replace(later, quantity=quantity, state=OperationState.CANCELLED if is_done else later.state),)
    unmade = max(_quantity(situation, operation) - operation.good, 0.0)
    says = f"{operation.operation_id} ends with the {operation.good:g} that it made, what is in the machine is scrap, and {unmade:g} are not made"
    return Choice(ChoiceKind.SCRAP, _with(situation, changed), says, unmade=unmade)


def _with(situation: Situation, changed: Mapping[str, tuple[OrderOperation, ...]]) -> Situation:
    operations = [new for old in situation.operations for new in changed.get(old.operation_id, (old,))]
    return replace(situation, operations=tuple(operations))


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What an earlier plan would have been worth: orders that are late in the later plan alone, and the other way round, and both plans' KPIs."""

    saved: tuple[str, ...]
    lost: tuple[str, ...]
    earlier: Kpis
    later: Kpis
    says: str


def counterfactual(known: str, earlier: Situation, later: Situation, solve: Solve, rules: Rules | None = None) -> Counterfactual | None:
    """Had `known` ("the stop") been known at `earlier.now_ts`: the same search from both moments, compared by order; None where one has no plan.

    `earlier` is the plant as it was then, together with what was not known then: the machine that is down, the material that does not come.
    """
    sides = [(made, solve(made.problem)) for made in (built(earlier, rules), built(later, rules))]
    if not all(plan.schedule for _, plan in sides):
        return None
    late = [_late(made, plan.schedule) for made, plan in sides]
    saved, lost = tuple(sorted(late[1] - late[0])), tuple(sorted(late[0] - late[1]))
    when = told(earlier.now_ts, later.now_ts, later.zone)
    worth = f"{_counted(len(saved))} saved" if saved else f"{_counted(len(lost))} more late" if lost else "no order would have been saved by it"
    names = f": {', '.join(saved or lost)}" if saved or lost else ""
    says = f"had {known} been known at {when}, {worth}{names}"
    return Counterfactual(saved, lost, kpis(sides[0][0], sides[0][1].schedule), kpis(sides[1][0], sides[1][1].schedule), says)


def _late(made: Built, schedule: tuple[Placed, ...]) -> set[str]:
    return {order_id for order_id, (end, due) in order_ends(made, schedule).items() if due is not None and end > due}


def _counted(number: int) -> str:
    words = ("no order", "one order", "two orders", "three orders", "four orders", "five orders", "six orders")
    return words[number] if number < len(words) else f"{number} orders"
