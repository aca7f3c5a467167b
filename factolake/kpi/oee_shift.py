"""gold.oee_shift: every machine and every line in one shift.

A line is judged at its bottleneck: time elements, availability and effectiveness are the bottleneck's own; its OEE is the planned run
time, at the bottleneck, of the good parts that left the line's last machine, divided by the bottleneck's observed busy time. Line quality
sets those good parts against the scrap and rework of all stations. So line OEE is no product of its factors; `method` says so.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import gold, silver
from factolake.contracts.formats.spark import select_contract
from factolake.kpi import formulas
from factolake.kpi.factors import ratio_column
from factolake.kpi.machine_shifts import SHIFT, SHIFT_INPUTS, machine_shifts, touched_spans
from factolake.kpi.quantities import counter_roles, quantities, weighed
from factolake.kpi.time_elements import SPAN
from factolake.refine.refinement import Inputs, Refinement


def oee_shift(inputs: Inputs) -> DataFrame:
    """Rows of gold.oee_shift for the touched shifts: one a machine and one a line."""
    spans, segments = touched_spans(inputs)
    machines = machine_shifts(inputs, spans, segments)
    rows = _with_lines(machines, _exits(inputs, spans), inputs)
    return select_contract(rows.withColumns({"from_ts": F.col("span_from"), "to_ts": F.col("span_to")}), gold.OEE_SHIFT)


def _exits(inputs: Inputs, spans: DataFrame) -> DataFrame:
    """Good parts at each line's exit, weighed with the bottleneck's nameplate: SHIFT, exit_gq, exit_ideal_good, exit_unplated, exit_counts."""
    places = inputs.plant.machines.select("line", "machine", "flow_place", "is_bottleneck")
    last = places.groupBy("line").agg(F.max_by("machine", "flow_place").alias("exit_machine"))
    pairs = places.where(F.col("is_bottleneck")).select("line", F.col("machine").alias("plate_machine")).join(last, on="line", how="inner")
    plates = inputs.plant.nameplates.join(pairs, on="plate_machine", how="inner")
    at_exit = plates.drop("plate_machine", "line").withColumnRenamed("exit_machine", "plate_machine")
    roles = counter_roles(inputs.plant.signals)
    exits = spans.join(last.select("line", F.col("exit_machine").alias("machine")), on=["line", "machine"], how="inner")
    made = quantities(exits, weighed(inputs.frames[silver.COUNTS.name], roles, at_exit))
    counted = exits.select(*SHIFT, *SPAN).join(made, on=list(SPAN), how="left").join(roles, on="machine", how="left")
    return counted.select(
        *SHIFT,
        _zero("gq").alias("exit_gq"),
        _zero("ideal_good_sum").alias("exit_ideal_good"),
        _zero("unplated").alias("exit_unplated"),
        F.coalesce(F.col("has_good") | F.col("has_total"), F.lit(False)).alias("exit_counts"),
    )


def _zero(name: str) -> Column:
    return F.greatest(F.coalesce(F.col(name), F.lit(0).cast("bigint")), F.lit(0).cast("bigint"))


def _with_lines(machines: DataFrame, exits: DataFrame, inputs: Inputs) -> DataFrame:
    """Every machine's row once, and the bottleneck's once more as its line's; a line has a row in the shifts its bottleneck has.

    Doubling rows instead of a union of two frames lets the engine compute the machines only once.
    """
    stations = W.partitionBy(*SHIFT)
    rows = machines.join(inputs.plant.machines.select("machine", "is_bottleneck"), on="machine", how="inner")
    rows = rows.withColumns(
        {
            **{f"line_{name}": F.sum(name).over(stations) for name in ("sq", "rq", "excluded_readings")},
            "line_complete": F.min(F.col("is_complete").cast("int")).over(stations) == 1,
        }
    )
    levels = F.when(F.col("is_bottleneck"), F.array(F.lit("WorkUnit"), F.lit("ProductionLine"))).otherwise(F.array(F.lit("WorkUnit")))
    rows = rows.join(exits, on=list(SHIFT), how="left").withColumn("equipment_level", F.explode(levels))
    is_line = F.col("equipment_level") == "ProductionLine"
    rows = rows.withColumn("equipment", F.when(is_line, F.col("line")).otherwise(F.col("machine")))
    for columns in (_line_quantities(), _line_reasons(), _line_ratios()):
        rows = rows.withColumns({name: F.when(is_line, value).otherwise(F.col(name)) for name, value in columns.items()})
    return rows


def _line_quantities() -> dict[str, Column]:
    good = _zero("exit_gq")
    scrap, rework = F.col("line_sq"), F.col("line_rq")
    plated = F.coalesce(F.col("exit_counts"), F.lit(False)) & (F.col("exit_unplated") == 0)
    return {
        "gq": good,
        "sq": scrap,
        "rq": rework,
        "pq": good + scrap + rework,
        "ideal_good_us": F.when(plated, F.col("exit_ideal_good")),
        "is_complete": F.col("line_complete"),
        "excluded_readings": F.col("line_excluded_readings"),
        "method": F.lit("bottleneck"),
    }


def _line_reasons() -> dict[str, Column]:
    no_counter = ~F.coalesce(F.col("exit_counts"), F.lit(False))
    base = F.when(F.col("availability_reason").isNotNull(), F.col("availability_reason")).when(no_counter, "no_counter")
    return {
        "quality_ratio_reason": base.when(F.col("pq") == 0, "no_parts"),
        "oee_reason": base.when(F.col("ideal_good_us").isNull(), "no_nameplate"),
    }


def _line_ratios() -> dict[str, Column]:
    ratios = {"quality_ratio": formulas.QUALITY, "oee": formulas.LINE_OEE}
    return {name: F.when(F.col(f"{name}_reason").isNull(), ratio_column(ratio)) for name, ratio in ratios.items()}


OEE_SHIFT = Refinement("oee_shift", gold.OEE_SHIFT, SHIFT_INPUTS, oee_shift, group_size=60)
