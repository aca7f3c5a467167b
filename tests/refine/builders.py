"""Small plants and readings for the tests of the silver transforms: a story in, the silver tables out.

The carry is made by the real transform, so that a test sees what the chain really hands from hour to hour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from pyspark.sql import SparkSession

from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.spark import to_frame
from factolake.contracts.table import Table
from factolake.domain.calendar import PlantCalendar
from factolake.domain.equipment import Line, Machine, Nameplate, Source, Timeline
from factolake.domain.plant import PlantModel
from factolake.domain.signals import Counter, Counts, Signal, SignalKind
from factolake.lake.durable import entry_file
from factolake.lake.tables import Lake
from factolake.refine.carry import carry, hours_between
from factolake.refine.counts import counts
from factolake.refine.downtime import downtime
from factolake.refine.machine_states import machine_states
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import Inputs
from factolake.refine.state_hours import state_hours

T0 = datetime(2026, 3, 10, 6, tzinfo=UTC)
WORDS = {
    "1": "producing",
    "2": "setup",
    "3": "fault",
    "4": "starved",
    "5": "blocked",
    "9": "stopped",
    "0": "unknown",
    "OFF": "unknown",
    "*": "stopped",
}
Row = dict[str, object]


def at(clock: str, day: int = 0) -> datetime:
    """`hh:mm[:ss[.ffffff]]` on the test's day (plus `day` days), UTC."""
    hours, minutes, *rest = clock.split(":")
    seconds = float(rest[0]) if rest else 0.0
    midnight = T0.replace(hour=0)
    return midnight + timedelta(days=day, hours=int(hours), minutes=int(minutes), microseconds=round(seconds * 1_000_000))


def plant(
    machines: Sequence[str] = ("M1",),
    *,
    timeline: Timeline = Timeline.LIVE,
    max_silence_s: float | None = 30.0,
    heartbeat: bool = True,
    has_state: bool = True,
    nameplates: Sequence[Nameplate] = (),
    width_bits: int | None = None,
    parts_per_pulse: int = 1,
) -> PlantModel:
    """One line of equal machines behind one source, with state, order, product, heartbeat and two counters."""
    signals: list[Signal] = []
    for machine in machines:
        kinds = {"order": SignalKind.ORDER, "product": SignalKind.PRODUCT, "temp": SignalKind.PROCESS}
        kinds |= {"state": SignalKind.STATE} if has_state else {}
        kinds |= {"heartbeat": SignalKind.HEARTBEAT} if heartbeat else {}
        signals += [Signal("S1", f"{machine}.{name}", machine, name, kind) for name, kind in kinds.items()]
        for name, what in (("good", Counts.GOOD), ("scrap", Counts.SCRAP)):
            declared = Counter(what, parts_per_pulse, width_bits)
            signals.append(Signal("S1", f"{machine}.{name}", machine, name, SignalKind.COUNTER, counter=declared))
    return PlantModel(
        enterprise="e",
        site="s",
        time_zone="UTC",
        min_coverage=0.8,
        convention="iso22400",
        lines={"L": Line("L", "L", "e", "s", "a", machines[0], tuple(machines))},
        machines={m: Machine(m, m, "L", "S1", "words", has_state, True, heartbeat, max_silence_s) for m in machines},
        sources={"S1": Source("S1", "opcua", "opc.tcp://x", "urn:x", timeline=timeline, max_silence_s=max_silence_s)},
        signals=tuple(signals),
        nameplates=tuple(nameplates),
        calendar=PlantCalendar(UTC),
        state_maps={"words": WORDS},
    )


def nameplate(seconds: float, product: str = "P", machine: str = "M1", valid_from: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> Nameplate:
    """Planned run time of `product` on `machine`."""
    return Nameplate(machine, product, round(seconds * 1_000_000), valid_from)


@dataclass
class Story:
    """Readings in the order they are told; every one gets the next sequence number."""

    rows: list[Row] = field(default_factory=list)

    def tell(self, ts: datetime, signal: str, kind: str, machine: str = "M1", *, quality: str = "good", **values: object) -> "Story":
        hour = ts.replace(minute=0, second=0, microsecond=0)
        base: Row = {name: None for name in silver.READINGS.column_names}
        base |= {"source_id": "S1", "epoch": 1, "seq": len(self.rows), "idx": 0, "machine": machine, "signal": signal, "kind": kind, "tag": signal}
        base |= {"ts": ts, "quality": quality, "source_ts": ts, "server_ts": ts, "gateway_ts": ts, "ingest_ts": ts, "flags": 0, "log_id": "log"}
        self.rows.append({**base, "log_offset": len(self.rows), "hour_ts": hour, "day": hour.date(), "as_of": ts, **values})
        return self

    def state(self, ts: datetime, word: str | None, machine: str = "M1", **more: object) -> "Story":
        return self.tell(ts, "state", "state", machine, value_text=word, **({"quality": "bad"} if word is None else {}), **more)

    def order(self, ts: datetime, order: str, machine: str = "M1", **more: object) -> "Story":
        return self.tell(ts, "order", "order", machine, value_text=order, **more)

    def product(self, ts: datetime, product: str, machine: str = "M1", **more: object) -> "Story":
        return self.tell(ts, "product", "product", machine, value_text=product, **more)

    def count(self, ts: datetime, value: int | None, signal: str = "good", machine: str = "M1", **more: object) -> "Story":
        return self.tell(ts, signal, "counter", machine, value_i64=value, **({"quality": "bad"} if value is None else {}), **more)

    def alive(self, first: datetime, last: datetime, every_s: float = 20.0, machine: str = "M1") -> "Story":
        """Heartbeats from `first` on, and one at `last`."""
        ts = first
        while ts < last:
            self.tell(ts, "heartbeat", "heartbeat", machine, value_text="x")
            ts += timedelta(seconds=every_s)
        return self.tell(last, "heartbeat", "heartbeat", machine, value_text="x")


@dataclass(frozen=True)
class Silver:
    """The silver tables of a story."""

    state_hours: list[Row]
    machine_states: list[Row]
    counts: list[Row]
    downtime: list[Row]

    def states(self, machine: str = "M1", *, hours: bool = False) -> list[tuple[object, ...]]:
        """(hh:mm:ss from, to, state, reason) of the intervals (or of the stretches) of one machine."""
        rows = self.state_hours if hours else self.machine_states
        return [(clock(r["from_ts"]), clock(r["to_ts"]), r["state"], r["unknown_reason"]) for r in rows if r["machine"] == machine]

    def steps(self, signal: str = "good", machine: str = "M1") -> list[tuple[object, ...]]:
        """(hh:mm:ss to, event, parts, in_effectiveness) of one counter."""
        rows = [r for r in self.counts if (r["machine"], r["signal"]) == (machine, signal)]
        return [(clock(r["to_ts"]), r["event"], r["parts"], r["in_effectiveness"]) for r in rows]


def clock(ts: object) -> str:
    """The time of day, with the date in front when it is not the test's day."""
    assert isinstance(ts, datetime)
    text = ts.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    text = text.removesuffix(".000000").removeprefix(f"{T0:%Y-%m-%d}T")
    return text


def slices_of(rows: Iterable[Row], clock_ts: datetime | None, model: PlantModel) -> list[tuple[str, datetime]]:
    """Every hour of every machine from its first reading to its last, or to the clock for a live machine that has fallen silent."""
    hours: dict[str, list[datetime]] = {}
    for row in rows:
        hours.setdefault(str(row["machine"]), []).append(row["hour_ts"])  # type: ignore[arg-type]
    slices: list[tuple[str, datetime]] = []
    for machine, seen in hours.items():
        silence = model.machines[machine].max_silence_s
        is_live = model.sources["S1"].timeline is Timeline.LIVE and silence is not None
        newest = max(r["ts"] for r in rows if r["machine"] == machine)  # type: ignore[type-var]
        assert isinstance(newest, datetime)
        dead = clock_ts is not None and is_live and clock_ts - newest > timedelta(seconds=silence or 0)
        slices += [(machine, hour) for hour in hours_between(min(seen), max(*seen, clock_ts) if dead and clock_ts else max(seen))]
    return slices


def refine(spark: SparkSession, model: PlantModel, rows: list[Row], clock_ts: datetime | None = None) -> Silver:
    """All four tables of `rows`; `clock_ts` is the newest tick (default: the newest reading, so that nobody is dead)."""
    now = clock_ts or max(row["ts"] for row in rows)  # type: ignore[type-var]
    assert isinstance(now, datetime)
    slices, frames = slices_of(rows, clock_ts, model), plant_frames(spark, model)
    readings = pa.Table.from_pylist(rows, arrow_schema(silver.READINGS))
    by_hour = [pa.array([s[0] for s in slices]), pa.array([s[1] for s in slices], pa.timestamp("us", tz="UTC"))]
    wanted = to_frame(spark, pa.table(by_hour, ["machine", "hour_ts"]))

    def made(table: Table, transform: object, given: dict[Table, pa.Table], of: object) -> pa.Table:
        inputs = Inputs(spark, {t.name: to_frame(spark, data) for t, data in given.items()}, of, frames, now)
        result = transform(inputs).toArrow()  # type: ignore[operator]
        return fit(table, result.append_column("as_of", pa.array([now] * result.num_rows, pa.timestamp("us", tz="UTC"))))

    carried = made(silver.CARRY, carry, {silver.READINGS: readings, silver.CARRY: arrow_schema(silver.CARRY).empty_table()}, wanted)
    hourly = {silver.READINGS: readings, silver.CARRY: carried}
    stretches = made(silver.STATE_HOURS, state_hours, hourly, wanted)
    steps = made(silver.COUNTS, counts, hourly, wanted)
    since = {(row["machine"], row["state_since"].date()) for row in stretches.to_pylist()}
    intervals = made(silver.MACHINE_STATES, machine_states, {silver.STATE_HOURS: stretches}, _days(spark, since))
    starts = {(row["machine"], row["from_ts"].date()) for row in intervals.to_pylist()}
    stops = made(silver.DOWNTIME, downtime, {silver.MACHINE_STATES: intervals}, _days(spark, starts))
    return Silver(*(_sorted(table) for table in (stretches, intervals, steps, stops)))


def _days(spark: SparkSession, days: set[tuple[str, date]]) -> object:
    ordered = sorted(days)
    arrays = [pa.array([d[0] for d in ordered], pa.string()), pa.array([d[1] for d in ordered], pa.date32())]
    return to_frame(spark, pa.table(arrays, ["machine", "from_day"]))


def _sorted(table: pa.Table) -> list[Row]:
    rows: list[Row] = table.to_pylist()
    return sorted(rows, key=lambda r: (str(r["machine"]), str(r["to_ts"]), str(r.get("signal", "")), int(str(r.get("seq", 0)))))


def without_history(lake: Lake, table: Table) -> None:
    """What a careless clean-up leaves: a checkpoint of the newest version and no commit before it."""
    handle = lake.open(table)
    handle.checkpoint()
    for version in range(handle.version):
        entry_file(handle.path, version).unlink()


def without_one_commit(lake: Lake, table: Table) -> None:
    """One commit lost from the middle, below a checkpoint: the table opens, its feed breaks off."""
    handle = lake.open(table)
    handle.checkpoint()
    entry_file(handle.path, handle.version - 1).unlink()
