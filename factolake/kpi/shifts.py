"""Shifts as spans: which slices of gold's shift tables a changed hour touches, which rows they need, and where a shift ends.

Production outside every shift belongs to the shift before it, for at most a day after that shift's end (`reach_to`); earlier or later
production shows in gold.oee_hour only. Slices are (line, production_day, shift).
"""

from datetime import date, datetime, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.domain.plant import PlantModel
from factolake.kpi.overtime import OVERTIME
from factolake.refine.refinement import HOUR, Horizon, Inputs, Slice
from factolake.refine.slices import in_days


def shift_spans(slices: DataFrame, segments: DataFrame) -> DataFrame:
    """One span a machine of the slices' lines: line, machine, production_day, shift, span_from, span_to, reach_to."""
    names = ["line", "machine", "production_day", "shift"]
    shifts = segments.select(*names, F.col("shift_from_ts").alias("span_from"), F.col("shift_to_ts").alias("span_to")).distinct()
    next_shift = F.lead("span_from").over(W.partitionBy("machine").orderBy("span_from"))
    latest = F.col("span_to") + F.lit(timedelta(hours=24))
    reach = F.greatest("span_to", F.least(latest, F.coalesce(next_shift, latest)))
    return shifts.withColumn("reach_to", reach).join(slices, on=["line", "production_day", "shift"], how="left_semi")


def segments_around(inputs: Inputs) -> DataFrame:
    """Calendar segments of the slices' shifts and of the shift after each."""
    begin, end = production_days(inputs.chosen)
    return inputs.plant.segments(datetime.fromisoformat(f"{begin}T00:00:00+00:00"), datetime.fromisoformat(f"{end}T00:00:00+00:00"))


def touched_shifts(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """Shifts (line, production_day, shift) that the changed machine-hours lie in or reach into."""
    pairs = changes.group_by(["machine", "hour_ts"]).aggregate([]).to_pylist()
    known = [pair for pair in pairs if pair["machine"] in horizon.model.machines]
    return {shift for pair in known for shift in _shifts_of_hour(horizon.model, pair["machine"], pair["hour_ts"])}


def touched_by_bad(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """Shifts of the readings with bad status."""
    bad = pa.array([quality == "bad" for quality in changes["quality"].to_pylist()], pa.bool_())
    return touched_shifts(changes.filter(bad), horizon)


def touched_by_stops(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """Shifts of short stops; only the nakajima convention looks at them."""
    if horizon.model.convention != "nakajima":
        return set()
    ends = [
        (row["machine"], stamp.replace(minute=0, second=0, microsecond=0)) for row in changes.to_pylist() for stamp in (row["from_ts"], row["to_ts"])
    ]
    return {shift for machine, hour in set(ends) if machine in horizon.model.machines for shift in _shifts_of_hour(horizon.model, machine, hour)}


def day_rows(slices: frozenset[Slice]) -> Column:
    """Condition on `day` for every row that can lie in the slices' shifts or their overtime: a superset, by partition."""
    return in_days("day", utc_days(slices))


def utc_days(slices: frozenset[Slice]) -> set[date]:
    """Every UTC day that the slices' shifts and their overtime can touch."""
    days: set[date] = set()
    for _, production_day, _ in slices:
        assert isinstance(production_day, date)
        begin, end = _days_of_shifts(production_day, production_day)
        days |= {begin + timedelta(days=step) for step in range((end - begin).days)}
    return days


def bad_rows(slices: frozenset[Slice]) -> Column:
    """The same for readings with bad status."""
    return (F.col("quality") == "bad") & day_rows(slices)


def production_days(slices: frozenset[Slice]) -> tuple[date, date]:
    """First and last UTC day the slices' shifts can have rows on."""
    days = [day for _, day, _ in slices if isinstance(day, date)]
    begin, end = _days_of_shifts(min(days), max(days))
    return begin, end


def _days_of_shifts(first: date, last: date) -> tuple[date, date]:
    """UTC days [begin, end) that shifts of these production days and their overtime can touch, in any time zone.

    A local day starts up to 14 hours before and ends up to 12 hours after the UTC day of its date; a shift ends the day after.
    """
    return first - timedelta(days=1), last + timedelta(days=4)


def _shifts_of_hour(model: PlantModel, machine: str, hour_ts: datetime) -> set[Slice]:
    line = model.machines[machine].line_id
    windows = model.calendar.shifts(model.scopes(machine), hour_ts - OVERTIME - HOUR, hour_ts + HOUR)
    inside: set[Slice] = {(line, w.production_day, w.shift) for w in windows if w.to_ts > hour_ts}
    before = [w for w in windows if w.to_ts <= hour_ts]
    covered = any(w.from_ts <= hour_ts and w.to_ts >= hour_ts + HOUR for w in windows)
    if before and not covered:
        inside.add((line, before[-1].production_day, before[-1].shift))
    return inside
