"""What the rules look at: the faults they give, and a schedule sorted out by operation and machine."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from factolake.domain.job import Mode, Placed, Problem
from factolake.planning.judging.open_time import OpenTime


class Rule(StrEnum):
    """The rules of `factolake.domain.job`, one for each way to break them."""

    PLACED = "placed"
    MODE = "mode"
    DURATION = "duration"
    CALENDAR = "calendar"
    RELEASE = "release"
    DEADLINE = "deadline"
    HORIZON = "horizon"
    LINK = "link"
    MACHINE = "machine"
    BATCH = "batch"
    SETUP = "setup"
    PEOPLE = "people"
    SKILL = "skill"
    PERSON_AWAY = "person_away"
    PERSON_BUSY = "person_busy"
    TOOL_AWAY = "tool_away"
    TOOL_BUSY = "tool_busy"
    MATERIAL = "material"
    BUFFER = "buffer"
    FIXED = "fixed"


STAFFING = frozenset({Rule.PEOPLE, Rule.SKILL, Rule.PERSON_AWAY, Rule.PERSON_BUSY, Rule.TOOL_AWAY, Rule.TOOL_BUSY})
"""Rules about who does an operation and with which tools, where its machine and times are right."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that a schedule breaks, the operations it is broken by, and one sentence with the values seen."""

    rule: Rule
    operations: tuple[int, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a machine does at one go: one operation, or a batch of them (those that start and end together on a machine that takes batches)."""

    start: int
    end: int
    operations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A schedule sorted out: placements by operation (those that exist, the first of each), and the runs of each machine in their order."""

    problem: Problem
    placed: Mapping[int, Placed]
    runs: tuple[tuple[Run, ...], ...]
    open_times: tuple[OpenTime, ...]

    def mode(self, operation: int) -> Mode:
        """The mode that an operation is placed in."""
        return self.problem.operations[operation].modes[self.placed[operation].mode]

    def location(self, operation: int) -> int:
        """The place of the machine that an operation is placed on."""
        return self.problem.machines[self.mode(operation).machine].location


def scene_of(problem: Problem, schedule: tuple[Placed, ...]) -> Scene:
    """`schedule` sorted out. What names no operation or mode of the problem, or an operation again, is left out."""
    placed: dict[int, Placed] = {}
    for one in sorted(schedule, key=lambda one: (one.start, one.end, one.operation)):
        if 0 <= one.operation < len(problem.operations) and 0 <= one.mode < len(problem.operations[one.operation].modes):
            placed.setdefault(one.operation, one)
    on_machine: dict[int, list[Placed]] = defaultdict(list)
    for one in placed.values():
        on_machine[problem.operations[one.operation].modes[one.mode].machine].append(one)
    runs = tuple(_runs(on_machine[number], takes_batches=machine.batch > 1) for number, machine in enumerate(problem.machines))
    return Scene(problem, placed, runs, tuple(OpenTime(machine.windows) for machine in problem.machines))


def _runs(placed: list[Placed], *, takes_batches: bool) -> tuple[Run, ...]:
    if not takes_batches:
        return tuple(Run(one.start, one.end, (one.operation,)) for one in placed)
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in placed:
        together[one.start, one.end].append(one.operation)
    return tuple(Run(start, end, tuple(operations)) for (start, end), operations in together.items())


def named(what: str, number: int, name: str) -> str:
    """A thing in a sentence: its kind, its number and its name where it has one."""
    return f"{what} {number} ({name})" if name else f"{what} {number}"


def operation_named(problem: Problem, number: int) -> str:
    """An operation in a sentence, with its job."""
    operation = problem.operations[number]
    job = named("job", operation.job, problem.jobs[operation.job].name)
    return f"{named('operation', number, operation.name)} of {job}"
