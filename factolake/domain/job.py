"""A scheduling problem and a plan as values: what is to be made, on what, under which limits; what is then done where and when.

Times are whole numbers of one unit from 0, the moment the plan begins (who builds the problem says which unit; plants use seconds). A window (a, b)
holds the times a <= t < b. Machines, jobs, operations and all else are named by their place in the tuples of the problem, from 0.
Nothing here searches or judges: `models.planning` searches, `factolake.planning.validator` judges. The rules that both go by are the docstrings here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

Window = tuple[int, int]
Matrix = tuple[tuple[int, ...], ...]


class InvalidProblem(ValueError):
    """A problem that contradicts itself: which part, the value seen, what would be right."""


class PlanStatus(StrEnum):
    """How far a search came: proved best, a plan, proved that there is none, or neither in the time given."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to do an operation: on `machine` for `duration` of open machine time, with a person for each skill in `skills` and all of `tools`.

    People and tools are held from the operation's start to its end. A skill that is named twice needs two people.
    """

    machine: int
    duration: int
    skills: tuple[int, ...] = ()
    tools: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """`operation` must end before the one that has this link starts: end + lag + travel <= start, or = start where the work cannot wait (`no_wait`).

    Travel is `Problem.travel` from the place of the one machine to that of the other.
    """

    operation: int
    lag: int = 0
    no_wait: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A step of a job.

    `family`: what its machine has to be set up for. `release`: not before. `deadline`: must have ended. `is_splittable`: it pauses while its machine
    is closed, and `duration` counts open time alone (it starts in open time); another one fits into one window. `needs`: (material, quantity) that it
    takes at its start.
    """

    job: int
    modes: tuple[Mode, ...]
    after: tuple[Link, ...] = ()
    family: int = 0
    release: int = 0
    deadline: int | None = None
    is_splittable: bool = False
    needs: tuple[tuple[int, int], ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """An order: no operation starts before `release`; each unit of time it ends after `due` costs `weight`. Without `due` it is never late."""

    name: str = ""
    release: int = 0
    due: int | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """What works on one operation at a time, or on up to `batch` of one family that start and end together (as long as the longest of them takes).

    `windows`: when it is open (sorted, apart), None: always; maintenance, breaks and breakdowns are not in them. `location`: its place in
    `Problem.travel`. `setups`: the matrix of `Problem.setups` it goes by, None: no setup takes time. `family`: what it is set up for at 0, None: the
    first setup takes none. A setup from the family before to the next takes that much open machine time between the end of the one before (or 0)
    and the start; it may pause while the machine is closed, and needs neither the job nor people. `buffer`: how many jobs may wait in front of it,
    from their arrival (end + lag + travel of the last link to be met) to their start; None: any number. `name` is the equipment's id.
    """

    name: str = ""
    windows: tuple[Window, ...] | None = None
    location: int = 0
    setups: int | None = None
    family: int | None = None
    buffer: int | None = None
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Person:
    """Who holds `skills` and is there in `windows` (None: always), for one operation at a time; needed while the operation's machine is open."""

    name: str = ""
    skills: frozenset[int] = frozenset()
    windows: tuple[Window, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """What one operation at a time uses, within one of its `windows` (None: always); at `location` at 0, then it travels to its next machine."""

    name: str = ""
    location: int = 0
    windows: tuple[Window, ...] | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """What operations take: (time, quantity) of each arrival, the stock at 0 among them. By no time was more taken than had arrived."""

    name: str = ""
    arrivals: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """An operation in a plan: its mode by place, from start to end, and who does it (`people` in the order of the mode's skills)."""

    operation: int
    mode: int
    start: int
    end: int
    people: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """What a plan costs: makespan x latest end + tardiness x sum of weight x lateness + setup x setup time + moved x number of moved operations.

    Moved is one of `Problem.before` that is on another machine or behind another operation on its machine than there (fixed ones aside).
    """

    makespan: int = 1
    tardiness: int = 0
    setup: int = 0
    moved: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """All that a plan depends on. Raises InvalidProblem where parts contradict each other.

    `travel[a][b]`: time from place a to place b. `horizon`: nothing ends later, None: no limit. `fixed`: running and frozen work, which stands
    exactly so, to the same rules (running work starts at 0 with what remains of it). `before`: the plan there was, to count what moved.
    """

    jobs: tuple[Job, ...]
    operations: tuple[Operation, ...]
    machines: tuple[Machine, ...]
    people: tuple[Person, ...] = ()
    tools: tuple[Tool, ...] = ()
    materials: tuple[Material, ...] = ()
    skills: tuple[str, ...] = ()
    setups: tuple[Matrix, ...] = ()
    travel: Matrix = ((0,),)
    horizon: int | None = None
    fixed: tuple[Placed, ...] = ()
    before: tuple[Placed, ...] = ()
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        _check(self)

    def operations_of(self, job: int) -> tuple[int, ...]:
        """Operations of a job in their order, which is the order of `operations`."""
        return tuple(number for number, operation in enumerate(self.operations) if operation.job == job)


class ConflictKind(StrEnum):
    """Why no plan exists."""

    NO_MACHINE = "no_machine"
    NO_SKILL = "no_skill"
    NO_TOOL = "no_tool"
    NO_MATERIAL = "no_material"
    NO_TIME = "no_time"
    CYCLE = "cycle"
    FIXED = "fixed"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Operations that cannot all be planned, each of them part of the reason; `says`: one sentence with the smallest change that would allow it."""

    kind: ConflictKind
    operations: tuple[int, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Found:
    """A better plan during a search: seconds since it began, CPU seconds, objective, who found it."""

    seconds: float
    cpu_s: float
    objective: int
    by: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search gives. `objective` by the problem's weights; `bound`: no plan is below it, None: unknown; `schedule` in the order of operations.

    Infeasible and unknown ones have no schedule; infeasible ones have conflicts.
    """

    status: PlanStatus
    objective: int | None = None
    bound: int | None = None
    schedule: tuple[Placed, ...] = ()
    log: tuple[Found, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """(objective - bound) / objective; None without both, 0 for an objective of 0."""
        if self.objective is None or self.bound is None:
            return None
        return (self.objective - self.bound) / self.objective if self.objective else 0.0


def makespan(schedule: tuple[Placed, ...]) -> int:
    """Latest end, 0 for an empty plan."""
    return max((placed.end for placed in schedule), default=0)


def _check(problem: Problem) -> None:
    size = len(problem.operations)
    for number, machine in enumerate(problem.machines):
        _check_windows(f"machine {number}", machine.windows)
        _within(f"machine {number}: location", machine.location, len(problem.travel))
        if machine.setups is not None:
            _within(f"machine {number}: setups", machine.setups, len(problem.setups))
        if machine.batch < 1 or (machine.buffer is not None and machine.buffer < 0):
            raise InvalidProblem(f"machine {number}: batch is {machine.batch} and buffer {machine.buffer}; give 1 or more and 0 or more")
    for number, person in enumerate(problem.people):
        _check_windows(f"person {number}", person.windows)
    for number, tool in enumerate(problem.tools):
        _check_windows(f"tool {number}", tool.windows)
        _within(f"tool {number}: location", tool.location, len(problem.travel))
    for number in range(size):
        _check_operation(problem, number)
    for place, matrix in (*(("travel", one) for one in (problem.travel,)), *((f"setups {n}", one) for n, one in enumerate(problem.setups))):
        if any(len(row) != len(matrix) or min(row, default=0) < 0 for row in matrix):
            raise InvalidProblem(
                f"{place}: rows are of {sorted({len(row) for row in matrix})}; give a square of {len(matrix)} without values below 0"
            )
    for placed in (*problem.fixed, *problem.before):
        _within("placed operation", placed.operation, size)
        _within(f"operation {placed.operation}: placed mode", placed.mode, len(problem.operations[placed.operation].modes))


def _check_operation(problem: Problem, number: int) -> None:
    operation = problem.operations[number]
    _within(f"operation {number}: job", operation.job, len(problem.jobs))
    for mode in operation.modes:
        _within(f"operation {number}: machine", mode.machine, len(problem.machines))
        if mode.duration < 0:
            raise InvalidProblem(f"operation {number}: a duration is {mode.duration}; give 0 or more")
        for skill in mode.skills:
            _within(f"operation {number}: skill", skill, len(problem.skills))
        for tool in mode.tools:
            _within(f"operation {number}: tool", tool, len(problem.tools))
        matrix = problem.machines[mode.machine].setups
        if matrix is not None:
            _within(f"operation {number}: family", operation.family, len(problem.setups[matrix]))
    for link in operation.after:
        _within(f"operation {number}: link to operation", link.operation, len(problem.operations))
    for material, quantity in operation.needs:
        _within(f"operation {number}: material", material, len(problem.materials))
        if quantity < 0:
            raise InvalidProblem(f"operation {number}: it needs {quantity} of material {material}; give 0 or more")


def _check_windows(what: str, windows: tuple[Window, ...] | None) -> None:
    times = [time for window in windows or () for time in window]
    if any(later <= earlier for earlier, later in pairwise(times)) or (times and times[0] < 0):
        raise InvalidProblem(f"{what}: windows are {windows}; give them sorted, apart, from 0 on")


def _within(what: str, value: int, size: int) -> None:
    if not 0 <= value < size:
        raise InvalidProblem(f"{what} is {value} and there are {size}; give 0 to {size - 1}")
