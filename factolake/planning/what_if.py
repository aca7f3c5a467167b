"""Plans side by side: what each costs and whom it keeps waiting, from the problem and its schedule alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from factolake.domain.job import Placed, makespan
from factolake.planning.building import Built
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.validator import cost


@dataclass(frozen=True, slots=True)
class Kpis:
    """What a plan comes to. `late_orders` by id; `tardiness_min`: minutes of lateness times the weight of the order, over all orders.

    `utilisation`: by machine, the part (0..1) of its open time until the plan ends in which it works; setups are not in it. `moved_operations`: on
    another machine or behind another operation than in the schedule as it is.
    """

    makespan_s: int
    late_orders: tuple[str, ...]
    tardiness_min: float
    setup_min: float
    utilisation: Mapping[str, float]
    moved_operations: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a comparison: the value of each plan by its name, and which of them are best (all that are equal; none where none is better)."""

    name: str
    unit: str
    values: Mapping[str, float]
    best: tuple[str, ...]


def kpis(built: Built, schedule: tuple[Placed, ...]) -> Kpis:
    """What `schedule` comes to. Orders that are overdue already count from their due date, not from now."""
    ends = order_ends(built, schedule)
    late = {order_id: end - due for order_id, (end, due) in ends.items() if due is not None and end > due}
    weights = {job.name: job.weight for job in built.problem.jobs}
    spent = cost(built.problem, schedule)
    return Kpis(
        makespan(schedule),
        tuple(sorted(late)),
        sum(weights[order_id] * seconds for order_id, seconds in late.items()) / 60,
        spent.setup / 60,
        _utilisation(built, schedule),
        spent.moved,
    )


def order_ends(built: Built, schedule: tuple[Placed, ...]) -> dict[str, tuple[int, int | None]]:
    """(end, due) of each order in the schedule, in seconds."""
    ends: dict[int, int] = {}
    for placed in schedule:
        place = built.problem.operations[placed.operation].job
        ends[place] = max(ends.get(place, placed.end), placed.end)
    return {built.orders[place].order_id: (end, built.due[place]) for place, end in ends.items()}


def side_by_side(plans: Mapping[str, Kpis]) -> tuple[Measure, ...]:
    """A line a measure, less is better; utilisation as that of the busiest machine, where neither is."""
    lines = (
        ("makespan", "h", {name: plan.makespan_s / 3600 for name, plan in plans.items()}),
        ("late orders", "", {name: float(len(plan.late_orders)) for name, plan in plans.items()}),
        ("tardiness by weight", "min", {name: plan.tardiness_min for name, plan in plans.items()}),
        ("setup", "min", {name: plan.setup_min for name, plan in plans.items()}),
        ("moved operations", "", {name: float(plan.moved_operations) for name, plan in plans.items()}),
    )
    busiest = {name: 100 * max(plan.utilisation.values(), default=0.0) for name, plan in plans.items()}
    return (*(Measure(name, unit, values, _best(values)) for name, unit, values in lines), Measure("busiest machine", "%", busiest, ()))


def _best(values: Mapping[str, float]) -> tuple[str, ...]:
    least = min(values.values(), default=0.0)
    best = tuple(name for name, value in values.items() if value == least)
    return best if len(best) < len(values) else ()


def _utilisation(built: Built, schedule: tuple[Placed, ...]) -> dict[str, float]:
    end = makespan(schedule)
    runs: dict[int, set[tuple[int, int]]] = {}
    for placed in schedule:
        runs.setdefault(built.problem.operations[placed.operation].modes[placed.mode].machine, set()).add((placed.start, placed.end))
    found = {}
    for place, machine in enumerate(built.problem.machines):
        open_time = OpenTime(machine.windows)
        there = open_time.between(0, end)
        works = sum(open_time.between(*run) for run in runs.get(place, ()))
        found[machine.name] = works / there if there else 0.0
    return found
