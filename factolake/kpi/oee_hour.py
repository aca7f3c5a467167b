"""gold.oee_hour: the time elements, quantities and factors of one machine in one UTC hour.

An hour is a span like a shift, so both use the same parts; here nothing lies beyond the hour and an ideal cycle longer than a tenth
of it makes effectiveness null. An hour without a state stretch and without a count has no row.
"""

from datetime import datetime, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import gold, silver
from factolake.contracts.formats.spark import select_contract
from factolake.kpi.factors import has_calendar, machine_factors
from factolake.kpi.formulas import LONG_CYCLE_SHARE
from factolake.kpi.quantities import counter_roles, quantities, weighed
from factolake.kpi.short_stops import short_stops, stop_days
from factolake.kpi.time_elements import SPAN, cut_stretches, time_elements
from factolake.refine.nameplates import with_plate
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import hour_rows

HOUR_US = 3_600_000_000


def oee_hour(inputs: Inputs) -> DataFrame:
    """Rows of gold.oee_hour for the touched machine-hours."""
    plant, frames = inputs.plant, inputs.frames
    machines = plant.machines.select("machine", "line", "has_order")
    spans = _spans(inputs.slices).join(machines.select("machine", "line"), on="machine", how="inner")
    stretches = cut_stretches(spans, frames[silver.STATE_HOURS.name], machines)
    plates = plant.nameplates
    roles = counter_roles(plant.signals)
    stops = short_stops(frames[silver.DOWNTIME.name], plant.machines, plant.model.convention)
    elements = time_elements(spans, with_plate(stretches, plates, F.unix_micros("cut_from")), _segments(inputs), stops=stops, shared=SPAN)
    sums = elements.join(quantities(spans, weighed(frames[silver.COUNTS.name], roles, plates)), on=list(SPAN), how="left")
    sums = sums.where(F.col("horizon").isNotNull() | F.col("pq").isNotNull())
    sums = sums.join(roles, on="machine", how="left")
    sums = sums.join(_excluded(frames[silver.READINGS.name]), on=list(SPAN), how="left")
    sums = sums.withColumn("excluded_readings", F.coalesce("excluded_readings", F.lit(0)))
    model = plant.model
    planned = [machine for machine in model.machines if model.calendar.calendar_of(model.scopes(machine))]
    rows = machine_factors(
        sums.withColumn("has_calendar", has_calendar(planned)),
        min_coverage=model.min_coverage,
        convention=model.convention,
        cycle_limit_us=HOUR_US // LONG_CYCLE_SHARE,
    )
    return select_contract(rows.withColumns({"hour_ts": F.col("span_from"), "day": F.to_date("span_from")}), gold.OEE_HOUR)


def _spans(slices: DataFrame) -> DataFrame:
    end = F.col("hour_ts") + F.lit(HOUR)
    return slices.select("machine", F.col("hour_ts").alias("span_from"), end.alias("span_to"), end.alias("reach_to"))


def _segments(inputs: Inputs) -> DataFrame:
    hours = [hour for _, hour in inputs.chosen if isinstance(hour, datetime)]
    return inputs.plant.segments(min(hours), max(hours) + HOUR)


def _excluded(readings: DataFrame) -> DataFrame:
    bad = readings.where(F.col("quality") == "bad").groupBy("machine", F.col("hour_ts").alias("span_from"))
    return bad.agg(F.count("machine").alias("excluded_readings"))


def _touched(changes: pa.Table, _: Horizon) -> set[Slice]:
    pairs = changes.group_by(["machine", "hour_ts"]).aggregate([]).to_pylist()
    return {(pair["machine"], pair["hour_ts"]) for pair in pairs}


def _touched_by_bad(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    bad = pa.array([quality == "bad" for quality in changes["quality"].to_pylist()], pa.bool_())
    return _touched(changes.filter(bad), horizon)


def _touched_by_stops(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """Hours of short stops; only the nakajima convention looks at them."""
    if horizon.model.convention != "nakajima":
        return set()
    touched: set[Slice] = set()
    for stop in changes.to_pylist():
        hour = stop["from_ts"].replace(minute=0, second=0, microsecond=0)
        while hour < stop["to_ts"] and stop["to_ts"] - stop["from_ts"] < timedelta(days=1):
            touched.add((stop["machine"], hour))
            hour += HOUR
    return touched


def _bad_rows(slices: frozenset[Slice]) -> Column:
    return (F.col("quality") == "bad") & hour_rows(slices)


def _stop_rows(slices: frozenset[Slice]) -> Column:
    hours = [hour for _, hour in slices if isinstance(hour, datetime)]
    return stop_days(min(hours).date(), max(hours).date())


OEE_HOUR = Refinement(
    "oee_hour",
    gold.OEE_HOUR,
    (
        Input(silver.STATE_HOURS, ("machine", "hour_ts"), _touched, hour_rows),
        Input(silver.COUNTS, ("machine", "hour_ts"), _touched, hour_rows),
        Input(silver.READINGS, ("machine", "hour_ts", "quality"), _touched_by_bad, _bad_rows),
        Input(silver.DOWNTIME, ("machine", "from_ts", "to_ts"), _touched_by_stops, _stop_rows),
    ),
    oee_hour,
)
