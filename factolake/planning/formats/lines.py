"""Text formats of numbers: lines without comments, and numbers out of them with the line in the refusal."""

import re

from factolake.planning.formats.refusal import FileRefused

Line = tuple[int, list[str]]
"""Number of a line in its file, from 1, and its values."""
MOST_JOBS, MOST_MACHINES = 1_000_000, 100_000
_NUMBER = re.compile(r"-?\d+(\.\d*)?")


def numbered_lines(text: str) -> list[Line]:
    """Lines that hold values. From # or // on a line is a comment; lines before the first one that begins with a number are a heading."""
    found: list[Line] = []
    for number, line in enumerate(text.splitlines(), start=1):
        values = line.split("#", 1)[0].split("//", 1)[0].replace(",", " ").split()
        if values and (found or _NUMBER.fullmatch(values[0])):
            found.append((number, values))
    return found


MAX_TIME = 10**12
"""Sums of as many operations as a file can hold stay within 64 bits."""


def whole(number: int, value: str, what: str, low: int = 0, high: int = MAX_TIME) -> int:
    """`value` as a whole number from `low` to `high`; 25.0 is one, 25.5 is not. Raises FileRefused."""
    try:
        found = int(value) if value.lstrip("-").isdecimal() else _exact(float(value))
    except (ValueError, OverflowError):
        found = None
    if found is None or not low <= found <= high:
        raise FileRefused(f"line {number}: {what} is {value[:40]!r}; give a whole number, {low} to {high}")
    return found


def _exact(value: float) -> int | None:
    return int(value) if value == int(value) else None


def header(lines: list[Line], longest: int) -> tuple[int, int]:
    """Numbers of jobs and machines from the first line. Raises FileRefused."""
    if not lines:
        raise FileRefused("line 1: the file holds no numbers; give a first line with the numbers of jobs and machines")
    number, values = lines[0]
    if not 2 <= len(values) <= longest:
        raise FileRefused(f"line {number}: the first line has {len(values)} values; give the numbers of jobs and machines")
    return whole(number, values[0], "the number of jobs", 1, MOST_JOBS), whole(number, values[1], "the number of machines", 1, MOST_MACHINES)


def job_lines(lines: list[Line], jobs: int) -> list[Line]:
    """The line of each job, which follow the first line. Raises FileRefused where there are fewer."""
    if len(lines) - 1 < jobs:
        number = lines[-1][0] + 1
        raise FileRefused(f"line {number}: the file ends after {len(lines) - 1} jobs and its first line says {jobs}")
    return lines[1 : jobs + 1]
