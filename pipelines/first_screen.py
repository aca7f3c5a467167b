"""What the demo shows: both clocks, the KPI table, the losses, and the same as one JSON object. Queries and words, no processes."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from factolake.contracts import gold, ops
from factolake.contracts.formats.sql import literal
from factolake.contracts.gold_alerts import ALERTS as ALERTS_TABLE
from factolake.contracts.table import Table
from factolake.domain.calendar import plant_zone
from factolake.domain.equipment import Timeline
from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake

Row = Mapping[str, object]
Query = Callable[[str], pa.Table]

SHIFTS = """
select line, equipment, equipment_level, production_day, shift, from_ts, to_ts, oee, oee_reason, availability, effectiveness, quality_ratio,
       is_complete, coverage, pq, gq, sq, pbt_us, unknown_us
from gold.oee_shift where pbt_us > unknown_us and (is_complete or {recorded})
order by from_ts, line, equipment_level, equipment
"""
LOSSES = """
select loss, sum(duration_us)::bigint as duration_us from gold.losses
where line = '{line}' and machine = '{machine}' and production_day = date '{day}' and shift = {shift} group by loss, loss_order order by loss_order
"""
CLOCKS = """
select machine, event_kind, happened_ts, system, known_ts, lag_us, is_replayed from gold.knowledge_lag
where happened_ts in (select happened_ts from gold.knowledge_lag where system <> 'factolake') order by happened_ts, lag_us
"""
ALERTS = "select machine, severity, state, onset_ts, raised_ts, first_signal, text_en from gold.alerts order by raised_ts"
LEDGER = "select sent, bronze, dead_letter, gaps from ops.ledger order by checked_ts desc limit 1"

MIN_COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything the first screen holds, as read from the lake."""

    shifts: Sequence[Row]
    losses: Sequence[Row]
    clocks: Sequence[Row]
    ledger: Row
    alerts: Sequence[Row] = ()

    @property
    def coverage(self) -> float | None:
        """Observed share of the machines' planned busy time, 0..1; None when nothing was planned."""
        machines = [row for row in self.shifts if row["equipment_level"] == "WorkUnit"]
        busy = sum(_number(row["pbt_us"]) for row in machines)
        return 1 - sum(_number(row["unknown_us"]) for row in machines) / busy if busy else None

    def is_ready(self, model: PlantModel) -> bool:
        """Whether every machine of a line has a complete shift, the line's row is well covered and its losses are there."""
        lines = [row for row in self.shifts if row["equipment_level"] == "ProductionLine" and _number(row["coverage"]) >= MIN_COVERAGE]
        return bool(self.losses) and any(self._machines(row) >= set(model.lines[str(row["equipment"])].machines) for row in lines)

    def _machines(self, line: Row) -> set[str]:
        same = ("line", "production_day", "shift")
        return {str(row["equipment"]) for row in self.shifts if all(row[key] == line[key] for key in same)}

    def document(self, model: PlantModel, seconds_to_first_kpi: float) -> dict[str, object]:
        """The object `demo --json` prints."""
        keys = (
            "equipment",
            "shift",
            "production_day",
            "is_complete",
            "oee",
            "availability",
            "effectiveness",
            "quality_ratio",
            "coverage",
            "pq",
            "gq",
        )
        return {
            "lines": [{"line": line.line_id, "path": line.path} for line in model.lines.values()],
            "oee": [{key: row[key] for key in keys} for row in self.shifts],
            "coverage": self.coverage,
            "ledger": {key: self.ledger.get(key) for key in ("sent", "bronze", "dead_letter", "gaps")},
            "alerts": list(self.alerts),
            "seconds_to_first_kpi": round(seconds_to_first_kpi, 1),
        }


def read_screen(lake: Lake, query: Query, model: PlantModel) -> Screen:
    """The screen as far as the tables exist; empty parts otherwise.

    Shifts nobody saw anything of are left out. Of a recorded plant the last shift counts too: nothing will ever complete it.
    """
    recorded = all(source.timeline is Timeline.RECORDED for source in model.sources.values())

    def rows(sql: str, table: Table) -> list[dict[str, object]]:
        return query(sql).to_pylist() if lake.exists(table) else []

    shifts = rows(SHIFTS.format(recorded=str(recorded).lower()), gold.OEE_SHIFT)
    last = next((row for row in reversed(shifts) if row["equipment_level"] == "ProductionLine"), None)
    losses: list[dict[str, object]] = []
    if last is not None:
        line = model.lines[str(last["equipment"])]
        filled = LOSSES.format(line=line.line_id, machine=line.bottleneck, day=last["production_day"], shift=literal(last["shift"]))
        losses = rows(filled, gold.LOSSES)
    ledger = rows(LEDGER, ops.LEDGER)
    return Screen(shifts, losses, rows(CLOCKS, gold.KNOWLEDGE_LAG), ledger[0] if ledger else {}, rows(ALERTS, ALERTS_TABLE))


def clock_sentences(screen: Screen, model: PlantModel) -> list[str]:
    """Both clocks, one sentence per stop that another system learned of: when it stood, when FactoLake knew, when the other did."""
    zone = plant_zone(model.time_zone)
    stops: dict[tuple[object, object], list[Row]] = {}
    for row in screen.clocks:
        stops.setdefault((row["machine"], row["happened_ts"]), []).append(row)
    return [_sentence(str(machine), _stamp(happened), rows, zone) for (machine, happened), rows in stops.items()]


def _sentence(machine: str, happened: dt.datetime, rows: Sequence[Row], zone: dt.tzinfo) -> str:
    parts = [f"{happened.astimezone(zone):%H:%M} {machine} stopped ({rows[0]['event_kind']})"]
    for row in sorted(rows, key=lambda row: row["system"] != "factolake"):
        lag_s = _number(row["lag_us"]) / 1_000_000
        if row["system"] == "factolake":
            parts.append(f"FactoLake knew after {lag_s:.1f} s" + (" from arrival (history, played fast)" if row["is_replayed"] else ""))
        else:
            parts.append(f"{row['system']} at {_stamp(row['known_ts']).astimezone(zone):%H:%M}, {lag_s / 60:.0f} min")
    return "; ".join(parts)


def alert_sentences(screen: Screen) -> list[str]:
    """What models said of the machines, in words."""
    return [str(row["text_en"]).replace("\n", " ") for row in screen.alerts if row["state"] != "withdrawn"]


def kpi_rows(screen: Screen) -> list[dict[str, object]]:
    """The KPI table, line first: percentages as text, parts as numbers."""
    ordered = sorted(screen.shifts, key=lambda row: (row["from_ts"], row["line"], row["equipment_level"] != "ProductionLine", row["equipment"]))
    return [
        {
            "equipment": row["equipment"],
            "day": row["production_day"],
            "shift": row["shift"],
            "OEE": percent(row["oee"]) if row["oee"] is not None else f"- ({row['oee_reason']})",
            "availability": percent(row["availability"]),
            "performance": percent(row["effectiveness"]),
            "quality": percent(row["quality_ratio"]),
            "coverage": percent(row["coverage"]),
            "good": row["gq"],
            "scrap": row["sq"],
        }
        for row in ordered
    ]


def loss_rows(screen: Screen) -> list[dict[str, object]]:
    """Where the bottleneck's planned busy time went, in minutes, largest parts in the order of the waterfall."""
    total = sum(_number(row["duration_us"]) for row in screen.losses)
    return [
        {
            "part": row["loss"],
            "minutes": round(_number(row["duration_us"]) / 60_000_000, 1),
            "share": percent(_number(row["duration_us"]) / total if total else None),
        }
        for row in screen.losses
        if row["duration_us"]
    ]


def percent(value: object) -> str:
    """A ratio as a percentage; a dash for none."""
    return "-" if value is None else f"{_number(value) * 100:.1f} %"


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _stamp(value: object) -> dt.datetime:
    assert isinstance(value, dt.datetime)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
