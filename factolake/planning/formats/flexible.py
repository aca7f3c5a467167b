"""Flexible job shops: text (.fjs) with or without setup times, and the JSON of the public collection.

Text: `jobs machines [options an operation, on the average]`, then a line a job: its number of operations, and for each of them the number of options
and so many `machine duration` pairs, machines from 1 (Brandimarte 1993). With setup times (Fattahi and others) there follows a matrix of all
operations a machine: the row is the operation before, the column the one after it. The first operation on a machine needs no setup.
"""

from collections import defaultdict

from factolake.domain.job import Job, Link, Machine, Matrix, Mode, Operation, Problem
from factolake.planning.formats.lines import MAX_TIME, MOST_JOBS, MOST_MACHINES, Line, header, job_lines, whole
from factolake.planning.formats.refusal import FileRefused


def flexible_text(lines: list[Line]) -> Problem:
    """The flexible shop that `lines` describe, each operation a family of its own where there are setup times. Raises FileRefused."""
    jobs, machines = header(lines, 3)
    steps = [(job, modes) for job, line in enumerate(job_lines(lines, jobs)) for modes in _job(line, machines)]
    setups = _setups(lines[jobs + 1 :], machines, len(steps))
    operations = tuple(
        Operation(job, modes, (Link(number - 1),) if number and steps[number - 1][0] == job else (), number if setups else 0)
        for number, (job, modes) in enumerate(steps)
    )
    shop = tuple(Machine(setups=number if setups else None) for number in range(machines))
    return Problem((Job(),) * jobs, operations, shop, setups=setups)


def _job(line: Line, machines: int) -> list[tuple[Mode, ...]]:
    number, values = line
    rest = iter(values)

    def following(what: str, low: int = 0, high: int = MAX_TIME) -> int:
        value = next(rest, None)
        if value is None:
            raise FileRefused(f"line {number}: the line ends before {what}")
        return whole(number, value, what, low, high)

    steps = []
    for step in range(following("the number of operations")):
        options = following(f"the number of options of operation {step}", 1)
        steps.append(
            tuple(
                Mode(following(f"a machine of operation {step}", 1, machines) - 1, following(f"a duration of operation {step}"))
                for _ in range(options)
            )
        )
    if (left := next(rest, None)) is not None:
        raise FileRefused(f"line {number}: {left!r} stands after the last of {len(steps)} operations; take it away")
    return steps


def _setups(lines: list[Line], machines: int, operations: int) -> tuple[Matrix, ...]:
    if not lines:
        return ()
    if len(lines) != machines * operations:
        says = f"{len(lines)} lines follow the jobs from here; give {operations} a machine, {machines * operations} in all, or none"
        raise FileRefused(f"line {lines[0][0]}: {says}")
    rows = []
    for number, values in lines:
        if len(values) != operations:
            raise FileRefused(f"line {number}: {len(values)} setup times; give one for each of {operations} operations")
        rows.append(tuple(whole(number, value, "a setup time") for value in values))
    return tuple(tuple(rows[first : first + operations]) for first in range(0, len(rows), operations))


def flexible_json(document: dict[str, object]) -> Problem:
    """The flexible shop of a JSON object with `operations` (an entry an option: operation, machine, duration) and `precedences` (before, after, job).

    An operation without precedence is a job of its own, after the others. Raises FileRefused.
    """
    options = _entries(document, "operations", {"operation": MAX_TIME, "machine": MOST_MACHINES - 1, "duration": MAX_TIME})
    orders = _entries(document, "precedences", {"before": MAX_TIME, "after": MAX_TIME, "job": MOST_JOBS - 1})
    modes: dict[int, list[Mode]] = defaultdict(list)
    for operation, machine, duration in options:
        modes[operation].append(Mode(machine, duration))
    size = len(modes)
    if missing := set(range(size)) - set(modes):
        raise FileRefused(f"operations: there is no operation {min(missing)} and there are {size}; number them from 0 without a gap")
    after: dict[int, list[Link]] = defaultdict(list)
    job_of: dict[int, int] = {}
    for place, (before, later, job) in enumerate(orders):
        if max(before, later) >= size:
            raise FileRefused(f"precedences[{place}] names operation {max(before, later)} and there are {size}, from 0")
        after[later].append(Link(before))
        for one in (before, later):
            if job_of.setdefault(one, job) != job:
                raise FileRefused(f"precedences[{place}]: operation {one} is of job {job} and of job {job_of[one]}; give it one")
    jobs = max(job_of.values(), default=-1) + 1
    for number in range(size):
        if number not in job_of:
            job_of[number], jobs = jobs, jobs + 1
    operations = tuple(Operation(job_of[number], tuple(modes[number]), tuple(after[number])) for number in range(size))
    machines = max((machine for _, machine, _ in options), default=-1) + 1
    return Problem((Job(),) * jobs, operations, (Machine(),) * machines)


def _entries(document: dict[str, object], key: str, most: dict[str, int]) -> list[tuple[int, int, int]]:
    """Three numbers of each object in the list `key`, from 0 to `most` of each name."""
    entries = document.get(key)
    if not isinstance(entries, list):
        raise FileRefused(f"{key} is {str(entries)[:40]}; give a list")
    found = []
    for place, entry in enumerate(entries):
        values = [entry.get(name) if isinstance(entry, dict) else None for name in most]
        for (name, high), value in zip(most.items(), values, strict=True):
            if type(value) is not int or not 0 <= value <= high:
                raise FileRefused(f"{key}[{place}].{name} is {str(value)[:40]}; give a whole number, 0 to {high}")
        first, second, third = (int(str(value)) for value in values)
        found.append((first, second, third))
    return found
