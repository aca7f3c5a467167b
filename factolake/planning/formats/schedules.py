"""Schedules in files: steps as `factolake plan solve --json` prints them, or placements in our own JSON."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from factolake.domain.job import Placed, Problem
from factolake.planning.formats.files import document_of, text_of
from factolake.planning.formats.own import from_plain
from factolake.planning.formats.refusal import FileRefused
from factolake.planning.judging.scene import Fault, Rule


@dataclass(frozen=True, slots=True)
class ToldSchedule:
    """What a file tells of a schedule: placements, and the faults of entries that name a job, operation or machine that there is not."""

    schedule: tuple[Placed, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """An operation in a schedule by job, place in its job and machine, all from 0.

    `mode` is said where the operation has several on the machine, `people` where it needs some.
    """

    job: int
    operation: int
    machine: int
    start: int
    end: int
    mode: int | None = None
    people: tuple[int, ...] = ()


def steps(problem: Problem, schedule: tuple[Placed, ...]) -> tuple[Step, ...]:
    """`schedule` as steps, in its order."""
    places = {number: place for numbers in _by_job(problem).values() for place, number in enumerate(numbers)}
    found = []
    for placed in schedule:
        operation = problem.operations[placed.operation]
        machine = operation.modes[placed.mode].machine
        is_one_of_several = sum(mode.machine == machine for mode in operation.modes) > 1
        mode = placed.mode if is_one_of_several else None
        found.append(Step(operation.job, places[placed.operation], machine, placed.start, placed.end, mode, placed.people))
    return tuple(found)


def read_schedule(path: str | Path, problem: Problem) -> ToldSchedule:
    """The schedule in a file (or `archive.zip:member`). Raises FileRefused."""
    try:
        return schedule_of(document_of(text_of(path)), problem)
    except FileRefused as error:
        raise FileRefused(f"{Path(path).name}: {error}") from error


def schedule_of(document: Mapping[str, object], problem: Problem) -> ToldSchedule:
    """The schedule under the key `schedule`: steps, or placements where the entries name no job. Raises FileRefused."""
    entries = document.get("schedule")
    if not isinstance(entries, list):
        raise FileRefused(f"schedule is {str(entries)[:40]}; give a list")
    if not any(isinstance(entry, dict) and "job" in entry for entry in entries):
        return ToldSchedule(from_plain(tuple[Placed, ...], entries, "schedule"))
    told: tuple[Step, ...] = from_plain(tuple[Step, ...], [_known(entry) for entry in entries], "schedule")
    by_job = _by_job(problem)
    placed, faults = [], []
    for place, step in enumerate(told):
        found = _placed(problem, by_job, step, f"schedule[{place}]")
        if isinstance(found, Placed):
            placed.append(found)
        else:
            faults.append(found)
    return ToldSchedule(tuple(placed), tuple(faults))


def _known(entry: object) -> object:
    """A step without what other programs say beside it; whole numbers as such, also where they were written as 5.0."""
    if not isinstance(entry, dict):
        return entry
    known = {name: held for name, held in entry.items() if name in Step.__dataclass_fields__}
    return {name: int(held) if isinstance(held, float) and held.is_integer() else held for name, held in known.items()}


def _placed(problem: Problem, by_job: Mapping[int, list[int]], step: Step, where: str) -> Placed | Fault:
    if not 0 <= step.job < len(problem.jobs):
        return Fault(Rule.PLACED, (), f"{where}: job {step.job} is placed and the problem has {len(problem.jobs)}, from 0")
    numbers = by_job[step.job]
    if not 0 <= step.operation < len(numbers):
        return Fault(Rule.PLACED, (), f"{where}: operation {step.operation} of job {step.job} is placed and the job has {len(numbers)}, from 0")
    number = numbers[step.operation]
    modes = problem.operations[number].modes
    there = [mode for mode in range(len(modes)) if modes[mode].machine == step.machine and step.mode in (None, mode)]
    if not there:
        allowed = ", ".join(str(machine) for machine in sorted({mode.machine for mode in modes}))
        says = f"{where}: operation {step.operation} of job {step.job} is on machine {step.machine}; it may be on {allowed}"
        if any(mode.machine == step.machine for mode in modes):
            says = f"{where}: operation {step.operation} of job {step.job} is in mode {step.mode}, not one of machine {step.machine}; leave mode out"
        return Fault(Rule.MODE, (number,), says)
    fitting = [mode for mode in there if modes[mode].duration == step.end - step.start]
    return Placed(number, (fitting or there)[0], step.start, step.end, step.people)


def _by_job(problem: Problem) -> dict[int, list[int]]:
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, operation in enumerate(problem.operations):
        numbers[operation.job].append(number)
    return numbers
