"""gold.downtime_pareto: the stopped time of a machine in a shift by the reasons that people gave.

How long a machine stood is silver.downtime's word, why is people's (silver.stops): each stop of the machine is cut at the ends of the shift and
of the stops as people split and merged them, and every piece has exactly one reason. What nobody gave a reason is `unclassified`, what nobody
is asked about `not_asked`; so the durations of a shift sum to what silver.downtime has in it, to the microsecond.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import gold, silver
from factolake.contracts.formats.spark import select_contract
from factolake.contracts.silver_mes import REASONS, STOPS
from factolake.domain.plant import PlantModel
from factolake.kpi.shifts import production_days, segments_around, shift_spans
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice

DEEPEST = 5
"""Levels of the reason tree that a path shows, the reason's own among them."""

_PIECE = ["line", "machine", "production_day", "shift", "stop_us", "asks_reason"]
_SHIFT = ["line", "machine", "production_day", "shift"]


def downtime_pareto(inputs: Inputs) -> DataFrame:
    """Rows of gold.downtime_pareto for the touched shifts."""
    frames = inputs.frames
    spans = shift_spans(inputs.slices, segments_around(inputs))
    told = _told(frames[STOPS.table.name])
    parts = _parts(_pieces(spans, frames[silver.DOWNTIME.name]), told)
    measured = (F.sum("part_us").alias("duration_us"), F.count_distinct("stop_us").alias("stops"))
    sums = _with_reason(parts, told).groupBy(*_SHIFT, "reason_id").agg(*measured)
    named = sums.join(F.broadcast(_paths(frames[REASONS.table.name])), on="reason_id", how="left")
    most_first = W.partitionBy(*_SHIFT).orderBy(F.desc("duration_us"), "reason_id")
    return select_contract(named.withColumn("reason_order", F.row_number().over(most_first)), gold.DOWNTIME_PARETO)


def _pieces(spans: DataFrame, downtime: DataFrame) -> DataFrame:
    """Stops clipped to the shifts they lie in; times in µs since 1970."""
    stops = downtime.select("machine", "asks_reason", F.unix_micros("from_ts").alias("stop_us"), F.unix_micros("to_ts").alias("stop_to_us"))
    shifts = spans.withColumns({"shift_us": F.unix_micros("span_from"), "shift_to_us": F.unix_micros("span_to")})
    both = shifts.join(stops, on="machine", how="inner").where((F.col("stop_us") < F.col("shift_to_us")) & (F.col("stop_to_us") > F.col("shift_us")))
    return both.select(*_PIECE, F.greatest("stop_us", "shift_us").alias("cut_us"), F.least("stop_to_us", "shift_to_us").alias("cut_to_us"))


def _told(stops: DataFrame) -> DataFrame:
    """Stops as people have them; one that still lasts has no end yet, whatever FactoMES was last told."""
    current = stops.where((F.col("state") == "current") & F.col("removed_ts").isNull())
    end = F.when(F.col("is_open"), F.lit(2**62)).otherwise(F.unix_micros("to_ts"))
    begin = F.unix_micros("from_ts").alias("told_us")
    return current.select(F.col("machine").alias("told_machine"), "stop_id", "reason_id", begin, end.alias("told_to_us"))


def _parts(pieces: DataFrame, told: DataFrame) -> DataFrame:
    """`pieces` cut at every end of a told stop inside them: part_from_us, part_to_us. Together they are the pieces."""
    beside = pieces.join(told, pieces["machine"] == told["told_machine"], how="inner")
    marks = [pieces.select(*_PIECE, F.col(end).alias("at_us")) for end in ("cut_us", "cut_to_us")]
    for end in ("told_us", "told_to_us"):
        inside = (F.col(end) > F.col("cut_us")) & (F.col(end) < F.col("cut_to_us"))
        marks.append(beside.where(inside).select(*_PIECE, F.col(end).alias("at_us")))
    ends = reduce(DataFrame.unionByName, marks).distinct()
    following = ends.withColumn("part_to_us", F.lead("at_us").over(W.partitionBy(*_PIECE).orderBy("at_us")))
    return following.where(F.col("part_to_us").isNotNull()).withColumnRenamed("at_us", "part_from_us")


def _with_reason(parts: DataFrame, told: DataFrame) -> DataFrame:
    """Each part once, with the reason of the stop told last of those that cover it."""
    covers = (F.col("told_us") <= F.col("part_from_us")) & (F.col("told_to_us") >= F.col("part_to_us"))
    beside = parts.join(told, (parts["machine"] == told["told_machine"]) & covers, how="left")
    latest = W.partitionBy(*_PIECE, "part_from_us").orderBy(F.desc("told_us"), F.desc("stop_id"))
    once = beside.withColumn("_n", F.row_number().over(latest)).where(F.col("_n") == 1)
    nobody = F.when(F.col("asks_reason"), "unclassified").otherwise("not_asked")
    return once.withColumns({"reason_id": F.coalesce("reason_id", nobody), "part_us": F.col("part_to_us") - F.col("part_from_us")})


def _paths(reasons: DataFrame) -> DataFrame:
    """reason_id, is_planned and `reason_path`: names from the root of the tree down, joined by " / "."""
    tree = reasons.where(F.col("removed_ts").isNull()).select("reason_id", "name", "parent_id", "is_planned")
    above = tree.select(F.col("reason_id").alias("above_id"), F.col("name").alias("above_name"), F.col("parent_id").alias("next_id"))
    paths = tree.withColumnRenamed("name", "reason_path")
    for _ in range(DEEPEST - 1):
        longer = F.coalesce(F.concat("above_name", F.lit(" / "), "reason_path"), F.col("reason_path"))
        joined = paths.join(above, F.col("parent_id") == F.col("above_id"), how="left")
        paths = joined.select("reason_id", longer.alias("reason_path"), F.col("next_id").alias("parent_id"), "is_planned")
    return paths.drop("parent_id")


def _touched_by_downtime(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    return _shifts_of(horizon.model, {(row["machine"], row["from_ts"], row["to_ts"]) for row in changes.to_pylist()})


def _touched_by_people(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    spans = {(row["machine"], row["from_ts"], max(row["to_ts"], horizon.clock_ts) if row["is_open"] else row["to_ts"]) for row in changes.to_pylist()}
    return _shifts_of(horizon.model, spans)


def _shifts_of(model: PlantModel, spans: Iterable[tuple[str, datetime, datetime]]) -> set[Slice]:
    touched: set[Slice] = set()
    for machine, start, end in spans:
        if machine in model.machines:
            windows = model.calendar.shifts(model.scopes(machine), start, end)
            touched |= {(model.machines[machine].line_id, window.production_day, window.shift) for window in windows}
    return touched


def _instants(slices: frozenset[Slice]) -> tuple[datetime, datetime]:
    first, last = production_days(slices)
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC)


def _overlapping(slices: frozenset[Slice]) -> Column:
    begin, end = _instants(slices)
    return (F.col("to_ts") > begin) & (F.col("from_ts") < end)


def _told_rows(slices: frozenset[Slice]) -> Column:
    begin, end = _instants(slices)
    return (F.col("from_ts") < end) & ((F.col("to_ts") > begin) | F.col("is_open"))


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


DOWNTIME_PARETO = Refinement(
    "downtime_pareto",
    gold.DOWNTIME_PARETO,
    (
        Input(silver.DOWNTIME, ("machine", "from_ts", "to_ts"), _touched_by_downtime, _overlapping),
        Input(STOPS.table, ("machine", "from_ts", "to_ts", "is_open"), _touched_by_people, _told_rows),
        Input(REASONS.table, ("reason_id",), _no_slice, lambda _: F.lit(True), touches_all=True),
    ),
    downtime_pareto,
    group_size=60,
)
