"""States of machines that report none: counting or not, judged by their counters and the nameplate of the product.

Such a machine is producing until three ideal cycles have passed since the last count, then it is stopped until the next one.
The time before a stop opens stays production (a speed loss). Producing intervals of these machines are cut at full hours.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from factolake.refine.hour_slices import in_order, pieces_in_order, so_far
from factolake.refine.nameplates import with_plate
from factolake.refine.refinement import Inputs

COUNTING = "counting"
NOT_COUNTING = "not counting"
CYCLES_TO_STOP = 3


def with_pulses(rows: DataFrame) -> DataFrame:
    """`rows` with `count_us`: when any counter of the machine last changed, as of each row.

    The first value ever seen opens like a count: nobody knows how old it is.
    """
    is_reading = (F.col("kind") == "counter") & (F.col("place") == 1)
    changed = ~F.col("value_i64").eqNullSafe(F.lag("value_i64").over(in_order("signal")))
    stamped = rows.withColumn("pulse_us", F.when(F.col("place") == 0, F.col("in_count_us")).when(is_reading & changed, F.col("ts_us")))
    return stamped.withColumn("count_us", F.last("pulse_us", ignorenulls=True).over(so_far()))


def derived(pieces: DataFrame, inputs: Inputs) -> DataFrame:
    """`pieces` with the state of machines without a state signal; the others pass unchanged."""
    timed = with_plate(pieces, inputs.plant.nameplates, F.col("from_us"))
    until = F.col("count_us") + CYCLES_TO_STOP * F.col("pri_us")
    turn = F.greatest(F.col("from_us"), F.least(until, F.col("to_us")))
    kept = F.array(F.struct(F.col("from_us").alias("a"), F.col("to_us").alias("b"), F.col("key").alias("key")))
    halves = F.array(
        F.struct(F.col("from_us").alias("a"), turn.alias("b"), F.lit(COUNTING).alias("key")),
        F.struct(turn.alias("a"), F.col("to_us").alias("b"), F.lit(NOT_COUNTING).alias("key")),
    )
    is_judged = ~F.col("has_state") & ~F.col("is_dark") & until.isNotNull()
    parts = timed.withColumn("until_us", until).withColumn("part", F.explode(F.when(is_judged, halves).otherwise(kept)))
    cut = parts.withColumns({"from_us": F.col("part.a"), "to_us": F.col("part.b"), "key": F.col("part.key")}).where(F.col("from_us") < F.col("to_us"))
    return _with_since(cut)


def _with_since(pieces: DataFrame) -> DataFrame:
    """A stop began when the last cycle ran out; anything else of a derived machine when its run began in this hour."""
    turned = pieces.withColumn("is_turn", ~F.col("key").eqNullSafe(F.lag("key").over(pieces_in_order())))
    run = F.last(F.when(F.col("is_turn"), F.col("from_us")), ignorenulls=True).over(so_far(pieces_in_order()))
    since = (
        F.when(F.col("has_state") | F.col("is_dark"), F.col("since_us"))
        .when(F.col("key") == NOT_COUNTING, F.greatest("until_us", "run_us"))
        .otherwise(run)
    )
    return turned.withColumns({"since_us": since, "gateway_us": F.when(F.col("has_state"), F.col("gateway_us"))})
