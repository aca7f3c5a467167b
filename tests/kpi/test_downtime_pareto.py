"""Stopped time by reason: each microsecond of silver.downtime in a shift has one reason, whatever people split, merged or left."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hand_made import Row, a_plant, make

from factolake.domain.calendar import Calendar, ShiftPattern
from factolake.kpi.downtime_pareto import DOWNTIME_PARETO
from factolake.refine.refinement import Horizon

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHIFTS = (ShiftPattern("early", time(6), time(14)), ShiftPattern("late", time(14), time(22)), ShiftPattern("night", time(22), time(6)))
MODEL = a_plant(machines=["M1", "M2"], calendar=Calendar("L1", SHIFTS))
DAY = date(2026, 11, 16)
SLICES = [("L1", DAY, "early"), ("L1", DAY, "late")]
TREE = [("technical", None), ("electrical", "technical"), ("supply", None)]


def at(hour: int, minute: float = 0) -> datetime:
    return datetime(2026, 11, 16, hour, tzinfo=UTC) + timedelta(minutes=minute)


def stood(from_ts: datetime, to_ts: datetime, machine: str = "M1", *, asks: bool = True) -> Row:
    return {"machine": machine, "line": "L1", "from_ts": from_ts, "to_ts": to_ts, "asks_reason": asks, "from_day": from_ts.date(), "state": "fault"}


def said(from_ts: datetime, to_ts: datetime, reason: str | None = None, machine: str = "M1", **more: object) -> Row:
    row = {"stop_id": f"{machine}@{from_ts.isoformat()}", "machine": machine, "from_ts": from_ts, "to_ts": to_ts, "reason_id": reason}
    return {**row, "state": "current", "is_open": False, "created_month": DAY, **more}


def reasons() -> list[Row]:
    return [{"reason_id": name, "name": name.title(), "parent_id": above, "kind": "downtime", "is_planned": False} for name, above in TREE]


def run(spark: SparkSession, downtime: list[Row], stops: list[Row]) -> list[Row]:
    return make(spark, DOWNTIME_PARETO, MODEL, SLICES, {"downtime": downtime, "stops": stops, "reasons": reasons()})


def minutes(rows: list[Row]) -> dict[tuple[object, ...], float]:
    return {(row["machine"], row["shift"], row["reason_id"]): row["duration_us"] / 60e6 for row in rows}  # type: ignore[operator]


def test_each_stop_has_the_reason_people_gave_it_cut_at_the_shift(spark: SparkSession) -> None:
    rows = run(
        spark,
        [stood(at(13, 50), at(14, 40)), stood(at(8), at(8, 2), asks=False), stood(at(9), at(9, 30)), stood(at(9), at(9, 10), "M2")],
        [
            said(at(13, 50), at(14, 20), "electrical"),
            said(at(14, 20), at(14, 30), "supply", is_open=True),
            said(at(9), at(9, 30), "supply", state="withdrawn"),
            said(at(9), at(9, 10), "electrical", "M2", removed_ts=at(10)),
        ],
    )
    assert minutes(rows) == {
        ("M1", "early", "electrical"): 10, ("M1", "early", "not_asked"): 2, ("M1", "early", "unclassified"): 30,
        ("M1", "late", "electrical"): 20, ("M1", "late", "supply"): 20, ("M2", "early", "unclassified"): 10,
    }  # fmt: skip
    told = {(row["machine"], row["shift"], row["reason_id"]): (row["reason_path"], row["reason_order"], row["stops"]) for row in rows}
    assert told["M1", "early", "electrical"] == ("Technical / Electrical", 2, 1)
    assert told["M1", "late", "supply"] == ("Supply", 2, 1)
    assert told["M1", "early", "unclassified"] == (None, 1, 1)


@pytest.mark.parametrize("seed", range(2))
def test_the_reasons_sum_to_the_downtime_of_the_shift_to_the_microsecond(spark: SparkSession, seed: int) -> None:
    chance = random.Random(seed)
    downtime, stops, now = [], [], at(5)
    while now < at(22):
        end = now + timedelta(microseconds=chance.randrange(1, 4_000_000_000))
        downtime.append(stood(now, end, asks=chance.random() < 0.7))
        now = end + timedelta(microseconds=chance.randrange(1, 900_000_000))
    for _ in range(30):  # people's stops may even overlap, where the lake changed its mind after a merge
        begin = at(5) + timedelta(microseconds=chance.randrange(16 * 3_600_000_000))
        reason = chance.choice([None, "electrical", "supply"])
        stops.append(said(begin, begin + timedelta(microseconds=chance.randrange(1, 5_000_000_000)), reason, is_open=chance.random() < 0.05))
    rows = run(spark, downtime, stops)
    for shift, begin, end in (("early", at(6), at(14)), ("late", at(14), at(22))):
        spans = [(max(row["from_ts"], begin), min(row["to_ts"], end)) for row in downtime]  # type: ignore[type-var]
        expected = sum((b - a) // timedelta(microseconds=1) for a, b in spans if a < b)  # type: ignore[operator]
        assert sum(row["duration_us"] for row in rows if row["shift"] == shift) == expected  # type: ignore[misc]


def test_a_stop_touches_every_shift_it_lies_in_and_an_open_one_those_up_to_now() -> None:
    horizon = Horizon(MODEL, at(23))
    feed = pa.table({"machine": ["M1"], "from_ts": [at(5, 59)], "to_ts": [at(14, 1)], "is_open": [False]})
    yesterday = ("L1", date(2026, 11, 15), "night")
    assert DOWNTIME_PARETO.inputs[0].touch(feed, horizon) == {yesterday, *SLICES}
    assert DOWNTIME_PARETO.inputs[1].touch(feed.set_column(2, "to_ts", [[at(6)]]), horizon) == {yesterday}
    is_open = feed.set_column(3, "is_open", [[True]])
    assert DOWNTIME_PARETO.inputs[1].touch(is_open, horizon) == {yesterday, *SLICES, ("L1", DAY, "night")}
    assert DOWNTIME_PARETO.inputs[2].touches_all
