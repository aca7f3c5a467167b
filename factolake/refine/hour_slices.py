"""Machine x hour slices: what an hour starts from, where it ends, and which of its time has evidence.

Shared by `state_hours` and `counts`, which are pure functions of the readings of an hour and the carry of the hours around it.
All times inside are whole microseconds since 1970 (`*_us`). A slice begins at its hour, or at the machine's first sign of life;
it ends at the end of the hour or at the machine's horizon (last sign of life; for a dead live machine: our clock).
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.refine.carry import EVIDENCE, is_evidence
from factolake.refine.refinement import HOUR, Horizon, Inputs, Slice

HOUR_US = 3_600_000_000
SLICE = ("machine", "hour_ts")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE, _SELF, _AFTER = -1, 0, 1
_GAP, _END = 2, 3
_NEVER_US = 9_000_000_000_000_000_000
_BOUNDS = ("start_us", "end_us", "max_silence_us", "state_map", "has_state")
_KEY = ("epoch", "seq", "idx")
_VALUES = ("source_id", "signal", "kind", "value", "value_i64", "value_text", "quality")


def in_order(*within: str) -> WindowSpec:
    """Rows of a slice (and of each value of `within`) as they happened; `place` puts start rows before readings of the same stamp."""
    return Window.partitionBy(*SLICE, *within).orderBy("ts_us", "place", "epoch", "seq", "idx")


def pieces_in_order() -> WindowSpec:
    """Pieces of time of a slice, which never overlap."""
    return Window.partitionBy(*SLICE).orderBy("from_us")


def so_far(order: WindowSpec | None = None) -> WindowSpec:
    """Every row up to this one."""
    return (order or in_order()).rowsBetween(Window.unboundedPreceding, Window.currentRow)


def earlier() -> WindowSpec:
    """Every row before this one."""
    return in_order().rowsBetween(Window.unboundedPreceding, -1)


def later() -> WindowSpec:
    """Every row after this one."""
    return in_order().rowsBetween(1, Window.unboundedFollowing)


def hour_facts(inputs: Inputs) -> DataFrame:
    """One row a touched slice that has begun: its bounds, its machine's declarations and the values it starts from.

    `prev_ev_us` and `next_ev_us` are the signs of life before and after the hour, `prev_since_us` the start of the unbroken run
    that the former ends; `in_*` are the values at the start of the hour.
    """
    machines = inputs.plant.machines.select("machine", "state_map", "has_state", "has_heartbeat", "is_live", "max_silence_us")
    slices = inputs.slices.select(*SLICE).withColumn("hour_us", F.unix_micros("hour_ts"))
    known = slices.join(machines, on="machine", how="inner").join(_carried(inputs), on=["machine", "hour_us"], how="inner")
    bounded = known.withColumn("start_us", F.when(F.col("prev_ev_us").isNotNull(), F.col("hour_us")).otherwise(F.col("first_ev_us")))
    return bounded.withColumn("end_us", _end(inputs))


def _end(inputs: Inputs) -> Column:
    clock_us = F.lit((inputs.clock_ts - _EPOCH) // (HOUR / HOUR_US))
    hour_end = F.col("hour_us") + HOUR_US
    dead = F.col("is_live") & (clock_us - F.col("last_gateway_us") > F.col("max_silence_us"))
    silent_until = F.least(F.greatest(clock_us, F.col("last_ev_us")), hour_end)
    end = F.when(F.col("is_continued"), hour_end).when(F.coalesce(dead, F.lit(False)), silent_until)
    return end.otherwise(F.col("last_ev_us"))


def _carried(inputs: Inputs) -> DataFrame:
    """Carry of the hour before, the hour itself and the hour after each slice, as one row a slice."""
    rows = inputs.frames[silver.CARRY.name].withColumn("at", F.explode(F.array(F.lit(_BEFORE), F.lit(_SELF), F.lit(_AFTER))))
    rows = rows.withColumn("hour_us", F.unix_micros("hour_ts") - F.col("at").cast("bigint") * HOUR_US)
    sign = F.col("signal") == EVIDENCE

    def pick(value: Column | str, at: int, which: Column) -> Column:
        return F.max(F.when((F.col("at") == at) & which, value))

    state, order, product = (F.col("kind") == kind for kind in ("state", "order", "product"))
    counted = (F.col("kind") == "counter") & F.col("value_i64").isNotNull()
    return rows.groupBy("machine", "hour_us").agg(
        pick(F.unix_micros("ts"), _BEFORE, sign).alias("prev_ev_us"),
        pick(F.unix_micros("since_ts"), _BEFORE, sign).alias("prev_since_us"),
        pick(F.unix_micros("ts"), _SELF, sign).alias("last_ev_us"),
        pick(F.unix_micros("first_ts"), _SELF, sign).alias("first_ev_us"),
        pick(F.unix_micros("gateway_ts"), _SELF, sign).alias("last_gateway_us"),
        pick(F.unix_micros("first_ts"), _AFTER, sign).alias("next_ev_us"),
        F.coalesce(pick(F.lit(True), _AFTER, sign), F.lit(False)).alias("is_continued"),
        pick(word(), _BEFORE, state).alias("in_word"),
        pick(F.col("quality") == "bad", _BEFORE, state).alias("in_is_bad"),
        pick(F.unix_micros("since_ts"), _BEFORE, state).alias("in_since_us"),
        pick(F.coalesce("value_text", F.lit("")), _BEFORE, order).alias("in_order"),
        pick(F.coalesce("value_text", F.lit("")), _BEFORE, product).alias("in_product"),
        pick(F.unix_micros("since_ts"), _BEFORE, counted).alias("in_count_us"),
    )


def word() -> Column:
    """The machine's own word of a state reading: its text, or its whole number as text; empty when it has neither."""
    return F.coalesce(F.col("value_text"), F.col("value_i64").cast("string"), F.col("value").try_cast("bigint").cast("string"), F.lit(""))


def slice_rows(inputs: Inputs, facts: DataFrame, kinds: tuple[str, ...]) -> DataFrame:
    """Readings of the slices that are of `kinds` or signs of life (place 1), between one start row (0) and one end row (3) a slice.

    `ev_us` is set on signs of life; order, product and counter readings with a bad status say nothing and are left out.
    With counters among `kinds` every counter starts from its carried value (place -1), whose own time is `seen_us`.
    """
    readings = inputs.frames[silver.READINGS.name].join(facts.select(*SLICE, *_BOUNDS, "has_heartbeat"), on=list(SLICE), how="inner")
    usable = F.col("kind").isin(*kinds) & ((F.col("kind") == "state") | (F.col("quality") != "bad"))
    sign = is_evidence(F.col("has_heartbeat"))
    ev_us = F.when(sign, F.unix_micros("ts")).alias("ev_us")
    stamps = (F.unix_micros("ts").alias("ts_us"), F.lit(1).alias("place"), ev_us, F.unix_micros("gateway_ts").alias("gateway_us"))
    own = readings.where(usable | sign).select(*SLICE, *_BOUNDS, *_KEY, *_VALUES, usable.alias("is_told"), *stamps)
    edges = facts.withColumns({"epoch": F.lit(0).cast("bigint"), "seq": F.lit(0).cast("bigint"), "idx": F.lit(0), "is_told": F.lit(True)})
    starts = edges.withColumns({"ts_us": F.col("start_us"), "place": F.lit(0), "ev_us": F.col("prev_ev_us")})
    after = F.coalesce("next_ev_us", F.lit(_NEVER_US))
    ends = edges.select(*SLICE, *_BOUNDS, *_KEY, "is_told", after.alias("ts_us"), F.lit(3).alias("place"), after.alias("ev_us"))
    rows = own.unionByName(starts, allowMissingColumns=True).unionByName(ends, allowMissingColumns=True)
    return rows.unionByName(_counter_starts(inputs, facts), allowMissingColumns=True) if "counter" in kinds else rows


def _counter_starts(inputs: Inputs, facts: DataFrame) -> DataFrame:
    counters = inputs.frames[silver.CARRY.name].where((F.col("kind") == "counter") & F.col("value_i64").isNotNull())
    hour_us = (F.unix_micros("hour_ts") + HOUR_US).alias("hour_us")
    ended = counters.select("machine", hour_us, "signal", "kind", "value_i64", "epoch", "seq", "idx", F.unix_micros("ts").alias("seen_us"))
    return facts.join(ended, on=["machine", "hour_us"], how="inner").withColumns(
        {"ts_us": F.col("start_us"), "place": F.lit(-1), "is_told": F.lit(True)}
    )


def with_evidence(rows: DataFrame) -> DataFrame:
    """The rows that tell something, and the ends of gaps between signs of life, with the time each opens up to the next one.

    Signs of life that only go on are dropped here, so that all later work is on few rows. Adds `from_us`, `to_us` (equal or reversed
    where the row opens nothing), `is_dark` (that time has no evidence), `dark_since_us`, `run_us` (start of the unbroken run of signs
    of life) and `last_ev_us` (last sign of life before `to_us`).
    """
    few = _gaps_marked(rows)
    dark = F.when(F.col("place") == _GAP, F.col("ts_us")).when(F.col("ends_gap"), F.lit(0))
    run = F.when(F.col("place") == 0, F.col("prev_since_us")).when(F.col("ends_gap") & (F.col("place") == 1), F.col("ev_us"))
    timed = few.withColumns(
        {
            "dark_since_us": F.last(dark, ignorenulls=True).over(so_far()),
            "run_us": F.last(run, ignorenulls=True).over(so_far()),
            "from_us": F.greatest("ts_us", "start_us"),
            "to_us": F.least(F.lead("ts_us").over(in_order()), F.col("end_us")),
            "last_ev_us": F.lead("before_us").over(in_order()),
        }
    )
    return timed.where(F.col("place") != _END).withColumn("is_dark", F.coalesce(F.col("dark_since_us") > 0, F.lit(False)))


def _gaps_marked(rows: DataFrame) -> DataFrame:
    """Rows that tell something or end a gap, and a row (place 2) where each gap begins: at the sign of life before it.

    `before_us` is the last sign of life with an earlier stamp.
    """
    by_time = in_order()
    is_last_of_stamp = F.coalesce(F.lead("ts_us").over(by_time) > F.col("ts_us"), F.lit(True))
    marked = rows.withColumns({"earlier_ev_us": F.last("ev_us", ignorenulls=True).over(earlier()), "is_last_of_stamp": is_last_of_stamp})
    settled = F.when(F.col("is_last_of_stamp"), F.coalesce("ev_us", "earlier_ev_us"))
    strict = marked.withColumn("before_us", F.last(settled, ignorenulls=True).over(earlier()))
    of_sign = F.when(F.col("ev_us").isNotNull(), F.coalesce("before_us", F.lit(0)))
    paired = strict.withColumn("before_earlier", F.last(of_sign, ignorenulls=True).over(earlier()))
    gap = F.coalesce(F.col("ev_us") - F.col("earlier_ev_us") > F.col("max_silence_us"), F.lit(False))
    first = F.col("ev_us").isNotNull() & F.col("earlier_ev_us").isNull() & (F.col("place") != 0)
    few = paired.withColumns({"is_gap": gap, "ends_gap": gap | first}).where(F.col("is_told") | F.col("ends_gap"))
    both = few.withColumn("opens_gap", F.explode(F.when(F.col("is_gap"), F.array(F.lit(False), F.lit(True))).otherwise(F.array(F.lit(False)))))
    return both.withColumns(
        {
            "ts_us": F.when(F.col("opens_gap"), F.col("earlier_ev_us")).otherwise(F.col("ts_us")),
            "place": F.when(F.col("opens_gap"), F.lit(_GAP)).otherwise(F.col("place")),
            "before_us": F.when(F.col("opens_gap"), F.col("before_earlier")).otherwise(F.col("before_us")),
            "ends_gap": F.col("ends_gap") & ~F.col("opens_gap"),
            "kind": F.when(~F.col("opens_gap"), F.col("kind")),
        }
    )


def held_text(kind: str, carried: str) -> Column:
    """The order or product as of each row of a slice; null when there is none."""
    seen = F.when(F.col("place") == 0, F.col(carried)).when(F.col("kind") == kind, F.coalesce("value_text", F.lit("")))
    return F.nullif(F.last(seen, ignorenulls=True).over(so_far()), F.lit(""))


def moved_hours(feed: pa.Table, names: tuple[str, ...]) -> set[tuple[str, datetime]]:
    """(machine, hour) of the carry rows in a change feed whose `names` are not the same before and after.

    A replaced slice comes as deletes and inserts of all its rows; those that came back as they were moved nothing.
    """
    seen: dict[tuple[object, ...], list[set[object]]] = {}
    for row in feed.select(["machine", "hour_ts", "signal", *names, "_change_type"]).to_pylist():
        gone = row["_change_type"] in ("delete", "update_preimage")
        values = seen.setdefault((row["machine"], row["hour_ts"], row["signal"]), [set(), set()])
        values[0 if gone else 1].add(tuple(row[name] for name in names))
    return {(str(key[0]), key[1]) for key, (old, new) in seen.items() if (old != new or len(old) > 1) and isinstance(key[1], datetime)}


CARRY_COLUMNS = ("machine", "hour_ts", "signal", "ts", "value", "value_i64", "value_text", "quality", "first_ts", "since_ts", "gateway_ts")
"""What the touch of a carry change needs from the feed."""


def touched_by_carry(feed: pa.Table, horizon: Horizon, *, sees_next: bool = True) -> set[Slice]:
    """Slices that a carry change touches: its own hour, the next (it starts from it) and, where its first stamps moved, the one before."""
    touched: set[Slice] = set()
    for machine, hour in moved_hours(feed, CARRY_COLUMNS[3:]):
        touched |= {(machine, hour), (machine, hour + HOUR)}
    if sees_next:
        touched |= {(machine, hour - HOUR) for machine, hour in moved_hours(feed, ("first_ts",))}
    return {row for row in touched if is_reached(row, horizon)}


def touched_by_readings(feed: pa.Table, _: Horizon) -> set[Slice]:
    """The slices the changed readings lie in."""
    pairs = feed.group_by(["machine", "hour_ts"]).aggregate([]).to_pylist()
    return {(pair["machine"], pair["hour_ts"]) for pair in pairs}


def touched_by_clock(_: pa.Table, horizon: Horizon) -> set[Slice]:
    """The newest slice of every machine that our clock says is dead: its unknown time grows with the clock alone."""
    return {(machine, hour) for machine, hour in horizon.last_hour.items() if horizon.dead(machine)}


def next_hours(slices: Iterable[Slice]) -> set[Slice]:
    """The hour after each slice."""
    return {(machine, hour + HOUR) for machine, hour in slices if isinstance(hour, datetime)}


def is_reached(row: Slice, horizon: Horizon) -> bool:
    """Whether the machine's carry has come to the hour of a slice; what lies behind it is made when readings come."""
    newest = horizon.last_hour.get(str(row[0]))
    return newest is None or (isinstance(row[1], datetime) and row[1] <= newest)
