"""Whole intervals of one state, put together from the hours they cross.

An interval belongs to the UTC day it began on, however long it lasts: its slice reads every later hour of the machine.
"""

from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.contracts.formats.spark import select_contract
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import of_machines

_SAME = ("machine", "state_since", "state", "state_raw", "unknown_reason")


def machine_states(inputs: Inputs) -> DataFrame:
    """Intervals that began on the touched days.

    The latest interval is open unless it ends with a full hour: then the next hour's first stretch either continues it, which
    touches its slice, or is another one.
    """
    pieces = inputs.frames[silver.STATE_HOURS.name].withColumn("from_day", F.to_date("state_since"))
    latest = pieces.groupBy("machine").agg(F.max("to_ts").alias("latest_ts"))
    own = pieces.join(inputs.slices, on=["machine", "from_day"], how="left_semi")
    within = F.col("to_ts") < F.col("hour_ts") + F.lit(HOUR)
    whole = own.groupBy(*_SAME, "from_day").agg(
        F.min("from_ts").alias("from_ts"),
        F.max("to_ts").alias("to_ts"),
        F.max(F.when(within, F.col("to_ts"))).alias("ragged_ts"),
        F.max("gateway_ts").alias("gateway_ts"),
    )
    lines = inputs.plant.machines.select("machine", "line")
    placed = whole.join(latest, on="machine", how="inner").join(F.broadcast(lines), on="machine", how="inner")
    rows = placed.withColumns(
        {
            "duration_us": F.unix_micros("to_ts") - F.unix_micros("from_ts"),
            "is_open": F.coalesce(F.col("ragged_ts") == F.col("latest_ts"), F.lit(False)),
        }
    )
    return select_contract(rows, silver.MACHINE_STATES)


def _touched(feed: pa.Table, _: Horizon) -> set[Slice]:
    """The days on which the changed stretches' intervals began."""
    pairs = feed.group_by(["machine", "state_since"]).aggregate([]).to_pylist()
    return {(pair["machine"], pair["state_since"].date()) for pair in pairs}


def _rows(slices: frozenset[Slice]) -> Column:
    first = min(day for _, day in slices if isinstance(day, date))
    return (F.col("day") >= first) & of_machines(slices)


MACHINE_STATES = Refinement(
    "machine_states",
    silver.MACHINE_STATES,
    (Input(silver.STATE_HOURS, ("machine", "state_since"), _touched, _rows),),
    machine_states,
)
