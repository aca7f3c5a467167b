"""The last value of each signal at the end of each hour: what lets an hour be computed without reading the hours before it.

A chain: hour h starts from the rows of hour h-1. All touched hours of a machine are made in one pass from the hour before the
first of them; hours without readings repeat the values, so that a state unchanged for three days is still known.
"""

from datetime import datetime, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import ops, silver
from factolake.contracts.formats.spark import select_contract
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import hour_rows

CARRIED = (SignalKind.STATE, SignalKind.MODE, SignalKind.ORDER, SignalKind.PRODUCT, SignalKind.OPERATOR, SignalKind.COUNTER)
EVIDENCE = "_evidence"
_SERIES = ("machine", "signal")
_ORDER = ("ts", "epoch", "seq", "idx")
_VALUES = ("kind", "ts", "value", "value_i64", "value_text", "quality", "since_ts", "gateway_ts", "source_id", "epoch", "seq", "idx")


def carry(inputs: Inputs) -> DataFrame:
    """Carry rows of the touched slices."""
    fresh = inputs.frames[silver.READINGS.name].join(inputs.slices, on=["machine", "hour_ts"], how="left_semi")
    before = _before_first_slice(inputs)
    machines = inputs.plant.machines.select("machine", "has_heartbeat", "max_silence_us")
    own = _fresh_rows(fresh, machines, _is_carried(inputs.plant.model))
    rows = own.unionByName(before.withColumn("is_fresh", F.lit(False)), allowMissingColumns=True)
    last = _last_of_hour(_with_since(rows, machines))
    return select_contract(_dense(last, inputs.slices), silver.CARRY)


def is_evidence(heartbeat_declared: Column) -> Column:
    """Whether a reading is a sign of life of its machine."""
    own_beat = (F.col("kind") == "heartbeat") & (F.col("signal") != "connection")
    return (F.col("quality") == "good") & (~heartbeat_declared | own_beat)


def _before_first_slice(inputs: Inputs) -> DataFrame:
    first = inputs.slices.groupBy("machine").agg(F.min("hour_ts").alias("first_hour"))
    own = inputs.frames[silver.CARRY.name].join(first, on="machine", how="inner")
    return own.where(F.col("hour_ts") == F.col("first_hour") - F.lit(HOUR)).drop("first_hour", "as_of", "day", "first_ts")


def _is_carried(model: PlantModel) -> Column:
    """Whether a reading is of a kind whose last value holds, or of a signal that is watched for standing still or tells a shaft's speed."""
    watched: dict[str, list[str]] = {}
    speeds = {(point.machine, point.speed_signal) for point in model.vibration_points}
    for signal in model.signals:
        is_watched = signal.stuck_after_s is not None or (signal.machine, signal.name) in speeds
        if is_watched and signal.kind not in CARRIED:
            watched.setdefault(signal.name, []).append(signal.machine)
    carried = F.col("kind").isin(*(kind.value for kind in CARRIED))
    for name, machines in watched.items():
        carried = carried | ((F.col("signal") == name) & F.col("machine").isin(machines))
    return carried


def _fresh_rows(fresh: DataFrame, machines: DataFrame, is_carried: Column) -> DataFrame:
    columns = ["machine", "hour_ts", "signal", *(name for name in _VALUES if name != "since_ts")]
    # A bad status of a state is news (the state is unknown); of anything else it says nothing and must not hide the value before it.
    usable = (F.col("kind") == SignalKind.STATE.value) | (F.col("quality") != "bad")
    carried = fresh.where(is_carried & usable).select(*columns)
    signs = fresh.join(machines, on="machine", how="inner").where(is_evidence(F.col("has_heartbeat")))
    blank = {"signal": F.lit(EVIDENCE), "kind": F.lit("heartbeat"), "value": F.lit(None).cast("double"), "value_i64": F.lit(None).cast("bigint")}
    signs = signs.withColumns({**blank, "value_text": F.lit(None).cast("string")}).select(*columns)
    return carried.unionByName(signs).withColumn("is_fresh", F.lit(True)).withColumn("since_ts", F.lit(None).cast("timestamp"))


def _with_since(rows: DataFrame, machines: DataFrame) -> DataFrame:
    """`since_ts`: where the run of equal values (or of unbroken evidence) began that the row is part of.

    Good and uncertain are the same quality here, and of rows with one stamp only the last counts: as in state_hours, which goes on from it.
    """
    order = W.partitionBy(*_SERIES).orderBy(*_ORDER)
    follower = F.lead("ts").over(order)
    rows = rows.withColumn("_next", follower).where(F.col("_next").isNull() | (F.col("_next") != F.col("ts"))).drop("_next")
    rows = rows.withColumn("_is_bad", F.col("quality") == "bad")
    same = [F.col(name).eqNullSafe(F.lag(name).over(order)) for name in ("value", "value_i64", "value_text", "_is_bad")]
    changed = ~(same[0] & same[1] & same[2] & same[3])
    gap = F.unix_micros("ts") - F.unix_micros(F.lag("ts").over(order)) > F.col("max_silence_us")
    starts = F.lag("ts").over(order).isNull() | F.when(F.col("signal") == EVIDENCE, F.coalesce(gap, F.lit(False))).otherwise(changed)
    marked = rows.join(machines, on="machine", how="inner").withColumn("_starts", starts)
    begin = F.when(F.col("_starts"), F.coalesce("since_ts", "ts"))
    so_far = order.rowsBetween(W.unboundedPreceding, W.currentRow)
    return marked.withColumn("since_ts", F.last(begin, ignorenulls=True).over(so_far)).drop("_starts", "_is_bad", "has_heartbeat", "max_silence_us")


def _last_of_hour(rows: DataFrame) -> DataFrame:
    of_hour = W.partitionBy(*_SERIES, "hour_ts")
    newest = of_hour.orderBy(*(F.col(name).desc() for name in _ORDER))
    first = F.min(F.when(F.col("is_fresh"), F.col("ts"))).over(of_hour)
    return rows.withColumn("first_ts", first).withColumn("_n", F.row_number().over(newest)).where(F.col("_n") == 1).drop("_n")


def _dense(last: DataFrame, slices: DataFrame) -> DataFrame:
    """One row for every touched hour and every signal seen by then; an hour without a value repeats the one before."""
    series = last.select(*_SERIES).distinct()
    wanted = slices.select("machine", "hour_ts").join(series, on="machine", how="inner").withColumn("is_slice", F.lit(True))
    grid = wanted.join(last, on=[*_SERIES, "hour_ts"], how="full")
    by_hour = W.partitionBy(*_SERIES).orderBy("hour_ts").rowsBetween(W.unboundedPreceding, W.currentRow)
    grouped = grid.withColumn("_group", F.count("ts").over(by_hour))
    filled = W.partitionBy(*_SERIES, "_group")
    held = grouped.withColumns({name: F.max(name).over(filled) for name in _VALUES})
    return held.where(F.col("is_slice") & F.col("ts").isNotNull()).withColumn("day", F.to_date("hour_ts"))


def _touched_by_readings(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """Changed hours, the hours from the machine's newest one up to them, and all later hours (the chain)."""
    touched: set[Slice] = set()
    pairs = changes.group_by(["machine", "hour_ts"]).aggregate([]).to_pylist()
    for machine in {pair["machine"] for pair in pairs}:
        hours = [pair["hour_ts"] for pair in pairs if pair["machine"] == machine]
        newest = horizon.last_hour.get(machine)
        first = min(hours) if newest is None else min(*hours, newest + HOUR)
        touched |= {(machine, hour) for hour in hours_between(first, max(*hours, newest or hours[0]))}
    return touched


def _touched_by_clock(_: pa.Table, horizon: Horizon) -> set[Slice]:
    """Hours that a silent machine has missed, up to the present."""
    touched: set[Slice] = set()
    for machine, newest in horizon.last_hour.items():
        if horizon.dead(machine):
            touched |= {(machine, hour) for hour in hours_between(newest + HOUR, horizon.clock_ts)}
    return touched


def hours_between(first: datetime, last: datetime) -> list[datetime]:
    """Every full hour from `first` (an hour) to the hour of `last`, both inclusive; empty when `last` is earlier."""
    count = (last - first) // timedelta(hours=1)
    return [first + timedelta(hours=step) for step in range(count + 1)]


def _own_rows(slices: frozenset[Slice]) -> Column:
    first: dict[str, datetime] = {}
    for machine, hour in slices:
        assert isinstance(hour, datetime)
        first[str(machine)] = min(hour, first.get(str(machine), hour))
    return hour_rows(frozenset((machine, hour - HOUR) for machine, hour in first.items()))


CARRY = Refinement(
    "carry",
    silver.CARRY,
    (
        Input(silver.READINGS, ("machine", "hour_ts"), _touched_by_readings, hour_rows),
        Input(ops.CLOCK, ("tick_ts",), _touched_by_clock, lambda _: None),
    ),
    carry,
    own_rows=_own_rows,
)
