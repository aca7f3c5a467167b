"""Which minutes of a machine are over: those before the minute of its last sign of life, and every hour that its carry has gone beyond.

Features are made of such minutes alone: a minute is shown once, whole, and a pass inside a minute has nothing to do. What is over only grows: a
reading of a minute that is not over yet is taken up when the carry tells that it is.
"""

from collections.abc import Callable
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.features.windows import WINDOW_US
from factolake.refine.carry import EVIDENCE
from factolake.refine.hour_slices import SLICE
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Slice
from factolake.refine.slices import hour_rows


def over_until(inputs: Inputs) -> DataFrame:
    """(machine, hour_ts, `over_us`) of the touched slices: up to when their minutes are over."""
    signs = inputs.frames[silver.CARRY.name].where(F.col("signal") == EVIDENCE)
    # The carry of an hour tells its last sign of life; that there is one of the next hour says that all of it is over.
    told = signs.select("machine", F.explode(F.array("hour_ts", F.col("hour_ts") - F.lit(HOUR))).alias("of_hour"), "hour_ts", "ts")
    over = F.when(F.col("hour_ts") > F.col("of_hour"), F.unix_micros("hour_ts")).otherwise(_minute_us(F.unix_micros("ts")))
    by_slice = told.groupBy("machine", F.col("of_hour").alias("hour_ts")).agg(F.max(over).alias("over_us"))
    return by_slice.join(inputs.slices, on=list(SLICE), how="left_semi")


def touched_when_over(moment: str) -> Callable[[pa.Table, Horizon], set[Slice]]:
    """The slices in which something changed whose time, in the column `moment`, is over."""

    def touched(feed: pa.Table, horizon: Horizon) -> set[Slice]:
        first = feed.group_by(list(SLICE)).aggregate([(moment, "min")]).to_pylist()
        return {(row["machine"], row["hour_ts"]) for row in first if _is_over(row["machine"], row[f"{moment}_min"], horizon)}

    return touched


def touched_by_evidence(feed: pa.Table, _: Horizon) -> set[Slice]:
    """The slices of which further minutes are over: signs of life of another minute came, or the hour after."""
    signs = feed.filter(pc.equal(feed["signal"], EVIDENCE))
    is_new = pc.is_in(signs["_change_type"], pa.array(["insert", "update_postimage"]))
    told = signs.append_column("was", pc.if_else(is_new, pa.scalar(None, signs["ts"].type), signs["ts"])).group_by(list(SLICE))
    touched: set[Slice] = set()
    for row in told.aggregate([("ts", "min"), ("ts", "max"), ("was", "count")]).to_pylist():
        if not row["was_count"]:
            touched |= {(row["machine"], row["hour_ts"]), (row["machine"], row["hour_ts"] - HOUR)}
        elif _minute(row["ts_min"]) != _minute(row["ts_max"]):
            touched.add((row["machine"], row["hour_ts"]))
    return touched


def _is_over(machine: str, moment: datetime, horizon: Horizon) -> bool:
    hour, sign = horizon.last_hour.get(machine), horizon.last_sign.get(machine)
    return hour is not None and sign is not None and moment <= max(hour, _minute(sign))


def _minute(ts: datetime) -> datetime:
    return ts.replace(second=0, microsecond=0)


def _minute_us(ts_us: Column) -> Column:
    return ts_us - F.pmod(ts_us, F.lit(WINDOW_US))


def _signs(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices, after=1) & (F.col("signal") == EVIDENCE)


SIGNS = Input(silver.CARRY, (*SLICE, "signal", "ts"), touched_by_evidence, _signs)
"""The input of a refinement that makes rows of minutes that are over."""
