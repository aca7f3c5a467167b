"""What gold.oee_shift and gold.losses share: elements, quantities and factors of every machine in the touched shifts."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.kpi.factors import machine_factors
from factolake.kpi.quantities import counter_roles, quantities, weighed
from factolake.kpi.shifts import bad_rows, day_rows, production_days, segments_around, shift_spans, touched_by_bad, touched_by_stops, touched_shifts
from factolake.kpi.short_stops import short_stops, stop_days
from factolake.kpi.time_elements import SPAN, cut_stretches, time_elements
from factolake.refine.nameplates import with_plate
from factolake.refine.refinement import Input, Inputs, Slice

SHIFT = ("line", "production_day", "shift")


def machine_shifts(inputs: Inputs, spans: DataFrame, segments: DataFrame) -> DataFrame:
    """One row a machine and touched shift with every column of gold.oee_shift, `adet_<state>_us` and `horizon`.

    Without silver.downtime and silver.readings among the frames there is no nakajima convention and no `excluded_readings`.
    A shift in which no machine of the line has a stretch or a count has no row; a machine silent in a shift the others saw is unknown.
    """
    plant, frames = inputs.plant, inputs.frames
    stretches = cut_stretches(spans, frames[silver.STATE_HOURS.name], plant.machines)
    plates, roles = plant.nameplates, counter_roles(plant.signals)
    downtime, readings = frames.get(silver.DOWNTIME.name), frames.get(silver.READINGS.name)
    stops = None if downtime is None else short_stops(downtime, plant.machines, plant.model.convention)
    elements = time_elements(spans, with_plate(stretches, plates, F.unix_micros("cut_from")), segments, stops=stops, shared=SHIFT)
    sums = elements.join(quantities(spans, weighed(frames[silver.COUNTS.name], roles, plates)), on=list(SPAN), how="left")
    sums = sums.where(F.col("horizon").isNotNull() | F.col("pq").isNotNull())
    sums = sums.join(roles, on="machine", how="left")
    if readings is not None:
        sums = sums.join(_excluded(spans, readings), on=list(SPAN), how="left")
        sums = sums.withColumn("excluded_readings", F.coalesce("excluded_readings", F.lit(0)))
    sums = sums.withColumn("has_calendar", F.lit(True))
    sums = sums.withColumn("is_complete", F.coalesce(F.col("horizon") >= F.col("span_to"), F.lit(False)))
    return machine_factors(sums, min_coverage=plant.model.min_coverage, convention=plant.model.convention, cycle_limit_us=None)


def touched_spans(inputs: Inputs) -> tuple[DataFrame, DataFrame]:
    """(spans, segments) of the touched shifts."""
    segments = segments_around(inputs)
    return shift_spans(inputs.slices, segments), segments


def _excluded(spans: DataFrame, readings: DataFrame) -> DataFrame:
    bad = readings.where(F.col("quality") == "bad").select("machine", "ts")
    inside = spans.select(*SPAN, "reach_to").join(bad, on="machine", how="inner")
    inside = inside.where((F.col("ts") >= F.col("span_from")) & (F.col("ts") < F.col("reach_to")))
    return inside.groupBy(*SPAN).agg(F.count("machine").alias("excluded_readings"))


def _stop_rows(slices: frozenset[Slice]) -> Column:
    return stop_days(*production_days(slices))


TIME_INPUTS = (
    Input(silver.STATE_HOURS, ("machine", "hour_ts"), touched_shifts, day_rows),
    Input(silver.COUNTS, ("machine", "hour_ts"), touched_shifts, day_rows),
)
"""What time elements and quantities need; losses need no more."""

SHIFT_INPUTS = (
    *TIME_INPUTS,
    Input(silver.READINGS, ("machine", "hour_ts", "quality"), touched_by_bad, bad_rows),
    Input(silver.DOWNTIME, ("machine", "from_ts", "to_ts"), touched_by_stops, _stop_rows),
)
