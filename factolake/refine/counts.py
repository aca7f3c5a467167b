"""Steps of counters between successive readings: reset-safe, rollover-safe, and honest about time nobody saw.

A step belongs to the hour of its later reading. What a counter showed before the hour comes from the carry.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import ops, silver
from factolake.contracts.formats.spark import select_contract
from factolake.refine.hour_slices import (
    CARRY_COLUMNS,
    earlier,
    held_text,
    hour_facts,
    in_order,
    slice_rows,
    touched_by_carry,
    touched_by_clock,
    touched_by_readings,
    with_evidence,
)
from factolake.refine.nameplates import with_plate
from factolake.refine.refinement import Input, Inputs, Refinement, Slice
from factolake.refine.slices import hour_rows

NEAR_TOP = 0.9
JUMP_FACTOR = 2
MOST_PARTS = 10**12
"""A step of more parts than this is a jump even without a nameplate: no counter of a plant counts so far between two readings."""

_KINDS = ("order", "product", "counter")


def counts(inputs: Inputs) -> DataFrame:
    """Steps of the touched slices; readings that did not move their counter make no row."""
    facts = hour_facts(inputs).withColumn("start_us", F.coalesce("start_us", "hour_us"))
    rows = _with_dark(with_evidence(slice_rows(inputs, facts, _KINDS)))
    held = rows.withColumns({"order_id": held_text("order", "in_order"), "product_id": held_text("product", "in_product")})
    steps = with_plate(_steps(held, inputs), inputs.plant.nameplates, F.col("ts_us"))
    judged = _judged(steps)
    moved = (F.col("parts") > 0) | F.col("event").isin("first", "reset", "jump")
    return select_contract(judged.where(moved), silver.COUNTS)


def _with_dark(rows: DataFrame) -> DataFrame:
    """`dark_us`: the end of the last time without evidence before each row; darkness that ends with the hour before counts."""
    ends = F.when(F.col("is_dark") & (F.col("place") == 0), F.greatest("from_us", "to_us"))
    ends = ends.when(F.col("is_dark") & (F.col("from_us") < F.col("to_us")), F.col("to_us"))
    return rows.withColumn("dark_end_us", ends).withColumn("dark_us", F.max("dark_end_us").over(earlier()))


def _steps(rows: DataFrame, inputs: Inputs) -> DataFrame:
    """Counter readings with the value before them, and whether time without evidence lies between."""
    counter = F.col("kind") == "counter"
    series = in_order("signal")
    own = rows.where(counter).withColumn("seen_us", F.coalesce("seen_us", "ts_us"))
    paired = own.withColumns(
        {
            "raw_from": F.lag("value_i64").over(series),
            "previous_us": F.lag("seen_us").over(series),
            "run_before_us": F.lag("prev_since_us").over(series),
            "is_first_here": F.coalesce(F.lag("place").over(series) == -1, F.lit(False)),
        }
    ).where(F.col("place") == 1)
    dark_before = F.col("is_first_here") & (F.col("run_before_us") > F.col("previous_us"))
    across = F.coalesce(F.col("dark_us") > F.col("previous_us"), F.lit(False)) | F.coalesce(dark_before, F.lit(False))
    declared = inputs.plant.signals.select("machine", "signal", "counts", "parts_per_pulse", "width_bits").where(F.col("counts").isNotNull())
    return paired.withColumn("is_across", across).join(F.broadcast(declared), on=["machine", "signal"], how="inner")


def _judged(steps: DataFrame) -> DataFrame:
    """What each step is and how many parts it counts."""
    value, before, each = F.col("value_i64"), F.col("raw_from"), F.col("parts_per_pulse")
    top = F.call_function("shiftright", F.lit(2**63 - 1), 63 - F.col("width_bits"))
    is_back = value < before
    is_rollover = is_back & F.coalesce((before > NEAR_TOP * (top.cast("double") + 1)) & (before <= top), F.lit(False))
    pulses = F.when(is_rollover, top - before + value + 1).when(is_back, value).otherwise(value - before)
    sized = steps.withColumns({"pulses": pulses, "is_back": is_back, "is_rollover": is_rollover})
    event = (
        F.when(before.isNull(), "first")
        .when(_is_jump(), "jump")
        .when(F.col("is_rollover"), "rollover")
        .when(F.col("is_back"), "reset")
        .when(F.col("is_across"), "across_unknown")
        .otherwise("step")
    )
    named = sized.withColumn("event", event)
    counted = ~F.col("event").isin("first", "jump")
    return named.withColumns(
        {
            "parts": F.when(counted, F.least(F.col("pulses"), F.lit(MOST_PARTS)) * each).otherwise(F.lit(0)),
            "in_effectiveness": counted & ~F.col("is_across"),
            "from_ts": F.timestamp_micros(F.coalesce("previous_us", "ts_us")),
            "to_ts": F.timestamp_micros("ts_us"),
            "raw_to": value,
            "day": F.to_date("hour_ts"),
        }
    )


def _is_jump() -> Column:
    """More than twice what the nameplate allows in the time between the readings; two pulses are always allowed (quantisation)."""
    parts = F.col("pulses").cast("double") * F.col("parts_per_pulse")
    allowed = JUMP_FACTOR * (F.col("ts_us") - F.col("previous_us")) / F.col("pri_us")
    is_beyond = F.coalesce(parts > allowed, F.lit(False)) & (F.col("pulses") > 2)
    return is_beyond | (parts > float(MOST_PARTS))


def _around(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices, before=1, after=1)


COUNTS = Refinement(
    "counts",
    silver.COUNTS,
    (
        Input(silver.READINGS, ("machine", "hour_ts"), touched_by_readings, hour_rows),
        Input(silver.CARRY, CARRY_COLUMNS, touched_by_carry, _around),
        Input(ops.CLOCK, ("tick_ts",), touched_by_clock, lambda _: None),
    ),
    counts,
)
