"""Whole intervals: which slice they belong to, which are open, and which slices a change touches. Times are UTC."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from builders import Story, at, plant, refine

from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.spark import to_frame
from factolake.refine.hour_slices import CARRY_COLUMNS, touched_by_carry, touched_by_clock, touched_by_readings
from factolake.refine.machine_states import MACHINE_STATES, machine_states
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import Horizon, Inputs

HOUR = timedelta(hours=1)
TS = pa.timestamp("us", tz="UTC")


def test_an_interval_over_midnight_belongs_to_the_day_it_began_on(spark) -> None:
    # 23:50 1 ......| 00 |...... 00:20 9 ... 00:30
    story = Story().state(at("23:50"), "1").state(at("00:20", day=1), "9").alive(at("23:50"), at("00:30", day=1))
    made = refine(spark, plant(), story.rows)
    assert [(r["from_ts"], r["to_ts"], r["duration_us"], r["from_day"], r["line"]) for r in made.machine_states] == [
        (at("23:50"), at("00:20", day=1), 1_800_000_000, at("23:50").date(), "L"),
        (at("00:20", day=1), at("00:30", day=1), 600_000_000, at("00:20", day=1).date(), "L"),
    ]


def test_only_the_latest_interval_is_open(spark) -> None:
    story = Story().alive(at("06:10"), at("07:30")).state(at("06:10"), "1").state(at("06:20"), "9").state(at("07:00"), "1")
    assert [row["is_open"] for row in refine(spark, plant(), story.rows).machine_states] == [False, False, True]


def test_an_interval_is_whole_when_only_its_day_is_made_again(spark) -> None:
    # state_hours of three days; the slice of day 0 alone must give the interval to its end on day 2, and know that it is not open
    story = Story().state(at("06:10"), "9").state(at("08:00", day=2), "1").alive(at("06:10"), at("08:30", day=2), every_s=600)
    model = plant(max_silence_s=900)
    pieces = [row for row in refine(spark, model, story.rows).state_hours]
    slices = frozenset({("M1", at("06:10").date())})
    condition = MACHINE_STATES.inputs[0].rows(slices)
    frame = to_frame(spark, pa.Table.from_pylist(pieces, arrow_schema(silver.STATE_HOURS))).where(condition)
    wanted = to_frame(spark, pa.table([pa.array(["M1"]), pa.array([at("06:10").date()], pa.date32())], ["machine", "from_day"]))
    inputs = Inputs(spark, {silver.STATE_HOURS.name: frame}, wanted, plant_frames(spark, model), at("09:00", day=2))
    (row,) = machine_states(inputs).toArrow().to_pylist()
    assert (row["from_ts"], row["to_ts"], row["is_open"]) == (at("06:10"), at("08:00", day=2), False)


def test_a_changed_stretch_touches_the_day_its_interval_began_on() -> None:
    feed = pa.table({"machine": ["M1", "M1"], "state_since": pa.array([at("06:00"), at("23:59", day=3)], TS), "_change_type": ["delete", "insert"]})
    assert MACHINE_STATES.inputs[0].touch(feed, Horizon(plant(), at("09:00"))) == {("M1", at("06:00").date()), ("M1", at("06:00", day=3).date())}


def carry_feed(*rows: tuple[str, str, dict[str, object]]) -> pa.Table:
    """(change, hour, fields) of the carry of M1's state."""
    told = []
    for _, hour, fields in rows:
        base = {"machine": "M1", "hour_ts": at(hour), "signal": "state", "ts": at("05:00"), "quality": "good", "value_text": "1"}
        told.append({**base, "since_ts": at("05:00"), "gateway_ts": at("05:00"), **fields})
    table = pa.Table.from_pylist(told, pa.schema([arrow_schema(silver.CARRY).field(name) for name in CARRY_COLUMNS]))
    return table.append_column("_change_type", pa.array([change for change, *_ in rows]))


def test_a_carry_rewritten_as_it_was_touches_nothing() -> None:
    feed = carry_feed(("delete", "06:00", {}), ("insert", "06:00", {}))
    assert touched_by_carry(feed, Horizon(plant(), at("09:00"))) == set()


def test_a_changed_value_touches_its_hour_and_the_next_if_there_is_one() -> None:
    feed = carry_feed(("delete", "06:00", {}), ("insert", "06:00", {"value_text": "9"}))
    assert touched_by_carry(feed, Horizon(plant(), at("09:00"), {"M1": at("08:00")})) == {("M1", at("06:00")), ("M1", at("07:00"))}
    assert touched_by_carry(feed, Horizon(plant(), at("09:00"), {"M1": at("06:00")})) == {("M1", at("06:00"))}


def test_a_new_hour_or_a_moved_first_stamp_touches_the_hour_before_too() -> None:
    horizon = Horizon(plant(), at("09:00"), {"M1": at("07:00")})
    assert touched_by_carry(carry_feed(("insert", "07:00", {})), horizon) == {("M1", at("06:00")), ("M1", at("07:00"))}
    moved = carry_feed(("delete", "07:00", {"first_ts": at("07:10")}), ("insert", "07:00", {"first_ts": at("07:05")}))
    assert touched_by_carry(moved, horizon) == {("M1", at("06:00")), ("M1", at("07:00"))}


def test_the_clock_touches_the_newest_hour_of_dead_machines_only() -> None:
    hours = {"M1": at("07:00"), "M2": at("07:00")}
    horizon = Horizon(plant(["M1", "M2"]), at("07:10"), hours, {"M1": at("07:09:50"), "M2": at("07:05")})
    assert touched_by_clock(pa.table({"tick_ts": pa.array([at("07:10")], TS)}), horizon) == {("M2", at("07:00"))}


def test_readings_touch_the_hours_they_lie_in() -> None:
    hours = pa.array([at("06:00"), at("06:00"), datetime(2020, 1, 1, tzinfo=UTC)], TS)
    feed = pa.table({"machine": ["M1", "M1", "M2"], "hour_ts": hours})
    assert touched_by_readings(feed, Horizon(plant(), at("09:00"))) == {("M1", at("06:00")), ("M2", datetime(2020, 1, 1, tzinfo=UTC))}
