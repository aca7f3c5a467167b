"""What two plans of a line come to, side by side, with the open work of today."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from factolake.domain.job import Placed
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.situation import situation
from factolake.mes.scheduling.versions import Stand
from factolake.planning.building import Built, built
from factolake.planning.what_if import kpis, side_by_side

MOVED = "moved operations"
"""Counted against the plan of today; of two plans it is told how many operations differ."""

Row = tuple[str, tuple[tuple[str, bool], ...]]


def compared(
    line: Equipment, equipment: Mapping[str, Equipment], operations: Mapping[str, Operation], plans: Sequence[Mapping[str, Stand]], now: datetime
) -> list[Row]:
    """Each measure by name and unit, with the value of each plan in text and whether it is the better one."""
    wishes: dict[str, set[str]] = defaultdict(set)
    for plan in plans:
        for key, stand in plan.items():
            wishes[key].add(stand.equipment_id)
    problem = built(situation(line, equipment, operations, now, wishes))
    measures = side_by_side({str(number): kpis(problem, schedule_of(problem, plan)) for number, plan in enumerate(plans)})
    return [
        (
            f"{each.name.capitalize()}{f' ({each.unit})' if each.unit else ''}",
            tuple((f"{value:.1f}".removesuffix(".0"), key in each.best) for key, value in each.values.items()),
        )
        for each in measures
        if each.name != MOVED
    ]


def schedule_of(plan: Built, stands: Mapping[str, Stand]) -> tuple[Placed, ...]:
    """Where the problem's operations stand in a plan; those without a place are left out, what runs stands where it is."""
    machines = {machine.name: place for place, machine in enumerate(plan.problem.machines)}
    found = {placed.operation: placed for placed in plan.problem.fixed}
    for key, number in plan.numbers.items():
        stand = stands.get(key)
        if stand is None or number in found:
            continue
        modes = plan.problem.operations[number].modes
        mode = next((place for place, each in enumerate(modes) if each.machine == machines.get(stand.equipment_id)), None)
        if mode is not None:
            start = max(plan.seconds.at(stand.start_ts), 0)
            found[number] = Placed(number, mode, start, max(plan.seconds.at(stand.end_ts), start))
    return tuple(found.values())
