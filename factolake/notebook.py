"""One line's shift as a table to work with: `line("L1").shift("2026-03-02 early")`.

Every minute of the shift is a row and every machine has the same columns, so that nothing has to be aligned afterwards. A minute nobody
observed is marked: state `unknown`, coverage 0, counts and measurements missing. It is never zero.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from factolake.config import Settings, load_plant, load_settings
from factolake.contracts.formats.sql import listed, literal
from factolake.domain.calendar import ShiftWindow, plant_zone
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.errors import QueryError
from factolake.lake.sql import query
from factolake.lake.tables import Lake

MINUTE = timedelta(minutes=1)
COUNTS = ("good", "scrap", "total")
_SHIFT = re.compile(r"^\s*(\d{4}-\d{2}-\d{2})\s+(\S+)\s*$")
_MEASURED = frozenset({SignalKind.PROCESS, SignalKind.SETPOINT, SignalKind.ENERGY})


def line(name: str, settings: Settings | None = None) -> "Line":
    """The production line called `name` in this installation. Raises QueryError listing the lines there are."""
    settings = settings or load_settings()
    model = load_plant(settings.plant_file)
    if name not in model.lines:
        raise QueryError(f"there is no line {name!r}; the plant file has {', '.join(model.lines)}")
    return Line(name, model, Lake(settings.lake_root))


@dataclass(frozen=True, slots=True)
class Interval:
    """One machine in one state, [from_ts, to_ts) in UTC."""

    machine: str
    state: str
    state_raw: str | None
    unknown_reason: str | None
    from_ts: datetime
    to_ts: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A production line and the lake that knows what happened on it."""

    name: str
    model: PlantModel
    lake: Lake

    def shifts(self) -> list[str]:
        """Every shift with states in the lake, oldest first, as `shift` takes them: `2026-03-02 early`."""
        rows = query(self.lake, f"SELECT min(from_ts) AS a, max(to_ts) AS b FROM silver.machine_states WHERE line = {literal(self.name)}").to_pylist()
        if not rows or rows[0]["a"] is None:
            return []
        windows = self.model.calendar.shifts(self.model.line_scopes(self.name), rows[0]["a"], rows[0]["b"])
        return [f"{window.production_day} {window.shift}" for window in windows]

    def shift(self, shift: str, signals: Sequence[str] = ()) -> pd.DataFrame:
        """The shift, minute by minute, in the plant's local time.

        Columns are (machine, what): `state` is the state that took most of the minute, `coverage` (0..1) the part of it that is known,
        `good`, `scrap` and `total` the parts counted in it, and each of `signals` its mean. `attrs["units"]` has the unit of each,
        `attrs["gaps"]` every unobserved span as (machine, from, to, reason). `shift` is production day and shift name, or the
        beginning of the name: `2026-03-02 e`. Raises QueryError saying what there is.
        """
        window = self._window(shift)
        units = {"state": "", "coverage": "1", **dict.fromkeys(COUNTS, "parts"), **{signal: self._unit(signal) for signal in signals}}
        parts = [self._state_minutes(window), self._count_minutes(window), *(self._signal_minutes(window, signal) for signal in signals)]
        frame = _aligned(pd.concat(parts, ignore_index=True), self._machines, list(units), window)
        frame.index = frame.index.tz_convert(plant_zone(self.model.time_zone))  # type: ignore[attr-defined]
        frame.attrs = {"line": self.name, "shift": f"{window.production_day} {window.shift}", "units": units, "gaps": self._gaps(window)}
        return frame

    def states(self, shift: str) -> pd.DataFrame:
        """The exact intervals of the shift: machine, state, state_raw, unknown_reason, from_ts, to_ts (UTC), cut at its ends."""
        return pd.DataFrame(self._intervals(self._window(shift)), columns=[name.name for name in fields(Interval)])

    @property
    def _machines(self) -> tuple[str, ...]:
        return self.model.lines[self.name].machines

    def _window(self, shift: str) -> ShiftWindow:
        match = _SHIFT.match(shift)
        try:
            day = date.fromisoformat(match[1]) if match else None
        except ValueError:
            day = None
        if match is None or day is None:
            raise QueryError(f"shift {shift!r} is not `YYYY-MM-DD name`, for example {', '.join(self.shifts()[-1:]) or '2026-03-02 early'}")
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        around = self.model.calendar.shifts(self.model.line_scopes(self.name), midnight - timedelta(days=2), midnight + timedelta(days=3))
        windows = {window.shift: window for window in around if window.production_day == day}
        found = [name for name in windows if name.lower().startswith(match[2].lower())]
        if len(found) != 1 and match[2] not in windows:
            raise QueryError(f"{self.name} has no shift {match[2]!r} on {day}; the calendar has {', '.join(windows) or 'none on that day'}")
        return windows[match[2] if match[2] in windows else found[0]]

    def _unit(self, signal: str) -> str:
        known = {s.name: s for s in self.model.signals if s.machine in self._machines and s.kind in _MEASURED}
        if signal not in known:
            raise QueryError(f"{self.name} measures no signal {signal!r}; it has {', '.join(sorted(known))}")
        return known[signal].unit or ""

    def _intervals(self, window: ShiftWindow) -> list[Interval]:
        start, end = _stamp(window.from_ts), _stamp(window.to_ts)
        cut = f"greatest(from_ts, {start}) AS from_ts, least(to_ts, {end}) AS to_ts"
        sql = f"""SELECT machine, state, state_raw, unknown_reason, {cut} FROM silver.machine_states
                  WHERE line = {literal(self.name)} AND from_ts < {end} AND to_ts > {start} ORDER BY machine, from_ts"""
        return [Interval(**row) for row in query(self.lake, sql).to_pylist()]

    def _state_minutes(self, window: ShiftWindow) -> pd.DataFrame:
        sql = f"""
        WITH minutes AS (SELECT unnest(generate_series({_stamp(window.from_ts)}, {_stamp(window.to_ts - MINUTE)}, INTERVAL 1 MINUTE)) AS minute),
        spent AS (
          SELECT machine, minute, state,
                 sum(epoch_us(least(to_ts, minute + INTERVAL 1 MINUTE)) - epoch_us(greatest(from_ts, minute))) AS us
          FROM silver.machine_states JOIN minutes ON from_ts < minute + INTERVAL 1 MINUTE AND to_ts > minute
          WHERE line = {literal(self.name)} GROUP BY ALL)
        SELECT machine, minute, arg_max(state, us) AS state, coalesce(sum(us) FILTER (state <> 'unknown'), 0) / 60e6 AS coverage
        FROM spent GROUP BY ALL"""
        found: pd.DataFrame = query(self.lake, sql).to_pandas()
        return found.melt(["machine", "minute"], ["state", "coverage"], var_name="what")

    def _count_minutes(self, window: ShiftWindow) -> pd.DataFrame:
        sql = f"""SELECT machine, date_trunc('minute', to_ts) AS minute, counts AS what, sum(parts)::BIGINT AS value FROM silver.counts
                  WHERE {self._here("to_ts", window)} AND counts IN ({listed(COUNTS)}) GROUP BY ALL"""
        return _cells(query(self.lake, sql).to_pandas())

    def _signal_minutes(self, window: ShiftWindow, signal: str) -> pd.DataFrame:
        sql = f"""SELECT machine, date_trunc('minute', ts) AS minute, signal AS what, avg(value) AS value FROM silver.readings
                  WHERE {self._here("ts", window)} AND signal = {literal(signal)} AND quality = 'good' GROUP BY ALL"""
        return _cells(query(self.lake, sql).to_pandas())

    def _here(self, column: str, window: ShiftWindow) -> str:
        days = f"day BETWEEN DATE '{window.from_ts.date()}' AND DATE '{window.to_ts.date()}'"
        return f"machine IN ({listed(self._machines)}) AND {days} AND {column} >= {_stamp(window.from_ts)} AND {column} < {_stamp(window.to_ts)}"

    def _gaps(self, window: ShiftWindow) -> list[tuple[str, datetime, datetime, str]]:
        """Unobserved spans of every machine; what no interval covers is a gap, too."""
        gaps: list[tuple[str, datetime, datetime, str]] = []
        intervals = self._intervals(window)
        for machine in self._machines:
            at = window.from_ts
            for interval in (i for i in intervals if i.machine == machine):
                if interval.from_ts > at:
                    gaps.append((machine, at, interval.from_ts, "no_data"))
                if interval.state == "unknown":
                    gaps.append((machine, interval.from_ts, interval.to_ts, interval.unknown_reason or "unknown"))
                at = interval.to_ts
            if at < window.to_ts:
                gaps.append((machine, at, window.to_ts, "no_data"))
        return gaps


def _cells(found: pd.DataFrame) -> pd.DataFrame:
    return found[["machine", "minute", "what", "value"]].astype({"value": object})


def _aligned(cells: pd.DataFrame, machines: Sequence[str], names: Sequence[str], window: ShiftWindow) -> pd.DataFrame:
    """One row a minute and one column a machine and name; unobserved minutes marked, observed ones without a count 0."""
    minutes = pd.date_range(window.from_ts, window.to_ts, freq="min", inclusive="left", name="minute", tz="UTC")
    cells["minute"] = pd.to_datetime(cells["minute"], utc=True)
    values = cells.set_index(["minute", "machine", "what"])["value"].to_dict()
    columns: dict[tuple[str, str], pd.Series] = {}
    for machine in machines:
        given = {name: pd.Series([values.get((minute, machine, name)) for minute in minutes], index=minutes, dtype=object) for name in names}
        coverage = given["coverage"].astype("float64").fillna(0.0)
        columns[machine, "state"] = given["state"].fillna("unknown").astype(str)
        columns[machine, "coverage"] = coverage
        for name in COUNTS:
            columns[machine, name] = given[name].astype("Int64").fillna(0).mask((coverage == 0) & given[name].isna())
        for name in names[2 + len(COUNTS) :]:
            columns[machine, name] = given[name].astype("float64")
    frame = pd.DataFrame(columns, index=minutes)
    frame.columns = pd.MultiIndex.from_tuples(list(columns), names=["machine", "what"])
    return frame


def _stamp(value: datetime) -> str:
    return f"TIMESTAMPTZ '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
