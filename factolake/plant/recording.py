"""Adapter logs of machine tools (SHDR, the text MTConnect adapters send), read as they are: file order, original stamps, verbatim values.

A line is `timestamp|item|value[|item|value...]`, or a condition `timestamp|item|level|code|severity|qualifier|text`. What is neither is
counted as junk, never fatal.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from factolake.errors import ConfigError

_STAMP = re.compile(r"^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?$")
_LEVELS = frozenset({"NORMAL", "WARNING", "FAULT", "UNAVAILABLE"})
_QUALIFIERS = frozenset({"", "HIGH", "LOW"})
_MACHINE = re.compile(r"^([A-Za-z][A-Za-z0-9_]*)-\d{8}")


class Observation(NamedTuple):
    """One value of one data item; `ns_rest` are the nanoseconds (0..999) of the stamp below a microsecond."""

    ts: datetime
    ns_rest: int
    item: str
    value: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole log of `machine`, in file order; `junk_lines` is how many lines held nothing readable or only partly."""

    machine: str
    observations: tuple[Observation, ...]
    junk_lines: int

    @property
    def items(self) -> list[str]:
        """Every data item in the order of first appearance."""
        return list(dict.fromkeys(o.item for o in self.observations))


def load_recording(file: Path, machine: str | None = None) -> Recording:
    """The log in `file` (plain or gzip) of `machine` (default: what the file name begins with, as in `Mazak01-20161013.txt.gz`).

    Raises ConfigError when the file is missing, holds nothing readable, or no machine can be told.
    """
    if machine is None:
        match = _MACHINE.match(file.name)
        if match is None:
            raise ConfigError(str(file), "machine", file.name, "a file name such as Mazak01-20161013-20161014.txt.gz, or the option --machine")
        machine = match[1]
    try:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise ConfigError(str(file), "recording", str(error), "a readable SHDR log, text or gzip") from error
    tally = [0]
    observations = tuple(read_shdr(_lines(raw), tally))
    if not observations:
        raise ConfigError(str(file), "recording", f"{tally[0]} unreadable lines", "lines of timestamp|item|value")
    return Recording(machine, observations, tally[0])


def read_shdr(lines: Iterable[str], junk: list[int]) -> Iterator[Observation]:
    """Every observation of `lines`, in their order; `junk[0]` is raised by one for each line with anything unreadable."""
    for line in lines:
        line = line.rstrip("\r\n")
        if not line.strip():
            continue
        stamp, *fields = line.split("|")
        parsed = _stamp(stamp.strip())
        if parsed is None or len(fields) < 2:
            junk[0] += 1
            continue
        if _is_condition(fields):
            fields = [fields[0], "|".join(fields[1:])]
        is_whole = len(fields) % 2 == 0
        for item, value in zip(fields[0::2], fields[1::2], strict=False):
            if item.strip():
                yield Observation(*parsed, item.strip(), value)
            else:
                is_whole = False
        junk[0] += 0 if is_whole else 1


def _lines(raw: bytes) -> Iterator[str]:
    for line in raw.split(b"\n"):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            yield line.decode("latin-1")


def _stamp(text: str) -> tuple[datetime, int] | None:
    match = _STAMP.match(text)
    if match is None:
        return None
    nanoseconds = int((match[7] or "0").ljust(9, "0"))
    try:
        ts = datetime(*(int(part) for part in match.groups()[:6]), nanoseconds // 1000, tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return ts, nanoseconds % 1000


def _is_condition(fields: list[str]) -> bool:
    """Whether `item|level|code|severity|qualifier|text`; three item-value pairs can look alike, so the other fields are asked too."""
    if len(fields) < 6 or fields[1].upper() not in _LEVELS or fields[4].upper() not in _QUALIFIERS:
        return False
    return fields[1].upper() != "UNAVAILABLE" or fields[2] == ""
