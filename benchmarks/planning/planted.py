"""Problems of any size with all constraints, and a plan that keeps them: the plan comes first, limits are put around it.

Machines, calendars, people, tools, families and ways are drawn, a plan is made by chance (`placing.random_plan`), and then releases, deadlines, lags,
no-wait, materials, buffers, windows of tools, fixed work and the horizon are drawn so that this plan keeps every one of them.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from random import Random

from placing import random_plan, ruled_plan

from factolake.domain.job import Job, Link, Machine, Material, Matrix, Mode, Operation, Person, Placed, Problem, Tool, Weights, Window
from factolake.planning.judging.open_time import OpenTime

DAY = 480
PLACES = 3


@dataclass(frozen=True, slots=True)
class Planted:
    """A problem and a plan that keeps all of its rules."""

    problem: Problem
    schedule: tuple[Placed, ...]


def planted(seed: int, jobs: int, machines: int, steps: int, weights: Weights | None = None, *, is_dense: bool = False) -> Planted:
    """A problem of `jobs` jobs of 1 to `steps` operations each on `machines` machines, with a plan; the same arguments give the same one.

    With two or three small arguments some kinds of limits may be missing; from about 20 operations on all of them are there in most problems.
    `is_dense`: the plan lets what can start first go first, jobs by chance among those that can at once, so that limits around it leave little room.
    """
    rng = Random(f"planted {seed} {jobs} {machines} {steps}")
    bare = _bare(rng, jobs, machines, steps)
    ranks = [rng.random() for _ in bare.jobs] if is_dense else []
    schedule = ruled_plan(bare, rng, lambda number: ranks[bare.operations[number].job]) if is_dense else random_plan(bare, rng)
    problem = _with_buffers(rng, _with_links(rng, _with_limits(rng, bare, schedule), schedule), schedule)
    problem = _with_machines(rng, _with_tools(rng, _with_materials(rng, problem, schedule), schedule), schedule)
    return Planted(_with_whole(rng, problem, schedule, weights or Weights()), schedule)


def _bare(rng: Random, jobs: int, machines: int, steps: int) -> Problem:
    """What is drawn before the plan: who can do what, when, and what comes after what."""
    # Work that nothing does at once with other work: so many days are enough.
    days = 12 + jobs * steps // 3
    families, skills = rng.randint(2, 4), rng.randint(1, max(1, min(4, machines)))
    tools = rng.randint(1, max(1, machines // 2))
    shop = tuple(_machine(rng, number, machines, days) for number in range(machines))
    people = _people(rng, skills, max(2, round(machines * 0.9)), days)
    operations: list[Operation] = []
    last_of: list[int] = []
    for job in range(jobs):
        family, first = rng.randrange(families), len(operations)
        for step in range(rng.randint(max(1, steps - 2), steps)):
            modes = _modes(rng, shop, skills, tools)
            after = _links(rng, operations, first, step, last_of)
            operations.append(
                Operation(job, modes, after, family if rng.random() < 0.7 else rng.randrange(families), is_splittable=rng.random() < 0.5)
            )
        last_of.append(len(operations) - 1)
    return Problem(
        jobs=tuple(Job(f"J{job}") for job in range(jobs)),
        operations=tuple(operations),
        machines=shop,
        people=people,
        tools=tuple(Tool(f"T{number}", rng.randrange(PLACES)) for number in range(tools)),
        skills=tuple(f"S{number}" for number in range(skills)),
        setups=tuple(_matrix(rng, families, 0, 25) for _ in range(2)),
        travel=_matrix(rng, PLACES, 2, 15),
    )


def _matrix(rng: Random, size: int, low: int, high: int) -> Matrix:
    return tuple(tuple(0 if row == column else rng.randint(low, high) for column in range(size)) for row in range(size))


def _machine(rng: Random, number: int, machines: int, days: int) -> Machine:
    takes_batches = machines >= 3 and number == machines - 1
    return Machine(
        name=f"M{number}",
        windows=_days(rng, days, 20, 460, is_maintained=True) if rng.random() < 0.8 else None,
        location=rng.randrange(PLACES),
        setups=rng.randrange(2) if rng.random() < 0.6 else None,
        batch=rng.randint(2, 4) if takes_batches else 1,
    )


def _days(rng: Random, days: int, opens: int, closes: int, *, is_maintained: bool) -> tuple[Window, ...]:
    """A window a day with a break in it, and now and then maintenance until noon or a day that is missing."""
    noon = (opens + closes) // 2
    has_break, windows = rng.random() < 0.5, []
    for day in range(days):
        chance = rng.random()
        if day and chance < 0.05:
            continue
        is_late = is_maintained and day > 0 and chance < 0.15
        at = day * DAY
        if not is_late:
            windows.append((at + (0 if not day else opens), at + noon))
        windows.append((at + noon + 15, at + closes))
        if not has_break and not is_late:
            windows[-2:] = [(windows[-2][0], at + closes)]
    return tuple(windows)


def _people(rng: Random, skills: int, count: int, days: int) -> tuple[Person, ...]:
    people = []
    for number in range(count):
        held = frozenset({number % skills, *rng.sample(range(skills), rng.randint(0, skills))})
        shift = rng.choice((None, (0, 470), (0, 300), (180, 480)))
        # Two people who are always there hold every skill that work can ask for twice, so that any work finds its people some day.
        windows = None if number < 2 or shift is None else _days(rng, days, *shift, is_maintained=False)
        people.append(Person(f"P{number}", frozenset(range(skills)) if number < 2 else held, windows))
    return tuple(people)


def _modes(rng: Random, shop: tuple[Machine, ...], skills: int, tools: int) -> tuple[Mode, ...]:
    duration = rng.randint(5, 60)
    modes = []
    for machine in rng.sample(range(len(shop)), min(len(shop), rng.choice((1, 1, 2, 3)))):
        is_batch = shop[machine].batch > 1
        takes = max(3, round(duration * rng.uniform(0.7, 1.4)))
        wanted = () if is_batch or rng.random() < 0.4 else (rng.randrange(skills),)
        used = (rng.randrange(tools),) if not is_batch and rng.random() < 0.25 else ()
        modes.append(Mode(machine, takes, wanted, used))
        if wanted and rng.random() < 0.2:
            modes.append(Mode(machine, max(2, takes * 2 // 3), (*wanted, rng.randrange(skills)), used))
    return tuple(modes)


def _links(rng: Random, operations: list[Operation], first: int, step: int, last_of: list[int]) -> tuple[Link, ...]:
    """A chain; now and then two branches that meet again, or a job that needs what another one makes."""
    here = first + step
    if step == 0:
        return (Link(rng.choice(last_of)),) if last_of and rng.random() < 0.15 else ()
    if step >= 2 and operations[here - 1].after == operations[here - 2].after:
        return (Link(here - 2), Link(here - 1))
    if step >= 1 and rng.random() < 0.2:
        return operations[here - 1].after
    return (Link(here - 1),)


def _ends(problem: Problem, schedule: tuple[Placed, ...], operation: int, number: int) -> int:
    """When `operation` ends for `number`, the way between their machines included."""
    places = [problem.machines[problem.operations[one].modes[schedule[one].mode].machine].location for one in (operation, number)]
    return schedule[operation].end + problem.travel[places[0]][places[1]]


def _with_limits(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> Problem:
    """Releases and deadlines of operations, releases, due dates and weights of jobs."""
    operations = []
    for number, operation in enumerate(problem.operations):
        placed = schedule[number]
        release = rng.randint(placed.start // 2, placed.start) if rng.random() < 0.15 else 0
        deadline = placed.end + rng.randint(0, 2 * DAY) if rng.random() < 0.12 else None
        operations.append(replace(operation, release=release, deadline=deadline))
    jobs = []
    for number, job in enumerate(problem.jobs):
        own = [placed for placed in schedule if problem.operations[placed.operation].job == number]
        start, end = min(placed.start for placed in own), max(placed.end for placed in own)
        due = None if rng.random() < 0.2 else max(1, end + rng.randint(-DAY, DAY // 2))
        jobs.append(replace(job, release=rng.randint(0, start) if rng.random() < 0.3 else 0, due=due, weight=rng.randint(1, 9)))
    return replace(problem, operations=tuple(operations), jobs=tuple(jobs))


def _with_links(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> Problem:
    """Lags within what the plan waits, and no waiting at all where the plan waits a little."""
    operations = []
    for number, operation in enumerate(problem.operations):
        after = []
        for link in operation.after:
            room = schedule[number].start - _ends(problem, schedule, link.operation, number)
            if room <= 30 and rng.random() < 0.4:
                after.append(replace(link, lag=room, no_wait=True))
            else:
                after.append(replace(link, lag=rng.randint(0, min(room, 40)) if rng.random() < 0.3 else 0))
        operations.append(replace(operation, after=tuple(after)))
    return replace(problem, operations=tuple(operations))


def _with_buffers(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> Problem:
    """Room in front of some machines for as many jobs as ever wait there, or one or two more."""
    waits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, operation in enumerate(problem.operations):
        if operation.after:
            arrival = max(_ends(problem, schedule, link.operation, number) + link.lag for link in operation.after)
            waits[operation.modes[schedule[number].mode].machine].append((arrival, schedule[number].start, operation.job))
    machines = []
    for number, machine in enumerate(problem.machines):
        most = max((len({job for since, until, job in waits[number] if since <= at < until}) for at, _, _ in waits[number]), default=0)
        machines.append(replace(machine, buffer=most + rng.randint(0, 2) if rng.random() < 0.5 else None))
    return replace(problem, machines=tuple(machines))


def _with_materials(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> Problem:
    """What operations take, and arrivals in lots, each in time for the first that takes of it."""
    kinds = rng.randint(1, 3)
    needs: dict[int, tuple[tuple[int, int], ...]] = {}
    for number in range(len(problem.operations)):
        if rng.random() < 0.3:
            needs[number] = tuple((kind, rng.randint(1, 9)) for kind in rng.sample(range(kinds), rng.randint(1, kinds)))
    materials = []
    for kind in range(kinds):
        takes = sorted((schedule[number].start, quantity) for number, taken in needs.items() for one, quantity in taken if one == kind)
        arrivals = []
        while takes:
            size = rng.randint(1, 5)
            first, quantity = takes[0][0], sum(quantity for _, quantity in takes[:size])
            arrivals.append((rng.choice((0, first // 2, max(0, first - rng.randint(0, 60)), first)), quantity))
            takes = takes[size:]
        materials.append(Material(f"R{kind}", tuple(sorted(arrivals))))
    operations = tuple(replace(operation, needs=needs.get(number, ())) for number, operation in enumerate(problem.operations))
    return replace(problem, operations=operations, materials=tuple(materials))


def _with_tools(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> Problem:
    """Windows around the uses of some tools; after the last one the tool stays."""
    end = max(placed.end for placed in schedule)
    uses: dict[int, list[Window]] = defaultdict(list)
    for placed in schedule:
        for tool in problem.operations[placed.operation].modes[placed.mode].tools:
            uses[tool].append((max(0, placed.start - rng.randint(0, DAY)), placed.end + rng.randint(0, DAY)))
    tools = []
    for number, tool in enumerate(problem.tools):
        windows: list[Window] = []
        for start, end in sorted(uses[number]):
            if windows and start <= windows[-1][1]:
                windows[-1] = (windows[-1][0], max(end, windows[-1][1]))
            else:
                windows.append((start, end))
        windows[-1:] = [(start, max(closes, 4 * end)) for start, closes in windows[-1:]]
        tools.append(replace(tool, windows=tuple(windows) if windows and rng.random() < 0.5 else None))
    return replace(problem, tools=tuple(tools))


def _with_machines(rng: Random, problem: Problem, schedule: tuple[Placed, ...]) -> Problem:
    """What some machines are set up for at the beginning."""
    machines = []
    for number, machine in enumerate(problem.machines):
        here = [placed for placed in schedule if problem.operations[placed.operation].modes[placed.mode].machine == number]
        family = None
        if here and machine.setups is not None and rng.random() < 0.7:
            first = min(here, key=lambda placed: placed.start)
            matrix, wanted = problem.setups[machine.setups], problem.operations[first.operation].family
            room = OpenTime(machine.windows).between(0, first.start)
            family = rng.choice([one for one in range(len(matrix)) if matrix[one][wanted] <= room])
        machines.append(replace(machine, family=family))
    return replace(problem, machines=tuple(machines))


def _with_whole(rng: Random, problem: Problem, schedule: tuple[Placed, ...], weights: Weights) -> Problem:
    """Running and frozen work, the plan before, the horizon, and windows only as far as anything can be."""
    end = max(placed.end for placed in schedule)
    frozen = rng.choice((0, 0, 60, 120))
    fixed = tuple(placed for placed in schedule if placed.start < frozen or (placed.start == 0 and rng.random() < 0.7))
    before = schedule if rng.random() < 0.4 else ()
    horizon = end + rng.randint(0, end) if rng.random() < 0.6 else None
    known = (horizon or 2 * end) + 2 * DAY

    def cut(windows: tuple[Window, ...] | None) -> tuple[Window, ...] | None:
        return windows if windows is None else tuple(window for window in windows if window[0] < known)

    return replace(
        problem,
        machines=tuple(replace(machine, windows=cut(machine.windows)) for machine in problem.machines),
        people=tuple(replace(person, windows=cut(person.windows)) for person in problem.people),
        fixed=fixed,
        before=before,
        horizon=horizon,
        weights=weights,
    )
