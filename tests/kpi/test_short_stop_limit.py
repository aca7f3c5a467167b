"""A stop of exactly the limit is short wherever it is decided: whom to ask, what the nakajima convention moves, what knowledge is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hand_made import Row, a_plant, make, table_of

from factolake.contracts import silver
from factolake.contracts.formats.spark import to_frame
from factolake.kpi.knowledge_lag import KNOWLEDGE_LAG
from factolake.kpi.short_stops import short_stops
from factolake.refine.downtime import DOWNTIME
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import Slice

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

START = datetime(2026, 11, 16, 6, tzinfo=UTC)
LIMIT_S = 420.0
SLICES: list[Slice] = [("M1", START.date())]


def intervals(stop_us: int) -> list[Row]:
    """An hour of production, a stop of `stop_us`, and production again."""
    edges = [START, START + timedelta(hours=1), START + timedelta(hours=1, microseconds=stop_us), START + timedelta(hours=3)]
    told = zip(edges, edges[1:], ("producing", "waiting", "producing"), strict=False)
    rows: list[Row] = [{"machine": "M1", "line": "L1", "from_ts": a, "to_ts": b, "state": state, "from_day": a.date()} for a, b, state in told]
    return [{**row, "duration_us": (row["to_ts"] - row["from_ts"]) // timedelta(microseconds=1), "gateway_ts": row["from_ts"]} for row in rows]  # type: ignore[operator]


@pytest.mark.parametrize(("beyond_us", "is_short"), [(-1, True), (0, True), (1, False)])
def test_the_limit_itself_is_short_everywhere(spark: SparkSession, beyond_us: int, is_short: bool) -> None:
    model = a_plant(short_stop_s=LIMIT_S)
    (stop,) = make(spark, DOWNTIME, model, SLICES, {"machine_states": intervals(round(LIMIT_S * 1_000_000) + beyond_us)})
    frame = to_frame(spark, table_of(silver.DOWNTIME, [stop]))
    moved = short_stops(frame, plant_frames(spark, model).machines, "nakajima")
    assert moved is not None
    assert stop["asks_reason"] is not is_short
    assert moved.toArrow().num_rows == int(is_short)
    assert len(make(spark, KNOWLEDGE_LAG, model, SLICES, {"downtime": [stop]})) == int(not is_short)
