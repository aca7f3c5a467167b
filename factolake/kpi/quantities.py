"""Quantities of spans: counter steps summed by what the machine's counters tell, and weighed by the nameplate valid at each step.

A step belongs to the span its `to_ts` lies in (start inclusive, end exclusive): the part counted at the very instant of a shift
change belongs to the shift that begins. Parts counted across unknown time are in PQ and GQ but not in what is judged against time.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.kpi.time_elements import SPAN
from factolake.refine.nameplates import with_plate

ROLES = ("total", "good", "scrap", "rework")
SUMS = ("pq", "gq", "sq", "rq", "pq_timed", "ideal_sum", "ideal_good_sum", "unplated")


def counter_roles(signals: DataFrame) -> DataFrame:
    """Which counters each machine declares: machine, has_total, has_good, has_scrap, has_rework."""
    counters = signals.where(F.col("kind") == "counter")
    return counters.groupBy("machine").agg(*(F.max(F.col("counts") == role).alias(f"has_{role}") for role in ROLES))


def weighed(counts: DataFrame, roles: DataFrame, plates: DataFrame) -> DataFrame:
    """Counter steps with how much each adds to PQ, GQ, SQ and RQ, and the planned run time of its product.

    PQ is the total counter, or good + scrap + rework where there is none. GQ is the good counter, or PQ - scrap - rework.
    SQ is the scrap counter, or what total and good leave over.
    """
    steps = counts.select("machine", "to_ts", "counts", "parts", "in_effectiveness", "product_id").join(roles, on="machine", how="inner")
    total, good, scrap, rework = (_is(role) for role in ROLES)
    pq = F.when(F.col("has_total"), total).otherwise(good + scrap + rework)
    gq = F.when(F.col("has_good"), good).otherwise(pq - scrap - rework)
    left_over = F.when(F.col("has_total") & F.col("has_good"), total - good - rework).otherwise(F.lit(0))
    sq = F.when(F.col("has_scrap"), scrap).otherwise(left_over)
    weights = {"w_pq": pq, "w_gq": gq, "w_sq": sq, "w_rq": rework}
    return with_plate(steps.withColumns(weights).drop(*(f"has_{role}" for role in ROLES)), plates, F.unix_micros("to_ts"))


def quantities(spans: DataFrame, steps: DataFrame) -> DataFrame:
    """Sums of `steps` (from `weighed`) a span: SUMS and `step_pri_us`, the longest planned run time among them.

    `unplated` counts the parts judged against time whose product has no nameplate. SQ is never below 0.
    """
    inside = spans.select(*SPAN, "reach_to").join(steps, on="machine", how="inner")
    inside = inside.where((F.col("to_ts") >= F.col("span_from")) & (F.col("to_ts") < F.col("reach_to")))
    timed = F.col("in_effectiveness")
    judged = F.col("parts") * (F.col("w_pq") != 0).cast("int")
    sums = {
        **{name: F.sum(F.col(f"w_{name}") * F.col("parts")) for name in ("pq", "gq", "sq", "rq")},
        "pq_timed": F.sum(F.when(timed, F.col("w_pq") * F.col("parts")).otherwise(F.lit(0))),
        "ideal_sum": F.sum(F.when(timed, F.col("w_pq") * F.col("parts") * F.col("pri_us")).otherwise(F.lit(0))),
        "ideal_good_sum": F.sum(F.when(timed, F.col("w_gq") * F.col("parts") * F.col("pri_us")).otherwise(F.lit(0))),
        "unplated": F.sum(F.when(timed & F.col("pri_us").isNull(), F.greatest(judged, F.abs("w_gq") * F.col("parts"))).otherwise(F.lit(0))),
        "step_pri_us": F.max(F.when(F.col("parts") > 0, F.col("pri_us"))),
    }
    return inside.groupBy(*SPAN).agg(*(value.cast("bigint").alias(name) for name, value in sums.items()))


def _is(role: str) -> Column:
    return (F.col("counts") == role).cast("int")
