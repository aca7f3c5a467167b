"""Rules of plans that are broken, in the planner's words: operations and machines by name, times by the plant's clock."""

from collections.abc import Callable, Mapping

from factolake.domain.job import Placed
from factolake.planning.building import Built
from factolake.planning.validator import Fault, Rule

Schedule = Mapping[int, Placed]
Words = Callable[[Built, Fault, Schedule], str]


def told(plan: Built, fault: Fault, schedule: Schedule) -> str:
    """The fault of `schedule` in one sentence."""
    words = _WORDS.get(fault.rule)
    return words(plan, fault, schedule) if words is not None else fault.says


def name(plan: Built, operation: int) -> str:
    """The operation's id."""
    return plan.operations[operation].operation_id


def minutes(seconds: int) -> str:
    """A length of time as people say it."""
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"


def _closed(plan: Built, fault: Fault, schedule: Schedule) -> str:
    placed = schedule[fault.operations[0]]
    if placed.start < 0:
        return _released(plan, fault, schedule)
    where = plan.machine_of(placed)
    windows = plan.problem.machines[plan.problem.operations[placed.operation].modes[placed.mode].machine].windows or ()
    if any(opens <= placed.start < closes for opens, closes in windows):
        return f"{name(plan, placed.operation)} would begin at {where} at {plan.told(placed.start)}, which has too little open time after that"
    opens = next((opens for opens, _ in windows if opens > placed.start), None)
    again = f"; it opens at {plan.told(opens)}" if opens is not None else ""
    return f"{name(plan, placed.operation)} would begin at {where} at {plan.told(placed.start)}, when it is closed{again}"


def _released(plan: Built, fault: Fault, schedule: Schedule) -> str:
    number = fault.operations[0]
    operation, start = plan.problem.operations[number], schedule[number].start
    earliest = max(operation.release, plan.problem.jobs[operation.job].release, 0)
    because = "which has passed" if start < 0 else f"and may not before {plan.told(earliest)}"
    return f"{name(plan, number)} would begin at {plan.told(start)}, {because}"


def _busy(plan: Built, fault: Fault, schedule: Schedule) -> str:
    first, second = fault.operations[0], fault.operations[-1]
    where, until = plan.machine_of(schedule[second]), plan.told(schedule[first].end)
    return f"{name(plan, second)} would begin at {where} at {plan.told(schedule[second].start)}, and {name(plan, first)} is there until {until}"


def _too_soon(plan: Built, fault: Fault, schedule: Schedule) -> str:
    before, number = fault.operations
    placed = schedule[number]
    link = next(link for link in plan.problem.operations[number].after if link.operation == before)
    ends = f"{name(plan, before)} before it ends at {plan.told(schedule[before].end)}"
    if link.lag < 0:
        ends = f"{ends}, so it may begin from {plan.told(schedule[before].end + link.lag)} on"
    return f"{name(plan, number)} would begin at {plan.told(placed.start)}, and {ends}"


def _not_set_up(plan: Built, fault: Fault, schedule: Schedule) -> str:
    number = fault.operations[-1]
    placed = schedule[number]
    machine = plan.problem.machines[plan.problem.operations[number].modes[placed.mode].machine]
    before = fault.operations[0] if len(fault.operations) > 1 else None
    family = machine.family if before is None else plan.problem.operations[before].family
    wanted = plan.problem.operations[number].family
    takes = plan.problem.setups[machine.setups][family][wanted] if machine.setups is not None and family is not None else 0
    after = f" after {name(plan, before)}" if before is not None else ""
    return f"{name(plan, number)} takes {minutes(takes)} of set-up at {machine.name}{after}, and begins too soon, at {plan.told(placed.start)}"


def _fixed(plan: Built, fault: Fault, _: Schedule) -> str:
    operation = plan.operations[fault.operations[0]]
    if operation.actual_start_ts is not None:
        return f"{operation.operation_id} runs at {operation.equipment}, and what runs never moves"
    soon = minutes(round(plan.situation.frozen_s))
    return f"{operation.operation_id} is to begin within {soon} and is no longer moved; whoever is there may start another instead"


_WORDS: Mapping[Rule, Words] = {
    Rule.CALENDAR: _closed,
    Rule.RELEASE: _released,
    Rule.MACHINE: _busy,
    Rule.LINK: _too_soon,
    Rule.SETUP: _not_set_up,
    Rule.FIXED: _fixed,
}
