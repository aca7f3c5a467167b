"""Stops: where they end, what they are called, who is asked, and which neighbour caused them. Times are UTC."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from builders import Row, Story, at, clock, plant, refine

from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.spark import to_frame
from factolake.refine.downtime import DOWNTIME, LOOKBACK_DAYS, downtime
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import Horizon, Inputs


def line(*told: tuple[str, str, str], to: str = "08:00", machines: tuple[str, ...] = ("M1", "M2", "M3")) -> list[Row]:
    """(machine, clock, word) on a line that lives from 06:00 to `to`."""
    story = Story()
    for machine in machines:
        story.alive(at("06:00"), at(to), machine=machine, every_s=25)
    for machine, moment, word in told:
        story.state(at(moment), word, machine)
    return story.rows


def stops(rows: list[Row], machine: str = "M1") -> list[tuple[object, ...]]:
    return [(clock(r["from_ts"]), clock(r["to_ts"]), r["state"]) for r in rows if r["machine"] == machine]


def test_adjoining_stop_states_are_one_stop_named_after_the_longest(spark) -> None:
    # 06:00 1 | 06:10 9 | 06:12 3 | 06:20 4 | 06:30 3 | 06:35 1    fault 13 min, starved 10, stopped 2
    rows = line(("M1", "06:00", "1"), ("M1", "06:10", "9"), ("M1", "06:12", "3"), ("M1", "06:20", "4"), ("M1", "06:30", "3"), ("M1", "06:35", "1"))
    (stop,) = refine(spark, plant(["M1", "M2", "M3"]), rows).downtime
    assert (stop["from_ts"], stop["to_ts"], stop["state"], stop["state_raw"]) == (at("06:10"), at("06:35"), "fault", "3")
    assert (stop["duration_us"], stop["is_open"], stop["asks_reason"], stop["reason"]) == (1_500_000_000, False, True, "unclassified")
    assert (stop["first_gateway_ts"], stop["from_day"], stop["line"]) == (at("06:10"), at("06:10").date(), "L")


def test_a_tie_goes_to_the_state_that_came_first(spark) -> None:
    rows = line(("M1", "06:00", "1"), ("M1", "06:10", "9"), ("M1", "06:20", "3"), ("M1", "06:30", "1"))
    assert stops(refine(spark, plant(["M1", "M2", "M3"]), rows).downtime) == [("06:10:00", "06:30:00", "stopped")]


@pytest.mark.parametrize("word", ["1", "2", "0", None])
def test_producing_setup_and_unknown_all_end_a_stop_and_nothing_swallows_the_next_one(spark, word) -> None:
    # 06:10 9 | 06:20 word | 06:21 9 | 06:30 1
    rows = line(("M1", "06:10", "9"), ("M1", "06:20", word), ("M1", "06:21", "9"), ("M1", "06:30", "1"))
    assert stops(refine(spark, plant(["M1", "M2", "M3"]), rows).downtime) == [
        ("06:10:00", "06:20:00", "stopped"),
        ("06:21:00", "06:30:00", "stopped"),
    ]


def test_short_stops_and_neighbours_faults_ask_nobody(spark) -> None:
    # stopped exactly 5 min, stopped 5 min 1 s, starved 20 min
    told = [("06:10", "9"), ("06:15", "1"), ("06:20", "9"), ("06:25:01", "1"), ("06:30", "4"), ("06:50", "1")]
    rows = line(*(("M1", moment, word) for moment, word in told))
    made = refine(spark, plant(["M1", "M2", "M3"]), rows).downtime
    assert [(r["asks_reason"], r["reason"]) for r in made] == [(False, None), (True, "unclassified"), (False, None)]


def test_a_stop_over_midnight_is_one_stop_of_the_day_it_began_on(spark) -> None:
    story = Story().state(at("23:00"), "1").state(at("23:50"), "9").state(at("00:10", day=1), "3").state(at("00:20", day=1), "1")
    story.alive(at("23:00"), at("00:30", day=1))
    (stop,) = refine(spark, plant(), story.rows).downtime
    assert (stop["from_ts"], stop["to_ts"], stop["from_day"]) == (at("23:50"), at("00:20", day=1), at("23:50").date())


def test_the_last_stop_is_open(spark) -> None:
    (stop,) = refine(spark, plant(["M1", "M2", "M3"]), line(("M1", "06:00", "1"), ("M1", "07:50", "9"), to="07:59")).downtime
    assert (stop["is_open"], stop["to_ts"]) == (True, at("07:59"))


@pytest.mark.parametrize(
    ("told", "machine", "cause"),
    [
        ([("M1", "06:00", "3"), ("M2", "06:00", "4"), ("M3", "06:05", "4")], "M3", "M1"),
        ([("M1", "06:00", "1"), ("M2", "06:00", "3"), ("M3", "06:05", "4")], "M3", "M2"),
        ([("M1", "06:00", "3"), ("M2", "06:00", "1"), ("M3", "06:05", "4")], "M3", None),
        ([("M1", "06:00", "3"), ("M3", "06:05", "4")], "M3", None),
        ([("M1", "06:05", "5"), ("M2", "06:00", "5"), ("M3", "06:00", "9")], "M1", "M3"),
        ([("M1", "06:05", "5"), ("M2", "06:00", "9"), ("M3", "06:00", "3")], "M1", "M2"),
        ([("M1", "06:05", "4"), ("M2", "06:00", "9")], "M1", None),
        ([("M2", "06:00", "3"), ("M3", "06:05", "9")], "M3", None),
        ([("M2", "06:00", "3"), ("M2", "06:05", "1"), ("M3", "06:05", "4")], "M3", None),
        ([("M2", "06:05", "3"), ("M3", "06:05", "4")], "M3", "M2"),
    ],
    ids=["walks-up", "nearest", "producing-ends", "unknown-ends", "walks-down", "blocked-nearest", "no-upstream", "own-fault", "just-ended", "same"],
)
def test_the_neighbour_that_stood_still_is_the_cause(spark, told, machine, cause) -> None:
    made = refine(spark, plant(["M1", "M2", "M3"]), line(*told)).downtime
    assert {r["causing_machine"] for r in made if r["machine"] == machine} == {cause}


def interval(machine: str, start: datetime, end: datetime, state: str, *, is_open: bool = False) -> Row:
    base: Row = {"machine": machine, "line": "L", "from_ts": start, "to_ts": end, "state": state, "state_raw": state, "unknown_reason": None}
    span = round((end - start) / timedelta(microseconds=1))
    return {**base, "duration_us": span, "is_open": is_open, "gateway_ts": start, "from_day": start.date(), "as_of": end}


def feed(*rows: tuple[str, Row]) -> pa.Table:
    schema = pa.schema([arrow_schema(silver.MACHINE_STATES).field(name) for name in DOWNTIME.inputs[0].columns])
    table = pa.Table.from_pylist([{name: row[name] for name in schema.names} for _, row in rows], schema)
    return table.append_column("_change_type", pa.array([change for change, _ in rows]))


def touched(*rows: tuple[str, Row]) -> set[tuple[object, ...]]:
    return DOWNTIME.inputs[0].touch(feed(*rows), Horizon(plant(["M1", "M2"]), at("09:00")))


def test_a_rewritten_day_without_a_difference_touches_nothing() -> None:
    row = interval("M1", at("06:00"), at("07:00"), "producing")
    assert touched(("delete", row), ("insert", row)) == set()


def test_a_growing_interval_touches_only_the_present_day_of_its_line() -> None:
    before, after = (interval("M1", at("06:00"), at(to, day=2), "producing", is_open=True) for to in ("07:00", "07:01"))
    start = interval("M1", at("05:00"), at("06:00"), "producing")
    touches = touched(("delete", start), ("delete", before), ("insert", start), ("insert", after))
    assert touches == {("M1", at("06:00").date()), ("M1", at("07:00", day=2).date()), ("M2", at("07:00", day=2).date())}


def test_an_interval_reached_by_stop_states_from_midnight_touches_the_days_before() -> None:
    rows = [interval("M1", at("00:00"), at("06:00"), "stopped"), interval("M1", at("06:00"), at("07:00"), "fault")]
    days = {day for machine, day in touched(*(("insert", row) for row in rows)) if machine == "M1"}
    assert days == {at("00:00").date() - timedelta(days=step) for step in range(LOOKBACK_DAYS + 1)}


def test_one_slice_alone_gives_its_stops_whole_and_none_that_began_before(spark) -> None:
    # day 0 23:00 stopped .. day 1 01:00 fault .. 02:00 producing .. 05:00 fault ...... day 2 03:00 producing
    rows = [
        interval("M1", at("23:00"), at("01:00", day=1), "stopped"),
        interval("M1", at("01:00", day=1), at("02:00", day=1), "fault"),
        interval("M1", at("02:00", day=1), at("05:00", day=1), "producing"),
        interval("M1", at("05:00", day=1), at("02:00", day=2), "fault"),
        interval("M1", at("02:00", day=2), at("03:00", day=2), "stopped"),
        interval("M1", at("03:00", day=2), at("04:00", day=2), "producing", is_open=True),
    ]
    assert one_day(spark, rows, at("00:00", day=1).date()) == [(at("05:00", day=1), at("03:00", day=2))]
    assert one_day(spark, rows, at("00:00").date()) == [(at("23:00"), at("02:00", day=1))]
    assert one_day(spark, rows, at("00:00", day=2).date()) == []


def one_day(spark, rows: list[Row], day: date) -> list[tuple[object, object]]:
    condition = DOWNTIME.inputs[0].rows(frozenset({("M1", day)}))
    frame = to_frame(spark, pa.Table.from_pylist(rows, arrow_schema(silver.MACHINE_STATES))).where(condition)
    wanted = to_frame(spark, pa.table([pa.array(["M1"]), pa.array([day], pa.date32())], ["machine", "from_day"]))
    inputs = Inputs(spark, {silver.MACHINE_STATES.name: frame}, wanted, plant_frames(spark, plant(["M1", "M2"])), at("04:00", day=2))
    return [(row["from_ts"], row["to_ts"]) for row in downtime(inputs).toArrow().to_pylist()]
