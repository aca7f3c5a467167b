"""Prices of energy and power of machines in CSV files, beside a problem and its schedule; problems and schedules themselves are read elsewhere.

UTF-8 with a header row, separated by comma, semicolon or tab; where it is the semicolon, numbers may have a decimal comma.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from factolake.domain.job import Placed, Problem
from factolake.planning.formats.files import text_of
from factolake.planning.formats.lines import MAX_TIME
from factolake.planning.formats.refusal import FileRefused

HOUR = 3600
MAX_PRICE_EUR_KWH = 20.0
"""No market of today lets energy cost more; prices a MWh in this column are mostly above it."""
MAX_POWER_KW = 1e6
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)
_DELIMITERS = ",;\t"
_NUMBERS = frozenset({"price_eur_kwh", "power_kw"})


@dataclass(frozen=True, slots=True)
class PlanClock:
    """How a moment becomes a time of a plan: `hour` units of time are an hour, time 0 is at `began_ts` (aware; None: not known)."""

    hour: int = HOUR
    began_ts: datetime | None = None

    def at(self, moment: datetime) -> int | None:
        """The time of the plan at `moment`; None where that is no whole one, or where it is not known when the plan began."""
        if self.began_ts is None:
            return None
        units, rest = divmod((moment - self.began_ts) // timedelta(microseconds=1) * self.hour, timedelta(hours=1) // timedelta(microseconds=1))
        return None if rest else units

    def moment(self, time: int) -> datetime | None:
        """The moment of a time of the plan in UTC; None where it is not known when the plan began, or where the calendar ends before."""
        try:
            return None if self.began_ts is None else (self.began_ts + timedelta(hours=1) * time / self.hour).astimezone(UTC)
        except OverflowError:
            return None


def read_tariff(path: str, clock: PlanClock) -> tuple[tuple[int, float], ...]:
    """Columns `from` and `price_eur_kwh`: (time of the plan, price) by line, rising; a price holds until the next. Raises FileRefused."""
    text, steps = text_of(path), list[tuple[int, float]]()
    try:
        for line, cells in _rows(text, ("from", "price_eur_kwh")):
            time = _time(line, cells["from"], clock)
            if steps and time <= steps[-1][0]:
                raise FileRefused(f"line {line}: from is {cells['from']}, not after the line before; give each later time once, in their order")
            price = _number(line, "price_eur_kwh", cells["price_eur_kwh"], -MAX_PRICE_EUR_KWH, MAX_PRICE_EUR_KWH, "EUR a kWh (85 a MWh are 0.085)")
            if not steps and time > 0:
                raise FileRefused(f"line {line}: the first price begins at {time} and the plan at 0; give the price there is at 0 too")
            steps.append((time, price))
        if not steps:
            raise FileRefused("there is no price in it; give a line or more below the header")
    except FileRefused as error:
        raise FileRefused(f"{Path(path).name}: {error}") from error
    return tuple(steps)


def read_power(path: str, problem: Problem, schedule: tuple[Placed, ...]) -> tuple[float, ...]:
    """Columns `machine` and `power_kw`: kW by machine while it works; one that does nothing in `schedule` needs no line. Raises FileRefused."""
    text, places, power = text_of(path), _places(problem), dict[int, float]()
    try:
        for line, cells in _rows(text, ("machine", "power_kw")):
            machine = places.get(cells["machine"])
            if machine is None:
                raise FileRefused(f"line {line}: machine is {cells['machine'][:40]!r}, which there is not; there are {_listed(problem)}")
            if machine in power:
                raise FileRefused(f"line {line}: machine {cells['machine']} has a line already; give each machine one")
            power[machine] = _number(line, "power_kw", cells["power_kw"], 0.0, MAX_POWER_KW, "kW while it works")
        works = {problem.operations[placed.operation].modes[placed.mode].machine for placed in schedule}
        for machine in sorted(works - power.keys()):
            raise FileRefused(f"machine {problem.machines[machine].name or machine} works in the plan and has no line; give its kW, or 0")
    except FileRefused as error:
        raise FileRefused(f"{Path(path).name}: {error}") from error
    return tuple(power.get(machine, 0.0) for machine in range(len(problem.machines)))


def _places(problem: Problem) -> Mapping[str, int]:
    """Machines by place, in words, and by name; a name that two have is none."""
    names = [machine.name for machine in problem.machines]
    by_name = {name: place for place, name in enumerate(names) if name and names.count(name) == 1}
    return {str(place): place for place in range(len(names))} | by_name


def _listed(problem: Problem) -> str:
    names = [machine.name or str(place) for place, machine in enumerate(problem.machines)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _rows(text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of the line and its cells by column, for each line that is not empty. Raises FileRefused."""
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if sorted(header) != sorted(columns):
            raise FileRefused(f"line 1: the columns are {', '.join(header)[:60] or 'none'}; give a header of {' and '.join(columns)}")
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise FileRefused(
                    f"line {reader.line_num} has {len(cells)} cells and the header {len(header)}; a decimal comma needs ; between cells"
                )
            if delimiter == ";":
                cells = [cell.replace(",", ".") if name in _NUMBERS else cell for name, cell in zip(header, cells, strict=True)]
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise FileRefused(f"line {reader.line_num} is no CSV: {error}; save it as CSV in UTF-8") from error


def _number(line: int, column: str, cell: str, low: float, high: float, what: str) -> float:
    value = float(cell) if _NUMBER.fullmatch(cell) else None
    if value is None or not low <= value <= high:
        raise FileRefused(f"line {line}: {column} is {cell[:40]!r}; give {what}, a number from {low:g} to {high:g}")
    return value


def _time(line: int, cell: str, clock: PlanClock) -> int:
    if _WHOLE.fullmatch(cell) and len(cell) <= len(str(MAX_TIME)):
        return int(cell.partition(".")[0])
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        right = "a time of the plan (a whole number), or a moment with its offset, as 2026-03-02T12:00:00+01:00"
        raise FileRefused(f"line {line}: from is {cell[:40]!r}; give {right}")
    if clock.began_ts is None:
        raise FileRefused(f"line {line}: from is the moment {cell}, and it is not known when the plan began; give --began, the moment of its time 0")
    time = clock.at(moment)
    if time is None:
        raise FileRefused(f"line {line}: {cell} is between two times of the plan, of which an hour has {clock.hour}; give a moment on one of them")
    return time
