"""Schedule adherence: what a shift was given when it began against what it did, whatever was planned anew in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from hand_made import Row, a_plant, make

from factolake.domain.calendar import Calendar, ShiftPattern
from factolake.kpi.schedule_adherence import SCHEDULE_ADHERENCE
from factolake.refine.refinement import Horizon

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHIFTS = (ShiftPattern("early", time(6), time(14)), ShiftPattern("late", time(14), time(22)))
MODEL = a_plant(machines=["M1", "M2"], calendar=Calendar("L1", SHIFTS))
DAY = date(2026, 11, 16)
SLICES = [("L1", DAY, "early"), ("L1", DAY, "late")]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 16, hour, minute, tzinfo=UTC)


def work(name: str, planned: datetime | None, started: datetime | None = None, machine: str = "M1", **more: object) -> Row:
    ends = {"planned_end_ts": planned and planned + timedelta(hours=1), "actual_end_ts": started and started + timedelta(hours=1)}
    state = "completed" if started else "ready"
    return {"operation_id": name, "order_id": "PO", "equipment": machine, "planned_start_ts": planned, "actual_start_ts": started, "state": state,
            "created_month": DAY, **ends, **more}  # fmt: skip


def change(name: str, accepted: datetime, before: datetime | None, machine: str = "M1", state: str = "accepted") -> Row:
    return {"entry_id": hash((name, accepted)) % 10**9, "operation_id": name, "changed_ts": accepted, "state": state, "before_equipment": machine,
            "before_start_ts": before, "equipment": "M1", "planned_start_ts": at(7), "created_month": DAY}  # fmt: skip


def run(spark: SparkSession, operations: list[Row], entries: list[Row] | None = None) -> dict[tuple[object, object], Row]:
    rows = make(spark, SCHEDULE_ADHERENCE, MODEL, SLICES, {"operations": operations, "schedule_entries": entries or []})
    return {(row["shift"], row["operation_id"]): row for row in rows}


def judged(row: Row) -> tuple[object, ...]:
    return row["is_on_time"], row["is_in_sequence"], row["is_right_machine"], row["is_adhered"]


def test_on_time_in_sequence_and_on_the_right_machine_are_judged_apart(spark: SparkSession) -> None:
    rows = run(
        spark,
        [
            work("punctual", at(7), at(7, 15)),
            work("late", at(8), at(8, 16)),
            work("overtaken", at(9), at(9, 10)),
            work("overtaking", at(9, 15), at(9, 5)),
            work("open", at(10)),
            work("cancelled", at(11), state="cancelled"),
            work("taken away", at(11), removed_ts=at(12)),
            work("unplanned", None, at(11)),
        ],
    )
    assert {name: judged(row) for (_, name), row in rows.items()} == {
        "punctual": (True, True, True, True), "late": (False, True, True, False), "overtaken": (True, False, True, False),
        "overtaking": (True, True, True, True), "open": (None, None, None, None),
    }  # fmt: skip
    assert rows["early", "late"]["start_deviation_us"] == 16 * 60 * 1_000_000


def test_what_counts_is_the_plan_when_the_shift_began(spark: SparkSession) -> None:
    rows = run(
        spark,
        [work("moved", at(9), at(9)), work("earlier change", at(10), at(10)), work("twice", at(13), at(13)), work("elsewhere", at(12), at(12))],
        [
            change("moved", at(7, 30), at(7)),
            change("earlier change", at(5), at(11)),
            change("twice", at(8), at(7, 45)),
            change("twice", at(12), at(12, 30)),
            change("elsewhere", at(8), at(12), "M2"),
        ],
    )
    assert {key: (row["planned_start_ts"], row["is_adhered"]) for key, row in rows.items()} == {
        ("early", "moved"): (at(7), False),
        ("early", "earlier change"): (at(10), True),
        ("early", "twice"): (at(7, 45), False),
        ("early", "elsewhere"): (at(12), False),
    }
    assert rows["early", "elsewhere"]["machine"] == "M2" and rows["early", "elsewhere"]["actual_machine"] == "M1"


def test_what_is_first_planned_within_the_shift_counts_by_that_and_an_undone_change_never_was(spark: SparkSession) -> None:
    rows = run(
        spark,
        [work("new", at(10), at(10)), work("undone", at(11), at(11))],
        [change("new", at(8), None), change("new", at(9), at(9, 40)), change("undone", at(8), at(7), state="undone")],
    )
    assert {name: (row["planned_start_ts"], row["is_adhered"]) for (_, name), row in rows.items()} == {
        "new": (at(9, 40), False),
        "undone": (at(11), True),
    }


def test_what_the_shift_left_to_the_next_is_its_miss_and_the_next_ones_work(spark: SparkSession) -> None:
    rows = run(spark, [work("put off", at(15), at(15)), work("just over", at(13, 58), at(14, 10))], [change("put off", at(10), at(12))])
    assert {key: row["is_adhered"] for key, row in rows.items()} == {
        ("early", "put off"): None,
        ("late", "put off"): True,
        ("early", "just over"): True,
    }


def test_work_of_a_whole_line_is_judged_as_well(spark: SparkSession) -> None:
    rows = run(spark, [work("line", at(7), at(7), "L1")])
    assert [(row["machine"], row["line"], row["is_adhered"]) for row in rows.values()] == [("L1", "L1", True)]


def test_a_change_touches_the_shifts_where_it_was_planned_is_planned_and_was_started() -> None:
    horizon = Horizon(MODEL, at(23))
    feed = pa.table({"equipment": ["M1", "L1", "X"], "planned_start_ts": [at(7), None, at(7)], "actual_start_ts": [at(14, 5), None, None]})
    assert SCHEDULE_ADHERENCE.inputs[0].touch(feed, horizon) == set(SLICES)
    moved = pa.table({"equipment": ["L1"], "planned_start_ts": [at(15)], "before_equipment": ["M1"], "before_start_ts": [at(6)]})
    assert SCHEDULE_ADHERENCE.inputs[1].touch(moved, horizon) == set(SLICES)
