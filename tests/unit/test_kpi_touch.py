"""Which shifts a changed hour touches, and which rows a shift asks for."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pyarrow as pa
import pytest

pytest.importorskip("pyspark")

from factolake.config.plant import load_plant
from factolake.domain.calendar import Calendar, PlantCalendar, ShiftPattern, plant_zone
from factolake.kpi.overtime import reach_of
from factolake.kpi.shifts import touched_by_bad, touched_by_stops, touched_shifts, utc_days
from factolake.refine.refinement import Horizon

MODEL = load_plant(Path(__file__).parents[2] / "conf" / "plant.toml")


def hours(*stamps: datetime, machine: str = "L1-M1") -> pa.Table:
    ts = pa.array(stamps, pa.timestamp("us", tz="UTC"))
    return pa.table({"machine": pa.array([machine] * len(stamps)), "hour_ts": ts, "quality": pa.array(["good"] * len(stamps), pa.string())})


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def horizon(model: object = MODEL) -> Horizon:
    return Horizon(model, at(20, 0))  # type: ignore[arg-type]


def test_a_row_three_days_late_touches_its_own_shift_and_no_other() -> None:
    assert touched_shifts(hours(at(13, 8)), horizon()) == {("L1", date(2026, 11, 13), "early")}


def test_an_hour_after_midnight_belongs_to_the_shift_of_the_day_before() -> None:
    assert touched_shifts(hours(at(17, 1)), horizon()) == {("L1", date(2026, 11, 16), "night")}


def test_an_hour_at_a_shift_change_touches_only_the_shift_it_lies_in() -> None:
    assert touched_shifts(hours(at(16, 5)), horizon()) == {("L1", date(2026, 11, 16), "early")}


def test_a_machine_that_left_the_plant_touches_nothing() -> None:
    assert touched_shifts(hours(at(16, 8), machine="gone"), horizon()) == set()


def test_good_readings_touch_no_shift_through_the_excluded_count() -> None:
    assert touched_by_bad(hours(at(16, 8)), horizon()) == set()


def test_stops_touch_a_shift_only_under_the_nakajima_convention() -> None:
    ts = pa.array([at(16, 8)], pa.timestamp("us", tz="UTC"))
    assert touched_by_stops(pa.table({"machine": ["L1-M1"], "from_ts": ts, "to_ts": ts}), horizon()) == set()


def test_an_hour_outside_every_shift_touches_the_shift_before_for_a_day() -> None:
    weekdays = frozenset(range(5))
    calendar = PlantCalendar(plant_zone("UTC"), {"bremen": Calendar("bremen", (ShiftPattern("early", time(6), time(14), weekdays),))})
    from dataclasses import replace

    model = replace(MODEL, calendar=calendar)
    friday = {("L1", date(2026, 11, 20), "early")}
    assert touched_shifts(hours(at(20, 14)), horizon(model)) == friday
    assert touched_shifts(hours(at(21, 13)), horizon(model)) == friday
    assert touched_shifts(hours(at(21, 15)), horizon(model)) == set()
    assert reach_of(model, "L1-M1", at(20, 14)) == at(21, 14)
    assert reach_of(model, "L1-M1", at(19, 14)) == at(20, 6)


def test_a_shift_asks_for_every_utc_day_it_and_its_overtime_can_touch() -> None:
    wanted = utc_days(frozenset({("L1", date(2026, 11, 16), "night")}))
    assert wanted == {date(2026, 11, day) for day in range(15, 20)}
