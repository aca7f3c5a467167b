"""Features on a real lake: a minute is made when it is over, late rows make it again, and pass by pass comes to what one pass makes."""

import random
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.config import load_plant
from factolake.contracts import bronze, ops
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.silver_features import SILVER_FEATURES
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.refine.carry import CARRY
from factolake.refine.counts import COUNTS
from factolake.refine.features_cycle import FEATURES_CYCLE
from factolake.refine.features_window import FEATURES_WINDOW
from factolake.refine.plant_model import record_plant
from factolake.refine.readings import QUARANTINE, READINGS
from factolake.refine.runner import Runner
from factolake.refine.window_regimes import WINDOW_REGIMES

T0 = datetime(2026, 11, 22, 10, tzinfo=UTC)
PLANT = load_plant(Path(__file__).parents[2] / "conf/plant.toml")
OWN = (FEATURES_WINDOW, WINDOW_REGIMES, FEATURES_CYCLE)
CHAIN = (QUARANTINE, READINGS, CARRY, COUNTS, *OWN)
NAMES = {refinement.name for refinement in OWN}
Told = tuple[str, float, object]


class Bench:
    """A lake with bronze rows of machine L1-M1 put in by hand, and a runner over what its features are made from."""

    def __init__(self, sail, root: Path) -> None:
        self.sail, self.clock, self.lake, self.seq = sail, ManualClock(T0 + timedelta(hours=3)), Lake(root / "lake"), 0
        for table in (bronze.READINGS, ops.CLOCK):
            self.lake.ensure(table)
        self.restart()

    def restart(self) -> None:
        record_plant(self.lake, PLANT, self.clock)
        self.runner = Runner(self.lake, self.sail, PLANT, self.clock)

    def land(self, *rows: Told) -> dict[str, int]:
        """(tag, seconds after T0, value), one commit, refined: changed slices of the tables of features."""
        messages = []
        for tag, second, value in rows:
            self.seq += 1
            ts, kind = T0 + timedelta(seconds=second), {float: "f64", int: "i64", str: "text"}[type(value)]
            message = {"source_id": "line1-opcua", "epoch": 1, "seq": self.seq, "idx": 0, "tag": f"L1-M1.{tag}", "status": 0, "flags": 0}
            message |= {"source_ts": ts, "server_ts": ts, "gateway_ts": ts, "ingest_ts": ts, "ingest_date": T0.date(), "value_kind": kind}
            messages.append(message | {"log_id": "log", "log_offset": self.seq, f"value_{kind}": value})
        self.lake.open(bronze.READINGS).append(pa.Table.from_pylist(messages, arrow_schema(bronze.READINGS)), {})
        return self.refine()

    def refine(self) -> dict[str, int]:
        results = [self.runner.run(refinement) for refinement in CHAIN]
        return {result.refinement: result.changed_slices for result in results if result.changed and result.refinement in NAMES}

    def rows(self, table: Table) -> list[dict[str, object]]:
        data = self.lake.open(table).read().drop_columns(["as_of"])
        return data.sort_by([(name, "ascending") for name in table.key]).to_pylist()

    def features(self) -> list[list[dict[str, object]]]:
        return [self.rows(table) for table in SILVER_FEATURES]

    def minutes(self) -> dict[str, float]:
        """Mean of the motor's temperature by minute."""
        rows = self.rows(FEATURES_WINDOW.output)
        return {f"{row['window_ts']:%H:%M}": row["mean"] for row in rows if row["signal"] == "motor_temp"}  # type: ignore[misc]


@pytest.fixture
def bench(sail, tmp_path: Path) -> Bench:
    return Bench(sail, tmp_path)


def warm(second: float, value: float) -> Told:
    return ("Motor.Temperature", second, value)


def beat(second: float) -> Told:
    return ("Heartbeat", second, int(second))


def test_a_minute_is_made_once_when_it_is_over_and_again_when_a_late_row_comes(bench: Bench) -> None:
    assert bench.land(("State", 0, 1), ("Product", 0, "P"), beat(0), warm(0, 20.0)) == {}
    assert bench.land(beat(20), warm(20, 22.0)) == {}, "a pass inside a minute has nothing to do"
    assert bench.land(beat(60)) == {"features_window": 1, "window_regimes": 1}
    assert bench.minutes() == {"10:00": 21.0}
    assert [(row["running_s"], row["product"]) for row in bench.rows(WINDOW_REGIMES.output)] == [(60.0, "P")]
    assert bench.land(beat(80), warm(80, 30.0)) == {}
    assert bench.land(warm(59.5, 24.0)) == {"features_window": 1}, "the same minutes as before: what the machine did stays"
    assert bench.minutes() == {"10:00": 22.0}
    assert bench.land(("State", 30, 3)) == {"window_regimes": 1}
    assert [row["running_s"] for row in bench.rows(WINDOW_REGIMES.output)] == [30.0]


def test_the_last_minute_of_an_hour_is_made_by_the_hour_after_whose_state_a_late_row_changes(bench: Bench) -> None:
    bench.land(("State", 0, 1), beat(0), beat(3590), warm(3590, 20.0))
    assert bench.minutes() == {}
    assert bench.land(beat(3600), warm(3610, 30.0)) == {"features_window": 1, "window_regimes": 1}
    bench.land(beat(3660))
    assert bench.minutes() == {"10:59": 20.0, "11:00": 30.0}
    bench.land(("State", 3599, 3))
    assert [row["running_s"] for row in bench.rows(WINDOW_REGIMES.output)] == [59.0, 0.0]


def test_cycles_are_made_when_their_minute_is_over_also_across_the_hour(bench: Bench) -> None:
    lives = [beat(second) for second in range(3500, 3660, 5)]
    bench.land(*lives, ("Count.Total", 3540, 1), ("Count.Total", 3570, 2), warm(3580, 20.0), ("Count.Total", 3610, 3), warm(3600, 40.0))
    assert bench.rows(FEATURES_CYCLE.output) == []
    assert bench.land(beat(3660))["features_cycle"] == 1
    bench.land(warm(3590, 30.0))
    (row,) = (row for row in bench.rows(FEATURES_CYCLE.output) if row["signal"] == "motor_temp")
    assert (row["cycle_ts"], row["duration_s"], row["n"], row["mean"], row["hour_ts"]) == (
        T0 + timedelta(seconds=3610),
        40.0,
        3,
        30.0,
        T0 + timedelta(hours=1),
    )


def told(rng: random.Random) -> list[Told]:
    """An hour and a half of everything, in the order in which it comes: up to ten minutes late, now and then an hour."""
    rows: list[Told] = [beat(second) for second in range(0, 5400, 5)]
    for _ in range(400):
        second = float(rng.randrange(5400))
        rows.append(
            rng.choice((warm(second, rng.gauss(40, 2)), warm(second, 40.0), ("Speed.Setpoint", second, 100.0), ("Spindle.Load", second, 5.0)))
        )
    rows += [("State", rng.randrange(5400), rng.choice((1, 1, 2, 3))) for _ in range(25)]
    rows += [("Product", rng.randrange(5400), rng.choice("PQ")) for _ in range(8)]
    rows += [("Count.Total", second, count) for count, second in enumerate(sorted(rng.sample(range(5400), 150)))]
    return sorted(rows, key=lambda row: row[1] + rng.choice((0, rng.random() * 600, rng.random() * 600, 3600 * (rng.random() < 0.05))))


def test_pass_by_pass_in_any_order_comes_to_what_one_pass_makes(bench: Bench) -> None:
    rng = random.Random(4)
    rows = told(rng)
    cuts = [0, *sorted(rng.sample(range(len(rows)), 3)), len(rows)]
    for first, last in pairwise(cuts):
        bench.land(*rows[first:last])
        if rng.random() < 0.5:
            bench.restart()
    grown = bench.features()
    assert bench.refine() == {} and all(len(table) > 50 for table in grown)
    for refinement in CHAIN:
        shutil.rmtree(bench.lake.path(refinement.output))
    bench.restart()
    bench.refine()
    assert bench.features() == grown
