"""Rules of plans that are broken, in the planner's words: operations and machines by name, times by the plant's clock."""

from collections import Counter
from collections.abc import Callable, Mapping

from factolake.domain.job import Placed
from factolake.planning.bounds import made_by
from factolake.planning.building import Built
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.validator import Fault, Rule

Schedule = Mapping[int, Placed]
Words = Callable[[Built, Fault, Schedule], str]
MOST_PEOPLE = 3
"""So many of those who hold a skill are told with what keeps them."""


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
    if plan.problem.operations[before].job != plan.problem.operations[number].job:
        what = f"{name(plan, number)} would begin at {plan.told(placed.start)} and takes {made_by(plan, before, number)}"
        return f"{what}, which {name(plan, before)} makes until {plan.told(schedule[before].end)}"
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


def _nobody(plan: Built, fault: Fault, schedule: Schedule) -> str:
    """Which skill nobody has free for the operation, and where those are who hold it."""
    problem, placed = plan.problem, schedule[fault.operations[0]]
    skills = problem.operations[placed.operation].modes[placed.mode].skills
    holders = {skill: [number for number, person in enumerate(problem.people) if skill in person.skills] for skill in skills}
    free = {skill: [one for one in holders[skill] if not _keeps(plan, one, placed, schedule)] for skill in skills}
    skill = min(skills, key=lambda each: (len(free[each]), each))
    there = [f"{problem.people[one].name} {_keeps(plan, one, placed, schedule)}" for one in holders[skill] if one not in free[skill]][:MOST_PEOPLE]
    because = f": {', '.join(there)}" if there else ""
    when = f"{plan.told(placed.start)} to {plan.told(placed.end)}"
    return f"{name(plan, placed.operation)} takes somebody with the skill {problem.skills[skill]} from {when}, and nobody is free{because}"


def _keeps(plan: Built, person: int, placed: Placed, schedule: Schedule) -> str:
    """What keeps a person from an operation; empty where nothing does."""
    machine = plan.problem.operations[placed.operation].modes[placed.mode].machine
    shift = OpenTime(plan.problem.people[person].windows)
    if any(
        shift.between(*piece) < piece[1] - piece[0] for piece in OpenTime(plan.problem.machines[machine].windows).pieces(placed.start, placed.end)
    ):
        return "is not there all that time"
    others = (each for each in schedule.values() if person in each.people and each.operation != placed.operation)
    other = next((each for each in others if each.start < placed.end and placed.start < each.end), None)
    return f"is at {name(plan, other.operation)} until {plan.told(other.end)}" if other is not None else ""


def _tool_taken(plan: Built, fault: Fault, schedule: Schedule) -> str:
    placed = schedule[fault.operations[-1]]
    classes = " and ".join(sorted(set(plan.operations[placed.operation].tool_classes)))
    before = (
        f", in use by {name(plan, fault.operations[0])} until {plan.told(schedule[fault.operations[0]].end)}" if len(fault.operations) > 1 else ""
    )
    return f"{name(plan, placed.operation)} takes a tool of class {classes} at {plan.told(placed.start)}, and none is free{before}"


def short_of(plan: Built, fault: Fault, schedule: Schedule) -> list[str]:
    """The materials that run short when the operation of the fault takes them."""
    problem, placed = plan.problem, schedule[fault.operations[0]]
    taken: Counter[int] = Counter()
    for each in schedule.values():
        if each.start <= placed.start:
            taken.update(dict(problem.operations[each.operation].needs))
    wanted = [number for number, _ in problem.operations[placed.operation].needs]
    there = {number: sum(quantity for when, quantity in problem.materials[number].arrivals if when <= placed.start) for number in wanted}
    return [problem.materials[number].name for number in wanted if taken[number] > there[number]]


def _short(plan: Built, fault: Fault, schedule: Schedule) -> str:
    placed, short = schedule[fault.operations[0]], " and ".join(short_of(plan, fault, schedule))
    return f"{name(plan, placed.operation)} takes more {short} at {plan.told(placed.start)} than is known to be there then"


_WORDS: Mapping[Rule, Words] = {
    Rule.CALENDAR: _closed,
    Rule.RELEASE: _released,
    Rule.MACHINE: _busy,
    Rule.LINK: _too_soon,
    Rule.SETUP: _not_set_up,
    Rule.FIXED: _fixed,
    Rule.PEOPLE: _nobody,
    Rule.TOOL_BUSY: _tool_taken,
    Rule.TOOL_AWAY: _tool_taken,
    Rule.MATERIAL: _short,
}
