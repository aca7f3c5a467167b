"""The schedule as it is with whoever is there now: where it can stand so, a search begins with it, and nothing has to move for somebody's absence."""

from collections import defaultdict

from factolake.domain.job import Placed
from factolake.planning.building import Built, current
from factolake.planning.reacting import EventKind
from factolake.planning.validator import STAFFING, faults
from pipelines.planning.causes import Cause
from pipelines.planning.record import Record
from pipelines.planning.shifts import taken_back

ASSIGN_S = 3.0
"""Time for people and tools to be found; 1,400 operations with 18 people take a second."""
MOST_NAMED = 5
"""Operations of a person told by name; the rest is counted."""


def standing(made: Built) -> tuple[Placed, ...]:
    """The schedule to the second, with people and tools who can do it, the work that stands with its own.

    Empty where an operation has no place in it or should have begun, a rule is broken that no other people mend, or nobody can stand in.
    """
    problem = made.problem
    at = {placed.operation: placed for placed in (*current(made), *problem.fixed)}
    schedule = tuple(at[number] for number in sorted(at))
    if len(schedule) < len(problem.operations) or any(fault.rule not in STAFFING for fault in faults(problem, schedule)):
        return ()
    if not any(mode.skills or mode.tools for operation in problem.operations for mode in operation.modes):
        return schedule
    from models.planning.exact.assigning import assigned

    found = assigned(problem, schedule, seconds=ASSIGN_S)
    return () if found is None else found.schedule


def stand_ins(record: Record, made: Built, schedule: tuple[Placed, ...], cause: Cause) -> str:
    """Who does what the absent person of `cause` was there for, in a sentence; empty for another cause, or where nobody does any of it."""
    if cause.trigger != EventKind.PERSON_ABSENT.value:
        return ""
    for about, shift in taken_back(record):
        if cause.about == f"{cause.trigger} {about}":
            span = (made.seconds.before(shift.leaves_ts), made.seconds.at(shift.to_ts))
            return _told(shift.person_id, _work(made, schedule, shift.person_id, span))
    return ""


def _work(made: Built, schedule: tuple[Placed, ...], absent: str, span: tuple[int, int]) -> dict[str, list[str]]:
    """By person, the operations in that time that ask for a skill of the absent one and are not fixed."""
    problem = made.problem
    held = next((person.skills for person in problem.people if person.name == absent), frozenset())
    stands = {placed.operation for placed in problem.fixed}
    found: dict[str, list[str]] = defaultdict(list)
    for placed in sorted(schedule, key=lambda one: (one.start, one.operation)):
        if placed.operation in stands or placed.end <= span[0] or placed.start >= span[1]:
            continue
        skills = problem.operations[placed.operation].modes[placed.mode].skills
        for person, skill in zip(placed.people, skills, strict=True):
            if skill in held and problem.people[person].name != absent:
                found[problem.people[person].name].append(made.operations[placed.operation].operation_id)
    return found


def _told(absent: str, work: dict[str, list[str]]) -> str:
    said = [f"{name} does {_listed(operations)}" for name, operations in work.items()]
    return f"Without {absent}, {'; '.join(said)}." if said else ""


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= MOST_NAMED else [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more operations"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
