"""Time elements of spans (hours or shifts): state stretches laid over the calendar.

Within planned busy time every microsecond of a machine falls into one class; what no stretch covers is unknown. Only time that has
passed counts: a span reaches to the machine's horizon, the end of its last stretch. Production in a break or outside every shift
adds to busy time and is flagged (`outside_plan_us`); a `planned_stop` the machine declares itself, inside busy time, is a stop like
any other, since only the calendar plans.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

SPAN = ("machine", "span_from")
"""What identifies a span; its frame also has span_to (end of the plan) and reach_to (end of what is added outside the plan)."""

DELAYS = ("fault", "stopped", "waiting", "starved", "blocked")
"""States ADET is divided by, as columns `adet_<state>_us`; a planned stop nobody planned is `stopped`."""

ELEMENTS = ("pot_us", "pdot_us", "pbt_us", "apt_us", "aust_us", "adet_us", "adot_us", "unknown_us", "outside_plan_us")


def micros(from_ts: str | Column, to_ts: str | Column) -> Column:
    """Whole microseconds between two times."""
    return F.unix_micros(to_ts) - F.unix_micros(from_ts)


def time_elements(spans: DataFrame, stretches: DataFrame, segments: DataFrame, *, stops: DataFrame | None, shared: tuple[str, ...]) -> DataFrame:
    """`spans` with its time elements, `adet_<state>_us`, `short_us`, `horizon` and `run_pri_us` added.

    `run_pri_us` is the longest planned run time among the products in production, null where none has a nameplate.
    Parameters: `stretches` from `cut_stretches`, with the `pri_us` of their product; `segments` the calendar; `stops` the short stops
    (machine, stop_from, stop_to), or None where nobody asks for them (`short_us` is 0). `shared` names the columns of spans that look at
    one horizon where a machine has no stretch at all.
    """
    producing = F.col("state") == "producing"
    run_plate = F.max(F.when(producing, F.col("pri_us"))).alias("run_pri_us")
    own = stretches.groupBy(*SPAN).agg(F.sum(_us_where(producing)).alias("producing_us"), F.max("to_ts").alias("own_horizon"), run_plate)
    known = spans.join(own, on=list(SPAN), how="left")
    horizon = F.coalesce("own_horizon", F.max("own_horizon").over(W.partitionBy(*shared)))
    known = known.withColumn("horizon", horizon).drop("own_horizon")
    plan = _planned(spans, segments)
    with_plan = _elapsed(known, plan).join(_classes(stretches, plan, stops), on=list(SPAN), how="left")
    sums = ["producing_us", "pot_us", "pdot_us", "apt_in_us", "aust_us", "adet_us", "adot_us", "short_us", *(f"adet_{s}_us" for s in DELAYS)]
    return _balanced(with_plan.withColumns({name: F.coalesce(F.col(name), F.lit(0)).cast("bigint") for name in sums}))


def cut_stretches(spans: DataFrame, states: DataFrame, machines: DataFrame) -> DataFrame:
    """State stretches clipped to the spans they lie in (cut_from, cut_to), with `class`; `to_ts` stays whole."""
    narrow = spans.select(*SPAN, "reach_to")
    rows = states.select("machine", "from_ts", "to_ts", "state", "order_id", "product_id")
    inside = narrow.join(rows, on="machine", how="inner").where(_overlap("from_ts", "to_ts", "span_from", "reach_to"))
    cut = inside.withColumns({"cut_from": F.greatest("from_ts", "span_from"), "cut_to": F.least("to_ts", "reach_to")})
    return cut.join(machines.select("machine", "has_order"), on="machine", how="inner").withColumn("class", time_class_column())


def time_class_column() -> Column:
    """`domain.states.time_class` over the columns state, order_id and has_order."""
    has_order = ~F.col("has_order") | F.col("order_id").isNotNull()
    state = F.col("state")
    return (
        F.when(state == "producing", "apt")
        .when(state == "setup", "aust")
        .when(state == "unknown", "unknown")
        .when((state == "no_order") | ~has_order, "adot")
        .otherwise("adet")
    )


def _overlap(from_a: str, to_a: str, from_b: str, to_b: str) -> Column:
    """Whether two half-open spans share time."""
    return (F.col(from_a) < F.col(to_b)) & (F.col(to_a) > F.col(from_b))


def _us_where(condition: Column) -> Column:
    return F.when(condition, micros("cut_from", "cut_to")).otherwise(F.lit(0))


def _planned(spans: DataFrame, segments: DataFrame) -> DataFrame:
    """Calendar segments clipped to their spans (plan_from, plan_to)."""
    plan = segments.select("machine", F.col("from_ts").alias("seg_from"), F.col("to_ts").alias("seg_to"), "segment")
    inside = spans.select(*SPAN, "span_to").join(plan, on="machine", how="inner").where(_overlap("seg_from", "seg_to", "span_from", "span_to"))
    return inside.select(*SPAN, F.greatest("seg_from", "span_from").alias("plan_from"), F.least("seg_to", "span_to").alias("plan_to"), "segment")


def _elapsed(known: DataFrame, plan: DataFrame) -> DataFrame:
    """`known` with POT and PDOT as far as time has passed; null where nothing is planned."""
    passed = F.greatest(micros("plan_from", F.least("plan_to", "horizon")), F.lit(0))
    # least and greatest skip nulls: without a horizon no time has passed.
    us = F.when(F.col("horizon").isNotNull(), passed)
    pdot = F.sum(F.when(F.col("segment") != "busy", us).otherwise(F.lit(0)))
    # One grouping and no second use of `known`: each use of a frame computes it again.
    return known.join(plan, on=list(SPAN), how="left").groupBy(*known.columns).agg(F.sum(us).alias("pot_us"), pdot.alias("pdot_us"))


def _classes(stretches: DataFrame, plan: DataFrame, stops: DataFrame | None) -> DataFrame:
    busy = plan.where(F.col("segment") == "busy").select(*SPAN, "plan_from", "plan_to")
    pieces = stretches.join(busy, on=list(SPAN), how="inner").where(_overlap("cut_from", "cut_to", "plan_from", "plan_to"))
    pieces = pieces.withColumns({"cut_from": F.greatest("cut_from", "plan_from"), "cut_to": F.least("cut_to", "plan_to")})
    kind = F.col("class")
    delay = F.when(F.col("state") == "planned_stop", "stopped").otherwise(F.col("state"))
    sums = [F.sum(_us_where(kind == name)).alias(f"{column}_us") for name, column in _CLASS_COLUMNS]
    sums += [F.sum(_us_where((kind == "adet") & (delay == state))).alias(f"adet_{state}_us") for state in DELAYS]
    totals = pieces.groupBy(*SPAN).agg(*sums)
    if stops is None:
        return totals.withColumn("short_us", F.lit(0).cast("bigint"))
    short = pieces.where(kind == "adet").join(stops, on="machine", how="inner")
    short = short.where((F.col("cut_from") >= F.col("stop_from")) & (F.col("cut_to") <= F.col("stop_to")))
    return totals.join(short.groupBy(*SPAN).agg(F.sum(micros("cut_from", "cut_to")).alias("short_us")), on=list(SPAN), how="left")


_CLASS_COLUMNS = (("apt", "apt_in"), ("aust", "aust"), ("adet", "adet"), ("adot", "adot"))


def _balanced(sums: DataFrame) -> DataFrame:
    """Unknown is what is left of busy time, so that the classes sum to PBT exactly."""
    outside = F.col("producing_us") - F.col("apt_in_us")
    busy = F.col("pot_us") - F.col("pdot_us")
    observed = F.col("apt_in_us") + F.col("aust_us") + F.col("adet_us") + F.col("adot_us")
    return sums.withColumns(
        {"outside_plan_us": outside, "pbt_us": busy + outside, "apt_us": F.col("producing_us"), "unknown_us": busy - observed}
    ).drop("producing_us", "apt_in_us")
