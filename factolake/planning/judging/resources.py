"""Rules of what is used by one at a time: machines with setups and batches, people with skills and shifts, tools with windows and ways."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from factolake.domain.job import Placed
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.judging.scene import Fault, Rule, Run, Scene, named, operation_named


def machine_faults(scene: Scene) -> Iterator[Fault]:
    """One run at a time on each machine, batches of one family and no more than the machine takes, and open time for the setup between."""
    for number, runs in enumerate(scene.runs):
        yield from _batch_faults(scene, number, runs)
        yield from _overlaps(scene, number, runs)
        yield from _setup_faults(scene, number, runs)


def _batch_faults(scene: Scene, number: int, runs: tuple[Run, ...]) -> Iterator[Fault]:
    problem, machine = scene.problem, scene.problem.machines[number]
    where = named("machine", number, machine.name)
    for run in runs:
        families = sorted({problem.operations[operation].family for operation in run.operations})
        if len(families) > 1:
            says = f"a batch of families {', '.join(map(str, families))} starts on {where} at {run.start}; a batch is of one family"
            yield Fault(Rule.BATCH, run.operations, says)
        if len(run.operations) > machine.batch:
            says = f"{len(run.operations)} operations start together on {where} at {run.start}; it takes {machine.batch}"
            yield Fault(Rule.BATCH, run.operations, says)


def _overlaps(scene: Scene, number: int, runs: tuple[Run, ...]) -> Iterator[Fault]:
    machine = scene.problem.machines[number]
    where = named("machine", number, machine.name)
    busy: Run | None = None
    for run in runs:
        if busy is not None and run.start < busy.end:
            first, second = (operation_named(scene.problem, one.operations[0]) for one in (busy, run))
            says = f"{second} starts on {where} at {run.start}, before {first} ends there at {busy.end}"
            yield Fault(Rule.BATCH if machine.batch > 1 else Rule.MACHINE, (*busy.operations, *run.operations), says)
        if busy is None or run.end > busy.end:
            busy = run


def setup_times(scene: Scene, number: int) -> Iterator[tuple[Run | None, Run, int]]:
    """(the run before, the run, the setup between) of a machine; the first has none before it."""
    problem, machine = scene.problem, scene.problem.machines[number]
    if machine.setups is None:
        return
    matrix, family = problem.setups[machine.setups], machine.family
    before: Run | None = None
    for run in scene.runs[number]:
        wanted = problem.operations[run.operations[0]].family
        yield before, run, 0 if family is None else matrix[family][wanted]
        before, family = run, wanted


def _setup_faults(scene: Scene, number: int, runs: tuple[Run, ...]) -> Iterator[Fault]:
    machine, open_time = scene.problem.machines[number], scene.open_times[number]
    for before, run, setup in setup_times(scene, number):
        since = 0 if before is None else before.end
        between = open_time.between(since, run.start)
        if since <= run.start and between < setup:
            says = (
                f"{operation_named(scene.problem, run.operations[0])} starts on {named('machine', number, machine.name)} at {run.start}, "
                f"{between} of open time after {since}; the setup takes {setup}"
            )
            yield Fault(Rule.SETUP, (*(before.operations if before else ()), *run.operations), says)


def people_faults(scene: Scene) -> Iterator[Fault]:
    """As many people as the mode has skills, each with the skill, there while the machine is open, and with one operation at a time."""
    problem = scene.problem
    work: dict[int, list[Placed]] = defaultdict(list)
    shifts = [OpenTime(person.windows) for person in problem.people]
    for number, placed in scene.placed.items():
        skills = scene.mode(number).skills
        who = operation_named(problem, number)
        strangers = [person for person in placed.people if not 0 <= person < len(problem.people)]
        if strangers:
            says = f"{who} is done by person {strangers[0]} and there are {len(problem.people)}, from 0"
            yield Fault(Rule.PEOPLE, (number,), says)
        elif len(placed.people) != len(skills) or len(set(placed.people)) != len(skills):
            says = f"{who} is done by {len(set(placed.people))} people ({_listed(placed.people)}) and needs {len(skills)}"
            yield Fault(Rule.PEOPLE, (number,), says)
        else:
            for person, skill in zip(placed.people, skills, strict=True):
                work[person].append(placed)
                yield from _person_faults(scene, placed, person, skill, shifts[person])
    for person in sorted(work):
        yield from _double_work(scene, person, work[person])


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "nobody"


def _person_faults(scene: Scene, placed: Placed, person: int, skill: int, shift: OpenTime) -> Iterator[Fault]:
    problem = scene.problem
    who = named("person", person, problem.people[person].name)
    what = operation_named(problem, placed.operation)
    if skill not in problem.people[person].skills:
        yield Fault(Rule.SKILL, (placed.operation,), f"{who} does {what} without {named('skill', skill, problem.skills[skill])}")
    machine_open = scene.open_times[scene.mode(placed.operation).machine]
    for start, end in machine_open.pieces(placed.start, placed.end):
        if shift.between(start, end) < end - start:
            yield Fault(Rule.PERSON_AWAY, (placed.operation,), f"{who} does {what} from {start} to {end} and is not there all that time")
            return


def _double_work(scene: Scene, person: int, work: list[Placed]) -> Iterator[Fault]:
    problem = scene.problem
    busy = work[0]
    for placed in work[1:]:
        if placed.start < busy.end:
            first, second = (operation_named(problem, one.operation) for one in (busy, placed))
            says = f"{named('person', person, problem.people[person].name)} begins {second} at {placed.start}, before {first} ends at {busy.end}"
            yield Fault(Rule.PERSON_BUSY, (busy.operation, placed.operation), says)
        if placed.end > busy.end:
            busy = placed


def tool_faults(scene: Scene) -> Iterator[Fault]:
    """A tool is used within one of its windows, by one operation at a time, and travels from machine to machine between."""
    problem = scene.problem
    uses: dict[int, list[Placed]] = defaultdict(list)
    for number, placed in scene.placed.items():
        for used in set(scene.mode(number).tools):
            uses[used].append(placed)
    for number in sorted(uses):
        tool, there = problem.tools[number], OpenTime(problem.tools[number].windows)
        what = named("tool", number, tool.name)
        for placed in uses[number]:
            window = there.window_at(placed.start)
            if window is None or placed.end > window[1]:
                says = f"{operation_named(problem, placed.operation)} uses {what} from {placed.start} to {placed.end}, outside its windows"
                yield Fault(Rule.TOOL_AWAY, (placed.operation,), says)
        yield from _tool_ways(scene, number, uses[number])


def _tool_ways(scene: Scene, number: int, uses: list[Placed]) -> Iterator[Fault]:
    problem, tool = scene.problem, scene.problem.tools[number]
    what = named("tool", number, tool.name)
    way = problem.travel[tool.location][scene.location(uses[0].operation)]
    if uses[0].start < way:
        says = f"{operation_named(problem, uses[0].operation)} uses {what} from {uses[0].start}, and it arrives at {way}"
        yield Fault(Rule.TOOL_BUSY, (uses[0].operation,), says)
    for before, placed in pairwise(uses):
        arrival = before.end + problem.travel[scene.location(before.operation)][scene.location(placed.operation)]
        if placed.start < arrival:
            says = (
                f"{operation_named(problem, placed.operation)} uses {what} from {placed.start}; from {operation_named(problem, before.operation)} "
                f"it comes at {arrival}"
            )
            yield Fault(Rule.TOOL_BUSY, (before.operation, placed.operation), says)
