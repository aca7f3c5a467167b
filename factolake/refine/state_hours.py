"""What each machine did, hour by hour: stretches in which state, order and product stay the same.

A slice (machine, hour) is a pure function of its readings and of the carry of the hours around it. Time between two signs of life
that lie further apart than the machine's limit is `unknown`, never a stop; on a live connection an unchanged value holds.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import ops, silver
from factolake.contracts.formats.spark import select_contract
from factolake.domain.equipment import Timeline
from factolake.refine.derived_states import COUNTING, NOT_COUNTING, derived, with_pulses
from factolake.refine.hour_slices import (
    CARRY_COLUMNS,
    SLICE,
    earlier,
    held_text,
    hour_facts,
    later,
    pieces_in_order,
    slice_rows,
    so_far,
    touched_by_carry,
    touched_by_clock,
    touched_by_readings,
    with_evidence,
    word,
)
from factolake.refine.refinement import Input, Inputs, Refinement
from factolake.refine.slices import hour_rows

_KINDS = ("state", "order", "product")
_PIECE = ("from_us", "to_us", "state_map", "key", "since_us", "order_id", "product_id", "last_ev_us", "gateway_us")


def state_hours(inputs: Inputs) -> DataFrame:
    """Stretches of the touched slices: contiguous, never empty, never overlapping."""
    facts = hour_facts(inputs).where(F.col("end_us") > F.col("start_us"))
    derives = any(not machine.has_state for machine in inputs.plant.model.machines.values())
    rows = _with_state(with_evidence(slice_rows(inputs, facts, (*_KINDS, "counter") if derives else _KINDS)))
    rows = rows.withColumns({"order_id": held_text("order", "in_order"), "product_id": held_text("product", "in_product")})
    pieces = derived(_pieces(with_pulses(rows)), inputs) if derives else _pieces(rows)
    stretches = _named(_merged(pieces.select(*SLICE, *_PIECE)), inputs)
    return select_contract(stretches.where(~_before_the_record(inputs)), silver.STATE_HOURS)


def _before_the_record(inputs: Inputs) -> Column:
    """A recorded machine's time before its first word: its intervals are those of the record, which begins with that word."""
    model = inputs.plant.model
    recorded = [name for name, machine in model.machines.items() if model.sources[machine.source_id].timeline is Timeline.RECORDED]
    wordless = F.coalesce(F.col("unknown_reason").isin("no_state_yet", "bad_status"), F.lit(False))
    return F.col("machine").isin(*recorded) & wordless if recorded else F.lit(False)


def _with_state(rows: DataFrame) -> DataFrame:
    """`rows` with the state reading that holds at each (`held`), and since when its word and quality have not changed.

    Of several state readings with one stamp only the last counts; the start row brings in what the hour before ended with.
    """
    is_state = F.col("kind") == "state"
    fresh = F.struct(word().alias("word"), (F.col("quality") == "bad").alias("is_bad"), F.col("ts_us").alias("at_us"), "gateway_us")
    carried = F.struct(F.col("in_word").alias("word"), F.col("in_is_bad").alias("is_bad"), F.col("in_since_us").alias("at_us"), F.col("gateway_us"))
    next_state = F.first(F.when(is_state, F.col("ts_us")), ignorenulls=True).over(later())
    lasts = is_state & ~F.coalesce(next_state == F.col("ts_us"), F.lit(False))
    is_carried = (F.col("place") == 0) & F.col("in_since_us").isNotNull()
    told = rows.withColumn("told", F.when(is_carried, carried).when(lasts, fresh))
    before = told.withColumn("previous", F.last("told", ignorenulls=True).over(earlier()))
    differs = F.col("previous").isNull()
    for name in ("word", "is_bad"):
        differs = differs | ~F.col(f"told.{name}").eqNullSafe(F.col(f"previous.{name}"))
    begun = F.when(F.col("told").isNotNull() & differs, F.struct(F.col("told.at_us").alias("us"), F.col("told.gateway_us").alias("gateway_us")))
    return before.withColumns({"held": F.coalesce("told", "previous"), "begun": F.last(begun, ignorenulls=True).over(so_far())})


def _pieces(rows: DataFrame) -> DataFrame:
    """The rows that open time, with `key` (what the machine did, as one text) and `since_us` (since when)."""
    key = (
        F.when(F.col("is_dark"), "dark")
        .when(F.col("held").isNull(), "none")
        .when(F.col("held.is_bad"), "bad")
        .otherwise(F.concat(F.lit("word "), F.col("held.word")))
    )
    since = F.when(F.col("is_dark"), F.col("dark_since_us")).otherwise(F.greatest("begun.us", "run_us"))
    gateway = F.when(~F.col("is_dark") & (F.col("begun.us") == F.col("from_us")) & (since == F.col("from_us")), F.col("begun.gateway_us"))
    open_rows = rows.where(F.col("from_us") < F.col("to_us"))
    return open_rows.withColumns({"key": key, "since_us": since, "gateway_us": gateway})


def _merged(pieces: DataFrame) -> DataFrame:
    """Neighbouring pieces that say the same as one stretch."""
    same: Column = F.lit(True)
    for name in ("key", "since_us", "order_id", "product_id"):
        same = same & F.col(name).eqNullSafe(F.lag(name).over(pieces_in_order()))
    first = F.lag("from_us").over(pieces_in_order()).isNull() | ~same
    marked = pieces.withColumn("is_first", first)
    begin = F.last(F.when(F.col("is_first"), F.col("from_us")), ignorenulls=True).over(so_far(pieces_in_order()))
    stretches = marked.withColumn("begin_us", begin).groupBy(*SLICE, "begin_us", "key", "since_us", "order_id", "product_id", "state_map")
    return stretches.agg(
        F.max("to_us").alias("to_us"),
        F.max(F.when(F.col("last_ev_us") >= F.col("begin_us"), F.col("last_ev_us"))).alias("evidence_us"),
        F.max("gateway_us").alias("gateway_us"),
    )


def _named(stretches: DataFrame, inputs: Inputs) -> DataFrame:
    """Stretches in the plant's words: the state of the machine's own word, and why it is unknown."""
    words = inputs.plant.state_words
    exact = words.where(F.col("raw") != "*").select("state_map", F.concat(F.lit("word "), F.col("raw")).alias("key"), F.col("state").alias("exact"))
    other = words.where(F.col("raw") == "*").select("state_map", F.col("state").alias("other"))
    known = stretches.join(F.broadcast(exact), on=["state_map", "key"], how="left").join(F.broadcast(other), on="state_map", how="left")
    is_word = F.col("key").startswith("word ")
    state = (
        F.when(F.col("key") == COUNTING, "producing")
        .when(F.col("key") == NOT_COUNTING, "stopped")
        .when(is_word, F.coalesce("exact", "other", F.lit("unknown")))
        .otherwise("unknown")
    )
    reason = (
        F.when(F.col("key") == "dark", "no_evidence")
        .when(F.col("key") == "none", "no_state_yet")
        .when(F.col("key") == "bad", "bad_status")
        .when(is_word & F.coalesce("exact", "other").isNull(), "unmapped")
        .when(state == "unknown", "machine_unavailable")
    )
    stamps = {"from_ts": "begin_us", "to_ts": "to_us", "state_since": "since_us", "evidence_ts": "evidence_us", "gateway_ts": "gateway_us"}
    return known.withColumns(
        {
            **{name: F.timestamp_micros(us) for name, us in stamps.items()},
            "state": state,
            "state_raw": F.when(is_word, F.substring("key", len("word ") + 1, 1_000_000)),
            "unknown_reason": reason,
            "day": F.to_date("hour_ts"),
        }
    )


def _around(slices: frozenset[tuple[object, ...]]) -> Column:
    return hour_rows(slices, before=1, after=1)


STATE_HOURS = Refinement(
    "state_hours",
    silver.STATE_HOURS,
    (
        Input(silver.READINGS, ("machine", "hour_ts"), touched_by_readings, hour_rows),
        Input(silver.CARRY, CARRY_COLUMNS, touched_by_carry, _around),
        Input(ops.CLOCK, ("tick_ts",), touched_by_clock, lambda _: None),
    ),
    state_hours,
)
