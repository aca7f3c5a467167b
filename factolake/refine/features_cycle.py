"""Cycles of signals, hour by hour: good values between two pulses of a machine's total counter, through the kernel `factolake/features/cycles.py`.

A cycle belongs to the hour of its end and may begin in the hour before. It ends with a step of one pulse and begins with the step before it, where
both were seen to happen: a reset, a jump or time without evidence between them tells nothing of a cycle. It is made when its last minute is over.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.contracts.formats.spark import block_type, select_contract
from factolake.contracts.silver_features import FEATURES_CYCLE as TABLE
from factolake.domain.signals import Counts
from factolake.features.cycles import MOST_CYCLE_S, Cycles, cycle_features
from factolake.features.windows import US_PER_S
from factolake.refine.feature_blocks import VALUE, in_order, is_value, made, named, numbers, stamps, values_of
from factolake.refine.hour_slices import SLICE, is_reached, next_hours
from factolake.refine.minutes_over import SIGNS, over_until, touched_when_over
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import hour_rows

_SEEN = ("step", "rollover")
_CYCLE = {"begin_us": "bigint", "end_us": "bigint", "product": "string"}
_MOST_US = MOST_CYCLE_S * US_PER_S


def features_cycle(inputs: Inputs) -> DataFrame:
    """The cycles of the touched slices."""
    cycles = _cycles(inputs).join(over_until(inputs), on=list(SLICE), how="inner").where(F.col("end_us") <= F.col("over_us"))
    readings = inputs.frames[silver.READINGS.name].where(is_value()).withColumn("ts_us", F.unix_micros("ts"))
    # A value may be part of a cycle that ends in its hour, and of one that ends in the next.
    both = readings.withColumn("hour_ts", F.explode(F.array("hour_ts", F.col("hour_ts") + F.lit(HOUR))))
    own = both.join(inputs.slices, on=list(SLICE), how="left_semi")
    # Sail takes the types of a kernel's columns from the first part of a union.
    typed = own.select(*SLICE, *VALUE, *(F.lit(None).cast(kind).alias(name) for name, kind in _CYCLE.items()))
    rows = typed.unionByName(cycles.select(*SLICE, *_CYCLE), allowMissingColumns=True)
    return select_contract(rows.groupBy(*SLICE).applyInArrow(_made, block_type(TABLE)), TABLE)


def _cycles(inputs: Inputs) -> DataFrame:
    """(begin, end, product) of every cycle that ends in the hours at hand."""
    steps = inputs.frames[silver.COUNTS.name].withColumn("end_us", F.unix_micros("to_ts"))
    told = inputs.plant.signals.where(F.col("counts") == Counts.TOTAL.value)
    # Of several counters of all parts the first by name tells the cycles.
    counter = told.groupBy("machine").agg(F.min("signal").alias("signal"), F.min_by("parts_per_pulse", "signal").alias("parts_per_pulse"))
    own = steps.join(F.broadcast(counter), on=["machine", "signal"], how="inner")
    before = Window.partitionBy("machine").orderBy("end_us", "epoch", "seq", "idx")
    seen = F.col("event").isin(*_SEEN) & F.col("in_effectiveness")
    paired = own.withColumns({"is_seen": seen, "begin_us": F.lag(F.when(seen, F.col("end_us"))).over(before)})
    length_us = F.col("end_us") - F.col("begin_us")
    one_pulse = F.col("parts") == F.col("parts_per_pulse")
    whole = paired.where(F.col("is_seen") & one_pulse & (length_us > 0) & (length_us <= _MOST_US))
    return whole.select(*SLICE, "begin_us", "end_us", F.col("product_id").alias("product"))


def _made(block: pa.Table) -> pa.Table:
    """The cycles of one slice."""
    ends = block.filter(block["end_us"].is_valid()).sort_by("end_us")
    cycles = Cycles(numbers(ends, "begin_us"), numbers(ends, "end_us"))
    found = cycle_features(values_of(in_order(block.filter(_within(block, cycles)))), cycles)
    columns = {
        "signal": named(found.names, found.signal),
        "cycle_ts": stamps(cycles.end_us[found.cycle]),
        "duration_s": ((cycles.end_us - cycles.begin_us) / US_PER_S)[found.cycle],
        "product": ends["product"].combine_chunks().take(pa.array(found.cycle)),
    }
    return made(TABLE, block, columns | {name: getattr(found, name) for name in ("n", "mean", "low", "high", "last")})


def _within(block: pa.Table, cycles: Cycles) -> pa.Array:
    """Whether a row is a value of the time from the first cycle to the last."""
    if not len(cycles.begin_us):
        return pa.array(np.zeros(len(block), dtype=np.bool_))
    ts_us = block["ts_us"].combine_chunks()
    return pc.fill_null(pc.and_(pc.greater_equal(ts_us, cycles.begin_us[0]), pc.less(ts_us, cycles.end_us[-1])), False)


def _touched(moment: str) -> Callable[[pa.Table, Horizon], set[Slice]]:
    """The slices of the changed rows that are over and, where the machine has come to it, the hour after: its first cycle may begin before it."""

    def touched(feed: pa.Table, horizon: Horizon) -> set[Slice]:
        own = touched_when_over(moment)(feed, horizon)
        return own | {after for after in next_hours(own) if is_reached(after, horizon)}

    return touched


def _with_hour_before(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices, before=1)


def _values(slices: frozenset[Slice]) -> Column:
    return _with_hour_before(slices) & is_value()


FEATURES_CYCLE = Refinement(
    "features_cycle",
    TABLE,
    (
        Input(silver.READINGS, (*SLICE, "ts"), _touched("ts"), _values),
        Input(silver.COUNTS, (*SLICE, "to_ts"), _touched("to_ts"), _with_hour_before),
        SIGNS,
    ),
    features_cycle,
    group_size=48,
)
