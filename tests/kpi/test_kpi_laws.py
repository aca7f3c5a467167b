"""Laws of the KPI tables on random shifts: exact sums, the same elements as the plain computation, one OEE in both conventions."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from hand_made import Row, a_plant, count, make, plate, state

from factolake.contracts.gold import TIME_ELEMENTS
from factolake.domain.calendar import Break, Calendar, ShiftPattern
from factolake.domain.plant import PlantModel
from factolake.domain.states import MachineState
from factolake.kpi.formulas import PARTS_OF_PBT
from factolake.kpi.losses import LOSSES
from factolake.kpi.oee_hour import OEE_HOUR
from factolake.kpi.oee_shift import OEE_SHIFT
from factolake.kpi.overtime import reach_of
from factolake.kpi.pieces import Stretch, elements_of, pieces_of
from factolake.refine.refinement import Slice

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from factolake.lake.engine import Engine

DAY = date(2026, 11, 16)
BEGIN = datetime(2026, 11, 16, 5, tzinfo=UTC)
MACHINES = [f"M{i}" for i in range(40)]
CALENDAR = Calendar("site", (ShiftPattern("early", time(6), time(14)),), (Break(time(10), time(10, 30)),))
SLICE: list[Slice] = [("L1", DAY, "early")]
STATES = [state.value for state in MachineState]


def plant(convention: str = "iso22400") -> PlantModel:
    return a_plant(
        machines=MACHINES, calendar=CALENDAR, plates=[plate("P", 31, machine=m) for m in MACHINES], convention=convention, short_stop_s=900
    )


def random_rows(seed: int) -> dict[str, list[Row]]:
    """Ten hours of every machine: stretches of random length (gaps too), stops as silver.downtime has them, counter steps."""
    rng = random.Random(seed)
    rows: dict[str, list[Row]] = {"state_hours": [], "counts": [], "downtime": []}
    for machine in MACHINES:
        now = BEGIN + timedelta(microseconds=rng.randrange(3_600_000_000))
        while now < BEGIN + timedelta(hours=rng.choice([7, 10])):
            end = now + timedelta(microseconds=rng.randrange(1, 3_000_000_000))
            word, order = rng.choice(STATES), rng.choice(["O1", None])
            rows["state_hours"] += state(machine, now, end, word, order=order)
            if word in ("fault", "stopped", "waiting", "starved", "blocked"):
                stop = {"machine": machine, "line": "L1", "from_ts": now, "to_ts": end, "state": word, "from_day": now.date()}
                rows["downtime"].append({**stop, "duration_us": (end - now) // timedelta(microseconds=1)})
            made = rng.randrange(40)
            rows["counts"].append(count(machine, end, "total", made, timed=rng.random() < 0.8))
            rows["counts"].append(count(machine, end, "good", rng.randrange(made + 1), timed=rng.random() < 0.8))
            now = end + rng.choice([timedelta(0), timedelta(microseconds=rng.randrange(600_000_000))])
    return rows


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_losses_sum_to_planned_busy_time_to_the_microsecond(sail: Engine, seed: int) -> None:
    rows = random_rows(seed)
    busy = {row["equipment"]: row for row in make(sail.spark, OEE_SHIFT, plant(), SLICE, rows) if row["equipment_level"] == "WorkUnit"}
    sums = dict.fromkeys(MACHINES, 0)
    for row in make(sail.spark, LOSSES, plant(), SLICE, rows):
        assert isinstance(row["duration_us"], int)
        sums[str(row["machine"])] += row["duration_us"]
    assert sums == {machine: row["pbt_us"] for machine, row in busy.items()}
    assert all(row["pbt_us"] == sum(row[name] for name in PARTS_OF_PBT) for row in busy.values())  # type: ignore[misc]


@pytest.mark.parametrize("seed", [4, 5])
def test_elements_equal_those_computed_piece_by_piece(sail: Engine, seed: int) -> None:
    rows, model = random_rows(seed), plant()
    start, end = datetime(2026, 11, 16, 6, tzinfo=UTC), datetime(2026, 11, 16, 14, tzinfo=UTC)
    segments = model.calendar.segments(("site",), start, end)
    for row in make(sail.spark, OEE_SHIFT, model, SLICE, rows):
        if row["equipment_level"] == "WorkUnit":
            machine = str(row["equipment"])
            mine = [r for r in rows["state_hours"] if r["machine"] == machine]
            stretches = [Stretch(r["from_ts"], r["to_ts"], MachineState(str(r["state"])), r["order_id"] is not None) for r in mine]  # type: ignore[arg-type]
            expected = elements_of(pieces_of(stretches, segments, start, reach_of(model, machine, end)))
            assert {c.name: row[c.name] for c in TIME_ELEMENTS} == expected


def test_moving_short_stops_to_performance_leaves_oee_as_it_was(sail: Engine) -> None:
    rows = random_rows(6)
    iso, nakajima = (make(sail.spark, OEE_SHIFT, plant(convention), SLICE, rows) for convention in ("iso22400", "nakajima"))
    assert [row["oee"] for row in nakajima] == pytest.approx([row["oee"] for row in iso], nan_ok=False)
    pairs = [(a, b) for a, b in zip(iso, nakajima, strict=True) if a["oee"] is not None]
    assert any(b["availability"] > a["availability"] and b["effectiveness"] < a["effectiveness"] for a, b in pairs)  # type: ignore[operator]
    assert [[row[c.name] for c in TIME_ELEMENTS] for row in iso] == [[row[c.name] for c in TIME_ELEMENTS] for row in nakajima]


def test_hours_of_a_shift_sum_to_its_minutes(spark: SparkSession) -> None:
    one = [row for row in random_rows(7)["state_hours"] if row["machine"] == "M0"]
    begin = min(row["from_ts"] for row in one)  # type: ignore[type-var]
    rows = {"state_hours": [*state("M0", BEGIN, begin, "unknown"), *one]}  # type: ignore[arg-type]
    hours: list[Slice] = [("M0", BEGIN + timedelta(hours=h)) for h in range(12)]
    by_hour = [row for row in make(spark, OEE_HOUR, plant(), hours, rows)]
    (shift,) = [row for row in make(spark, OEE_SHIFT, plant(), SLICE, rows) if row["equipment"] == "M0"]
    early = sum(r["apt_us"] for r in by_hour if r["hour_ts"] == BEGIN)  # type: ignore[misc]
    for name in ("apt_us", "aust_us", "adet_us", "adot_us"):
        total = sum(row[name] for row in by_hour)  # type: ignore[misc]
        assert total - (early if name == "apt_us" else 0) == shift[name]


def test_readings_with_bad_status_are_counted_in_their_hour_and_shift_and_nowhere_else(spark: SparkSession) -> None:
    def bad(machine: str, at: datetime, quality: str = "bad") -> Row:
        hour = at.replace(minute=0)
        return {"machine": machine, "ts": at, "hour_ts": hour, "day": hour.date(), "quality": quality, "signal": "x", "kind": "process"}

    seven = BEGIN + timedelta(hours=2)
    readings = [bad("M0", seven), bad("M0", seven + timedelta(minutes=9)), bad("M0", seven, "good"), bad("M1", seven), bad("M0", BEGIN)]
    rows = {"state_hours": [*state("M0", BEGIN, seven + timedelta(hours=1), "producing")], "readings": readings}
    (hour,) = make(spark, OEE_HOUR, plant(), [("M0", seven)], rows)
    by_equipment = {row["equipment"]: row["excluded_readings"] for row in make(spark, OEE_SHIFT, plant(), SLICE, rows)}
    assert hour["excluded_readings"] == 2
    assert [by_equipment[name] for name in ("M0", "M1", "M2", "L1")] == [2, 1, 0, 3]
