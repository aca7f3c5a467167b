"""From sums to ratios: the Spark side of `formulas.py`, with the reason wherever a factor has no evidence.

A factor is null alone: availability needs no counter, quality no nameplate. A product with a null factor is null, except that a machine
which stood still (A = 0, nothing counted) or made nothing while producing (E = 0) has OEE 0.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts.gold import KPI_VERSION
from factolake.kpi import formulas
from factolake.kpi.formulas import Ratio, Term


def ratio_column(ratio: Ratio) -> Column:
    """The ratio as a column; null where the divisor is not positive (never a division by zero, also under ANSI)."""
    below = _sum(ratio.below)
    return _sum(ratio.above).cast("double") / F.when(below > 0, below).cast("double")


def machine_factors(sums: DataFrame, *, min_coverage: float, convention: str, cycle_limit_us: int | None) -> DataFrame:
    """`sums` with every column of contracts.gold.QUANTITIES and FACTORS a machine row has.

    Needs the time elements, `short_us`, the SUMS of quantities (null = nothing counted), `step_pri_us`, `run_pri_us`, `has_calendar`
    and the counter roles. `cycle_limit_us`: a longer ideal cycle makes effectiveness null (None: no limit).
    """
    rows = _with_quantities(sums)
    nakajima = convention == "nakajima"
    availability = formulas.NAKAJIMA_AVAILABILITY if nakajima else formulas.AVAILABILITY
    effectiveness = formulas.NAKAJIMA_EFFECTIVENESS if nakajima else formulas.EFFECTIVENESS
    rows = rows.withColumn("coverage", ratio_column(formulas.COVERAGE)).withColumn("availability_reason", _no_evidence(min_coverage))
    rows = rows.withColumns({"effectiveness_reason": _effectiveness_reason(cycle_limit_us, nakajima), "quality_ratio_reason": _quality_reason()})
    rows = _valued(rows, {"availability": availability, "effectiveness": effectiveness, "quality_ratio": formulas.QUALITY})
    return _with_oee(rows).withColumns({"method": F.lit("machine"), **row_marks(convention)})


def row_marks(convention: str) -> dict[str, Column]:
    """Columns that say how a row is to be read."""
    above = F.coalesce(F.col("effectiveness") > 1, F.lit(False))
    return {"effectiveness_above_one": above, "convention": F.lit(convention), "kpi_version": F.lit(KPI_VERSION)}


def has_calendar(machines: list[str]) -> Column:
    """Whether the row's machine is one of `machines`."""
    return F.col("machine").isin(machines) if machines else F.lit(False)


def _sum(terms: tuple[Term, ...]) -> Column:
    (sign, name), *rest = terms
    total = F.col(name) if sign > 0 else -F.col(name)
    for sign, name in rest:
        total = total + F.col(name) if sign > 0 else total - F.col(name)
    return total


def _with_quantities(sums: DataFrame) -> DataFrame:
    """Nothing counted is 0; `ideal_us` is null without a counter or where a product has no nameplate."""
    flags = ("has_total", "has_good", "has_scrap", "has_rework")
    rows = sums.withColumns({name: F.coalesce(F.col(name), F.lit(False)) for name in flags})
    zero = ("pq", "gq", "sq", "rq", "pq_timed", "ideal_sum", "ideal_good_sum", "unplated")
    rows = rows.withColumns({name: F.coalesce(F.col(name), F.lit(0)).cast("bigint") for name in zero})
    rows = rows.withColumn("counts_disagree", (F.col("gq") > F.col("pq")) | (F.col("gq") < 0) | (F.col("sq") < 0))
    judged = (F.col("has_total") | F.col("has_good")) & (F.col("unplated") == 0)
    known_product = (F.col("pq_timed") > 0) | (F.col("apt_us") == 0) | F.col("run_pri_us").isNotNull()
    is_ideal = judged & known_product
    # gold quantities are never negative (contract); a machine that scrapped more than it made is flagged by counts_disagree.
    floored = {name: F.greatest(F.col(name), F.lit(0).cast("bigint")) for name in ("gq", "sq")}
    ideal = {
        "ideal_us": F.when(is_ideal, F.col("ideal_sum")),
        "ideal_good_us": F.when(is_ideal, F.greatest("ideal_good_sum", F.lit(0).cast("bigint"))),
    }
    return rows.withColumns({**floored, **ideal})


def _no_evidence(min_coverage: float) -> Column:
    too_little = (F.col("coverage") < F.lit(min_coverage)) | (F.col("unknown_us") >= F.col("pbt_us"))
    return F.when(~F.col("has_calendar"), "no_calendar").when(F.col("pbt_us") <= 0, "no_busy_time").when(too_little, "low_coverage")


def _effectiveness_reason(cycle_limit_us: int | None, nakajima: bool) -> Column:
    cycle = F.greatest(F.coalesce("step_pri_us", F.lit(0)), F.coalesce("run_pri_us", F.lit(0)))
    is_long = F.lit(False) if cycle_limit_us is None else cycle > cycle_limit_us
    still = F.col("apt_us") == 0
    if nakajima:
        still = still & ((F.col("short_us") == 0) | (F.col("pq_timed") > 0))
    return (
        F.when(F.col("availability_reason").isNotNull(), F.col("availability_reason"))
        .when(~(F.col("has_total") | F.col("has_good")), "no_counter")
        .when(F.col("ideal_us").isNull(), "no_nameplate")
        .when(is_long, "long_cycle")
        .when((F.col("pq_timed") == 0) & (F.col("pq") > 0), "no_parts")
        .when(still, "no_production")
    )


def _quality_reason() -> Column:
    can_tell = (F.col("has_total") & (F.col("has_good") | F.col("has_scrap") | F.col("has_rework"))) | (
        F.col("has_good") & (F.col("has_scrap") | F.col("has_rework"))
    )
    return (
        F.when(F.col("availability_reason").isNotNull(), F.col("availability_reason"))
        .when(~can_tell, "no_counter")
        .when(F.col("counts_disagree"), "counts_disagree")
        .when(F.col("pq") == 0, "no_parts")
    )


def _valued(rows: DataFrame, ratios: dict[str, Ratio]) -> DataFrame:
    """Each ratio where its reason is null."""
    return rows.withColumns({name: F.when(F.col(f"{name}_reason").isNull(), ratio_column(ratio)) for name, ratio in ratios.items()})


def _with_oee(rows: DataFrame) -> DataFrame:
    stood_still = (F.col("effectiveness_reason") == "no_production") & (F.col("pq") == 0)
    is_zero = F.coalesce(stood_still, F.lit(False)) | F.coalesce(F.col("effectiveness") == 0, F.lit(False))
    reason = F.when(~is_zero, F.coalesce("effectiveness_reason", "quality_ratio_reason"))
    product = F.col("availability") * F.col("effectiveness") * F.col("quality_ratio")
    return rows.withColumn("oee", F.when(is_zero, F.lit(0.0)).otherwise(product)).withColumn("oee_reason", reason)
