"""One shift's KPI, explained: value, formula with numbers, time elements, state pieces, counter steps, and the bronze rows behind them.

Reads through a query function (SQL text in DuckDB's dialect over `layer.table` names), so that it needs no engine and no Spark. It
computes the time elements again from the state rows, in plain Python, and says where they differ from what gold published.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from factolake.contracts import bronze, gold, silver
from factolake.contracts.formats.sql import listed, literal
from factolake.domain.plant import PlantModel
from factolake.domain.states import MachineState
from factolake.errors import NoSuchRow
from factolake.kpi import formulas
from factolake.kpi.formulas import Ratio
from factolake.kpi.overtime import reach_of
from factolake.kpi.pieces import Piece, Stretch, elements_of, pieces_of

Query = Callable[[str], pa.Table]
ELEMENTS = tuple(column.name for column in gold.TIME_ELEMENTS)
QUANTITIES = tuple(column.name for column in gold.QUANTITIES)


@dataclass(frozen=True, slots=True)
class Factor:
    """One ratio: its value or the reason it has none, the formula, and the formula with the row's numbers."""

    name: str
    value: float | None
    reason: str | None
    formula: str
    numbers: str


@dataclass(frozen=True, slots=True)
class CounterStep:
    """One step of a counter and the message that brought it."""

    machine: str
    signal: str
    counts: str
    from_ts: datetime
    to_ts: datetime
    parts: int
    event: str
    product_id: str | None
    raw_from: int | None
    raw_to: int
    source_id: str
    epoch: int
    seq: int
    idx: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One bronze reading a state, order, product or counter value came from; `file` where the reader can tell."""

    machine: str
    signal: str
    ts: datetime
    tag: str
    value: str | None
    source_id: str
    epoch: int
    seq: int
    idx: int
    log_id: str
    log_offset: int
    file: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything behind one row of gold.oee_shift; `time_machine` is the machine whose time counts (a line's bottleneck).

    `perhaps_earlier` are parts, by what was counted (good, scrap), that are posted to this shift since they were counted in it, and may have been
    made in one before: nobody saw their machine when the shift began.
    `differences` names the time elements that the state rows, computed again, do not confirm: element -> (published, computed).
    """

    equipment: str
    production_day: date
    shift: str
    from_ts: datetime
    to_ts: datetime
    is_complete: bool
    method: str
    convention: str
    coverage: float | None
    time_machine: str
    factors: tuple[Factor, ...]
    elements: Mapping[str, int]
    quantities: Mapping[str, int | None]
    pieces: tuple[Piece, ...]
    steps: tuple[CounterStep, ...]
    sources: tuple[SourceRow, ...]
    perhaps_earlier: Mapping[str, int]
    differences: Mapping[str, tuple[int, int]]

    def to_json(self) -> str:
        """The whole as JSON text; times in ISO 8601 UTC, durations in microseconds."""
        plain = asdict(self)
        plain["pieces"] = [asdict(piece) | {"duration_us": piece.duration_us} for piece in self.pieces]
        return json.dumps(plain, default=lambda value: value.isoformat(), ensure_ascii=False)


def explain_shift(
    query: Query, model: PlantModel, equipment: str, production_day: date, shift: str, *, readings_path: str | None = None
) -> Explanation:
    """The explanation of one row of gold.oee_shift. Raises NoSuchRow, naming what there is, when gold has no such row.

    `readings_path` is where bronze.readings lies; with it the data file of each bronze row is told (a view does not know it).
    """
    readings = bronze.READINGS.name if readings_path is None else f"delta_scan({literal(readings_path)}, filename=true)"
    row = _gold_row(query, equipment, production_day, shift)
    line = model.lines.get(equipment)
    machine = line.bottleneck if line else equipment
    if machine not in model.machines:
        raise NoSuchRow(f"{equipment!r} is neither a line nor a machine of the plant; lines: {', '.join(model.lines)}")
    from_ts, to_ts = row["from_ts"], row["to_ts"]
    assert isinstance(from_ts, datetime) and isinstance(to_ts, datetime)
    reach = reach_of(model, machine, to_ts)
    segments = [s for s in model.calendar.segments(model.scopes(machine), from_ts, to_ts) if (s.production_day, s.shift) == (production_day, shift)]
    pieces = pieces_of(_stretches(query, model, machine, from_ts, reach), segments, from_ts, reach)
    steps = _steps(query, _counting(model, equipment), from_ts, reach)
    published = {name: _whole(row[name]) or 0 for name in ELEMENTS}
    computed = elements_of(pieces)
    # A machine no stretch of which lies in the shift is unknown up to its line's horizon, which its own rows cannot show.
    differences = {name: (published[name], computed[name]) for name in ELEMENTS if pieces and published[name] != computed[name]}
    return Explanation(
        equipment=equipment,
        production_day=production_day,
        shift=shift,
        from_ts=from_ts,
        to_ts=to_ts,
        is_complete=bool(row["is_complete"]),
        method=str(row["method"]),
        convention=str(row["convention"]),
        coverage=_number(row["coverage"]),
        time_machine=machine,
        factors=tuple(_factors(row)),
        elements=published,
        quantities={name: _whole(row[name]) for name in QUANTITIES},
        pieces=tuple(pieces),
        steps=tuple(steps),
        sources=tuple(_sources(query, machine, steps, (from_ts, reach), readings)),
        perhaps_earlier=_perhaps_earlier(query, steps, from_ts),
        differences=differences,
    )


Cell = str | int | float | bool | datetime | date | None


def _rows(query: Query, sql: str) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = query(sql).to_pylist()
    return rows


def _gold_row(query: Query, equipment: str, production_day: date, shift: str) -> dict[str, Cell]:
    where = f"equipment = {literal(equipment)} AND production_day = DATE '{production_day.isoformat()}' AND shift = {literal(shift)}"
    rows = _rows(query, f"SELECT * FROM {gold.OEE_SHIFT.name} WHERE {where}")
    if rows:
        return rows[0]
    near = _rows(query, f"SELECT DISTINCT production_day, shift FROM {gold.OEE_SHIFT.name} WHERE equipment = {literal(equipment)} ORDER BY 1 DESC, 2")
    there = ", ".join(f"{row['production_day']} {row['shift']}" for row in near[:6]) or "none for this equipment; see SELECT * FROM gold.oee_shift"
    raise NoSuchRow(f"gold.oee_shift has no row for {equipment!r} on {production_day} in shift {shift!r}; there are: {there}")


def _stretches(query: Query, model: PlantModel, machine: str, from_ts: datetime, reach: datetime) -> list[Stretch]:
    columns = "from_ts, to_ts, state, order_id"
    where = f"machine = {literal(machine)} AND from_ts < {_ts(reach)} AND to_ts > {_ts(from_ts)} AND {_days('day', from_ts, reach)}"
    rows = _rows(query, f"SELECT {columns} FROM {silver.STATE_HOURS.name} WHERE {where} ORDER BY from_ts")
    always = not model.machines[machine].has_order
    return [
        Stretch(row["from_ts"], row["to_ts"], MachineState(str(row["state"])), always or row["order_id"] is not None)
        for row in rows
        if isinstance(row["from_ts"], datetime) and isinstance(row["to_ts"], datetime)
    ]


def _counting(model: PlantModel, equipment: str) -> str:
    """SQL condition for the counter steps behind the equipment's quantities: of a line, exit good and everybody's scrap and rework."""
    line = model.lines.get(equipment)
    if line is None:
        return f"machine = {literal(equipment)}"
    at_exit = f"machine = {literal(line.machines[-1])}"
    return f"({at_exit} OR (machine IN ({listed(line.machines)}) AND (counts IN ('scrap', 'rework') OR machine = {literal(line.bottleneck)})))"


def _steps(query: Query, machines: str, from_ts: datetime, reach: datetime) -> list[CounterStep]:
    columns = ", ".join(CounterStep.__dataclass_fields__)
    where = f"{machines} AND to_ts >= {_ts(from_ts)} AND to_ts < {_ts(reach)} AND {_days('day', from_ts, reach)} AND parts > 0"
    found = query(f"SELECT {columns} FROM {silver.COUNTS.name} WHERE {where} ORDER BY to_ts, machine, signal").to_pylist()
    return [CounterStep(**row) for row in found]


def _perhaps_earlier(query: Query, steps: Sequence[CounterStep], begin: datetime) -> dict[str, int]:
    """Parts of the steps that reach back over `begin` on machines nobody saw at that moment, by what was counted."""
    reaching = [step for step in steps if step.from_ts < begin]
    if not reaching:
        return {}
    where = (
        f"unknown_reason = 'no_evidence' AND from_ts < {_ts(begin)} AND to_ts >= {_ts(begin)} AND {_days('day', begin - timedelta(hours=1), begin)}"
    )
    unseen = {row["machine"] for row in _rows(query, f"SELECT machine FROM {silver.STATE_HOURS.name} WHERE {where}")}
    parts: dict[str, int] = {}
    for step in reaching:
        if step.machine in unseen:
            parts[step.counts] = parts.get(step.counts, 0) + step.parts
    return parts


def _sources(query: Query, machine: str, steps: Sequence[CounterStep], span: tuple[datetime, datetime], readings: str) -> list[SourceRow]:
    """Bronze rows of the state, order and product values in the shift, and of the counter steps.

    Silver names the messages; bronze is then read only where they landed (`log_offset` grows from file to file, so files are skipped).
    """
    refined = _refined(query, machine, steps, span)
    if not refined:
        return []
    offsets = [row["log_offset"] for row in refined]
    days = [row["ingest_ts"].date().isoformat() for row in refined if isinstance(row["ingest_ts"], datetime)]
    tags = ", ".join(sorted({literal(str(row["tag"])) for row in refined}))
    file = "filename" if "filename" in query(f"SELECT * FROM {readings} LIMIT 0").column_names else "CAST(NULL AS VARCHAR)"
    value = "coalesce(value_text, CAST(value_i64 AS VARCHAR), CAST(value_u64 AS VARCHAR), CAST(value_f64 AS VARCHAR))"
    landed = _rows(
        query,
        f"SELECT {', '.join(bronze.KEY)}, {value} AS value, {file} AS file FROM {readings} "
        f"WHERE ingest_date BETWEEN DATE '{min(days)}' AND DATE '{max(days)}' "
        f"AND log_offset BETWEEN {min(offsets)} AND {max(offsets)} AND tag IN ({tags})",  # type: ignore[type-var]
    )
    raw = {_message(row): row for row in landed}
    kept = ("machine", "signal", "ts", "tag", *bronze.KEY, "log_id", "log_offset")
    rows = [
        {name: row[name] for name in kept} | {name: raw[_message(row)][name] for name in ("value", "file")} for row in refined if _message(row) in raw
    ]
    return [SourceRow(**row) for row in rows]  # type: ignore[arg-type]


def _refined(query: Query, machine: str, steps: Sequence[CounterStep], span: tuple[datetime, datetime]) -> list[dict[str, Cell]]:
    """Rows of silver.readings that the pieces of `machine` and the counter steps came from, in order of time."""
    names = ", ".join(sorted({literal(step.machine) for step in steps} | {literal(machine)}))
    counters = ", ".join(sorted({literal(step.signal) for step in steps})) or "NULL"
    found = _rows(
        query,
        f"SELECT machine, signal, kind, ts, tag, {', '.join(bronze.KEY)}, log_id, log_offset, ingest_ts FROM {silver.READINGS.name} "
        f"WHERE {_days('day', *span)} AND ts >= {_ts(span[0])} AND ts < {_ts(span[1])} AND machine IN ({names}) "
        f"AND (kind IN ('state', 'order', 'product') OR (kind = 'counter' AND signal IN ({counters}))) "
        f"ORDER BY ts, machine, signal, epoch, seq, idx",
    )
    brought = {(step.machine, step.source_id, step.epoch, step.seq, step.idx) for step in steps}
    return [row for row in found if (row["machine"] == machine and row["kind"] != "counter") or (row["machine"], *_message(row)) in brought]


def _message(row: Mapping[str, Cell]) -> tuple[Cell, ...]:
    return tuple(row[name] for name in bronze.KEY)


def _factors(row: Mapping[str, Cell]) -> list[Factor]:
    numbers = {name: _whole(row[name]) for name in (*ELEMENTS, *QUANTITIES)}
    found = [_factor(row, ratio, numbers) for ratio in formulas.FACTORS]
    if row["method"] == "bottleneck":
        return [*found, _factor(row, formulas.LINE_OEE, numbers)]
    product = " x ".join("null" if factor.value is None else f"{factor.value:.6f}" for factor in found)
    return [*found, Factor("oee", _number(row["oee"]), _words(row["oee_reason"]), formulas.OEE_TEXT, product)]


def _factor(row: Mapping[str, Cell], ratio: Ratio, numbers: Mapping[str, int | None]) -> Factor:
    text = ratio.text
    for name in sorted(ratio.columns, key=len, reverse=True):
        text = text.replace(name, "null" if numbers[name] is None else str(numbers[name]))
    if row["convention"] == "nakajima" and ratio.name in ("availability", "effectiveness"):
        text += " (ISO; short stops moved from availability to performance)"
    return Factor(ratio.name, _number(row[ratio.name]), _words(row[f"{ratio.name}_reason"]), ratio.text, text)


def _words(reason: Cell) -> str | None:
    return None if reason is None else f"{reason}: {formulas.REASONS.get(str(reason), 'see the table reference')}"


def _number(value: Cell) -> float | None:
    return value if isinstance(value, float) else None


def _whole(value: Cell) -> int | None:
    return value if isinstance(value, int) else None


def _ts(value: datetime) -> str:
    return f"TIMESTAMPTZ '{value.isoformat(sep=' ', timespec='microseconds')}'"


def _days(column: str, from_ts: datetime, to_ts: datetime) -> str:
    return f"{column} BETWEEN DATE '{from_ts.date().isoformat()}' AND DATE '{to_ts.date().isoformat()}'"
