"""Carry: the last value of each signal at each hour's end, dense, against a loop that walks the rows one by one."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.config import load_plant
from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.spark import to_frame
from factolake.refine.carry import CARRY, carry, hours_between
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import Horizon, Inputs

T0 = datetime(2026, 11, 22, 10, tzinfo=UTC)
PLANT = Path(__file__).parents[2] / "conf/plant.toml"
HOUR = timedelta(hours=1)
KNOWN = (("counter", "value_i64", 7), ("order", "value_text", "A"))


def reading(machine: str, signal: str, kind: str, seq: int, ts: datetime, **fields: object) -> dict[str, object]:
    hour = ts.replace(minute=0, second=0, microsecond=0)
    row = {"source_id": "line1-opcua", "epoch": 1, "seq": seq, "idx": 0, "machine": machine, "signal": signal, "kind": kind, "tag": signal, "ts": ts}
    row |= {"quality": "good", "gateway_ts": ts, "ingest_ts": ts, "flags": 0, "log_id": "log", "log_offset": seq, "hour_ts": hour, "day": hour.date()}
    return {**row, "as_of": ts, **fields}


class Bench:
    def __init__(self, spark) -> None:
        self.spark = spark
        self.plant = plant_frames(spark, load_plant(PLANT))

    def run(self, rows: list[dict[str, object]], slices: list[tuple[str, datetime]], before: pa.Table | None = None) -> pa.Table:
        frames = {
            silver.READINGS.name: to_frame(self.spark, pa.Table.from_pylist(rows, arrow_schema(silver.READINGS))),
            silver.CARRY.name: to_frame(self.spark, before if before is not None else arrow_schema(silver.CARRY).empty_table()),
        }
        columns = [pa.array([s[0] for s in slices]), pa.array([s[1] for s in slices], pa.timestamp("us", tz="UTC"))]
        wanted = to_frame(self.spark, pa.table(columns, ["machine", "hour_ts"]))
        made = carry(Inputs(self.spark, frames, wanted, self.plant, T0)).toArrow()
        return fit(silver.CARRY, made.append_column("as_of", pa.array([T0] * made.num_rows, pa.timestamp("us", tz="UTC"))))


def by_key(table: pa.Table) -> dict[tuple[str, datetime, str], dict[str, object]]:
    return {(row["machine"], row["hour_ts"], row["signal"]): row for row in table.to_pylist()}


@pytest.fixture
def bench(spark) -> Bench:
    return Bench(spark)


def test_a_state_unchanged_for_three_days_is_known_in_every_hour(bench: Bench) -> None:
    hours = hours_between(T0, T0 + timedelta(days=3))
    rows = [reading("L1-M1", "state", "state", 1, T0 + timedelta(minutes=5), value_text="1")]
    rows += [reading("L1-M1", "heartbeat", "heartbeat", 2 + n, hour + timedelta(minutes=30), value_text="x") for n, hour in enumerate(hours)]
    made = by_key(bench.run(rows, [("L1-M1", hour) for hour in hours]))
    last = made[("L1-M1", hours[-1], "state")]
    assert (last["value_text"], last["since_ts"], last["first_ts"]) == ("1", T0 + timedelta(minutes=5), None)
    assert made[("L1-M1", hours[-1], "_evidence")]["first_ts"] == hours[-1] + timedelta(minutes=30)


def test_a_measured_value_is_carried_only_where_somebody_watches_it(bench: Bench) -> None:
    # motor_temp 60.5 at :05, :10 and again in the next hour; L1-M2 is not watched
    model = load_plant(PLANT)
    watched = (replace(s, stuck_after_s=600.0) if (s.machine, s.name) == ("L1-M1", "motor_temp") else s for s in model.signals)
    bench.plant = plant_frames(bench.spark, replace(model, signals=tuple(watched)))
    stamps = [T0 + timedelta(minutes=minutes) for minutes in (5, 10, 70)]
    told = [(machine, seq, ts) for machine in ("L1-M1", "L1-M2") for seq, ts in enumerate(stamps)]
    rows = [reading(machine, "motor_temp", "process", seq, ts, value=60.5) for machine, seq, ts in told]
    made = by_key(bench.run(rows, [(machine, hour) for machine in ("L1-M1", "L1-M2") for hour in (T0, T0 + HOUR)]))
    carried = {key: (row["since_ts"], row["ts"], row["value"]) for key, row in made.items() if key[2] == "motor_temp"}
    assert carried == {("L1-M1", T0, "motor_temp"): (stamps[0], stamps[1], 60.5), ("L1-M1", T0 + HOUR, "motor_temp"): (stamps[0], stamps[2], 60.5)}


def test_the_chain_goes_on_from_the_hour_before(bench: Bench) -> None:
    first = bench.run([reading("L1-M1", "state", "state", 1, T0 + timedelta(minutes=5), value_text="1")], [("L1-M1", T0)])
    rows = [reading("L1-M1", "state", "state", 2, T0 + HOUR + timedelta(minutes=1), value_text="1")]
    second = by_key(bench.run(rows, [("L1-M1", T0 + HOUR), ("L1-M1", T0 + 2 * HOUR)], before=first))
    assert second[("L1-M1", T0 + HOUR, "state")]["since_ts"] == T0 + timedelta(minutes=5)
    assert second[("L1-M1", T0 + 2 * HOUR, "state")]["seq"] == 2


@pytest.mark.parametrize(("quality", "minute"), [("uncertain", 1), ("bad", 2)])
def test_a_bad_status_begins_a_new_run_of_the_same_word_and_an_uncertain_one_does_not(bench: Bench, quality: str, minute: int) -> None:
    rows = [
        reading("L1-M1", "state", "state", 1, T0 + timedelta(minutes=1), value_text="1"),
        reading("L1-M1", "state", "state", 2, T0 + timedelta(minutes=2), value_text="1", quality=quality),
    ]
    assert by_key(bench.run(rows, [("L1-M1", T0)]))[("L1-M1", T0, "state")]["since_ts"] == T0 + timedelta(minutes=minute)


def test_of_equal_stamps_the_last_counts_and_does_not_break_the_run(bench: Bench) -> None:
    words = [(1, "1"), (2, "3"), (2, "1")]
    rows = [reading("L1-M1", "state", "state", seq, T0 + timedelta(minutes=m), value_text=word) for seq, (m, word) in enumerate(words)]
    last = by_key(bench.run(rows, [("L1-M1", T0)]))[("L1-M1", T0, "state")]
    assert (last["value_text"], last["since_ts"], last["seq"]) == ("1", T0 + timedelta(minutes=1), 2)


def test_a_bad_reading_hides_no_counter_or_order(bench: Bench) -> None:
    rows = [reading("L1-M1", kind, kind, seq, T0, **{field: value}) for seq, (kind, field, value) in enumerate(KNOWN)]
    rows += [reading("L1-M1", kind, kind, 10 + seq, T0 + timedelta(minutes=1), quality="bad") for seq, (kind, _, _) in enumerate(KNOWN)]
    made = by_key(bench.run(rows, [("L1-M1", T0)]))
    assert {kind: made[("L1-M1", T0, kind)][field] for kind, field, _ in KNOWN} == {kind: value for kind, _, value in KNOWN}


def test_only_the_declared_heartbeat_is_evidence_of_a_machine_that_has_one(bench: Bench) -> None:
    rows = [
        reading("L1-M1", "heartbeat", "heartbeat", 1, T0, value_text="1"),
        reading("L1-M1", "connection", "heartbeat", 2, T0 + timedelta(minutes=9)),
        reading("L1-M1", "power", "process", 3, T0 + timedelta(minutes=9), value=1.0),
        reading("L1-M1", "heartbeat", "heartbeat", 4, T0 + timedelta(minutes=9), quality="bad"),
    ]
    assert by_key(bench.run(rows, [("L1-M1", T0)]))[("L1-M1", T0, "_evidence")]["ts"] == T0


def test_carry_equals_a_loop_over_the_rows(bench: Bench) -> None:
    chance = random.Random(7)
    machines = [f"L1-M{n}" for n in range(1, 7)]
    rows = []
    for seq in range(900):
        machine, kind = chance.choice(machines), chance.choice(["state", "order", "counter", "heartbeat"])
        ts = T0 + timedelta(seconds=chance.randrange(0, 5 * 3600, 7))
        value = {"value_i64": chance.randrange(50)} if kind == "counter" else {"value_text": str(chance.randrange(3))}
        rows.append(reading(machine, kind, kind, seq, ts, quality=chance.choice(["good", "good", "bad"]), **value))
    slices = [(machine, hour) for machine in machines for hour in hours_between(T0, T0 + 5 * HOUR)]
    made = by_key(bench.run(rows, slices))
    assert {key: tuple(made[key][name] for name in ("seq", "ts", "first_ts", "since_ts")) for key in made} == _walked(rows, slices)


def _walked(rows: list[dict], slices: list[tuple[str, datetime]]) -> dict:
    """The same by hand: walk each machine's rows in order, remember per signal (seq, ts, first in hour, since)."""
    expected = {}
    for machine in {machine for machine, _ in slices}:
        usable = [r for r in rows if r["machine"] == machine and (r["kind"] == "state" or r["quality"] != "bad")]
        last = {(r["signal"], r["ts"]): r["seq"] for r in sorted(usable, key=lambda r: r["seq"])}
        mine = sorted((r for r in usable if r["seq"] == last[r["signal"], r["ts"]]), key=lambda r: (r["ts"], r["seq"]))
        held: dict[str, dict] = {}
        for hour in sorted(h for m, h in slices if m == machine):
            for state in held.values():
                state["first"] = None
            for row in (r for r in mine if r["hour_ts"] == hour):
                word = (row.get("value_i64"), row.get("value_text"), row["quality"])
                if row["kind"] != "heartbeat":
                    _note(held, row["signal"], row, word, None)
                if row["kind"] == "heartbeat" and row["quality"] == "good":
                    _note(held, "_evidence", row, "alive", timedelta(seconds=30))
            for signal, state in held.items():
                expected[(machine, hour, signal)] = (state["seq"], state["ts"], state["first"], state["since"])
    return expected


def _note(held: dict[str, dict], signal: str, row: dict, word: object, silence: timedelta | None) -> None:
    old = held.get(signal)
    broken = old is None or old["word"] != word or (silence is not None and row["ts"] - old["ts"] > silence)
    since = row["ts"] if broken else old["since"]
    first = row["ts"] if old is None or old["first"] is None else old["first"]
    held[signal] = {"seq": row["seq"], "ts": row["ts"], "word": word, "since": since, "first": first}


def test_a_late_row_touches_its_hour_and_every_hour_after_it() -> None:
    horizon = Horizon(load_plant(PLANT), T0, {"L1-M1": T0 + 3 * HOUR})
    touch = CARRY.inputs[0].touch
    changes = pa.table({"machine": ["L1-M1"], "hour_ts": pa.array([T0 + HOUR], pa.timestamp("us", tz="UTC"))})
    assert touch(changes, horizon) == {("L1-M1", T0 + n * HOUR) for n in (1, 2, 3)}


def test_the_clock_touches_only_machines_that_fell_silent() -> None:
    model = load_plant(PLANT)
    arrivals = {"L1-M1": T0, "L1-M2": T0 + timedelta(hours=2, minutes=5)}
    horizon = Horizon(model, T0 + timedelta(hours=2, minutes=5), {"L1-M1": T0, "L1-M2": T0}, arrivals)
    ticks = pa.table({"tick_ts": pa.array([T0], pa.timestamp("us", tz="UTC"))})
    assert CARRY.inputs[1].touch(ticks, horizon) == {("L1-M1", T0 + HOUR), ("L1-M1", T0 + 2 * HOUR)}
