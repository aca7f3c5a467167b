"""gold.alert_quality: were the alerts of a machine right, how long before a stop did they come, and were there few enough of them?

An alert counts in the production week in which it was raised. Precision = true / (true + false) among those that people judged (FactoMES's
machine_alert); the others are not guessed at.

An unplanned stop is one of silver.downtime that asks for a reason, without a planned reason told for its beginning (silver.stops). An alert is
followed by the first unplanned stop of its machine that begins at or after `raised_ts`, at most 7 days after it and at most 1 day after
`ended_ts`, both ends included. A stop is warned of by the alerts that it follows, except those withdrawn or judged to be false alarms; its lead
is its beginning - `raised_ts` of the first of them in the week. The row has the median of the leads of its warned stops; of two middle ones the mean.

minutes_saved sums `stake_min` (the median of what past stops of the likely cause took) of the alerts judged to be right that have ended and are
followed by no unplanned stop so far. It is what such a stop would have cost, not what was measured; a stop that comes later takes it back.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.contracts.formats.spark import select_contract, to_frame
from factolake.contracts.gold_alerts import ALERT_QUALITY as GOLD_ALERT_QUALITY
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.silver_mes import MACHINE_ALERTS, REASONS, STOPS
from factolake.domain.alert import WEEK_BUDGET
from factolake.domain.plant import PlantModel
from factolake.kpi.weeks import WEEK, week_begin, week_of
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice

LONGEST_LEAD = WEEK
AFTER_END = timedelta(days=1)
_MINUTE_US = 60_000_000
_NEVER_US = 2**62
_KEY = ["machine", "production_week"]


def alert_quality(inputs: Inputs) -> DataFrame:
    """Rows of gold.alert_quality for the touched machine-weeks in which an alert was raised."""
    frames = inputs.frames
    weeks = F.broadcast(to_frame(inputs.spark, week_table(inputs.plant.model, inputs.chosen)))
    raised = _raised(weeks, frames[ALERTS.name], frames[MACHINE_ALERTS.table.name])
    stops = _unplanned(frames[silver.DOWNTIME.name], frames[STOPS.table.name], frames[REASONS.table.name])
    followed = _followed(raised, stops)
    rows = _counted(followed).join(_leads(followed), on=_KEY, how="left").join(weeks.select(*_KEY, "line"), on=_KEY, how="inner")
    return select_contract(rows.withColumn("warned_stops", F.coalesce("warned_stops", F.lit(0))), GOLD_ALERT_QUALITY)


def week_table(model: PlantModel, slices: frozenset[Slice]) -> pa.Table:
    """The weeks of the machines that the plant has: machine, production_week, line, week_us and week_to_us since 1970."""
    rows = []
    for machine, monday in sorted(slices):
        assert isinstance(machine, str) and isinstance(monday, date)
        if machine in model.machines:
            ends = [round(week_begin(model, machine, day).timestamp()) * 1_000_000 for day in (monday, monday + WEEK)]
            rows.append((machine, monday, model.machines[machine].line_id, *ends))
    kinds = (pa.string(), pa.date32(), pa.string(), pa.int64(), pa.int64())
    columns = zip(*rows, strict=True) if rows else [() for _ in kinds]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, [*_KEY, "line", "week_us", "week_to_us"])


def _raised(weeks: DataFrame, alerts: DataFrame, judged: DataFrame) -> DataFrame:
    """Alerts with their week: alert_id, state, verdict, stake_us, raised_us, and until_us when a stop may still follow."""
    raised_us = F.unix_micros("raised_ts")
    after_end = F.coalesce(F.unix_micros("ended_ts") + _us(AFTER_END), F.lit(_NEVER_US))
    plain = alerts.select(
        F.col("machine"),
        F.col("alert_id"),
        F.col("state"),
        F.round(F.col("stake_min") * _MINUTE_US).cast("bigint").alias("stake_us"),
        raised_us.alias("raised_us"),
        F.least(raised_us + _us(LONGEST_LEAD), after_end).alias("until_us"),
    )
    verdicts = judged.where(F.col("removed_ts").isNull() & F.col("verdict").isNotNull()).select("alert_id", "verdict")
    placed = plain.join(weeks.drop("line"), on="machine", how="inner")
    within = placed.where((F.col("raised_us") >= F.col("week_us")) & (F.col("raised_us") < F.col("week_to_us"))).drop("week_us", "week_to_us")
    return within.join(verdicts, on="alert_id", how="left")


def _unplanned(downtime: DataFrame, told: DataFrame, reasons: DataFrame) -> DataFrame:
    """Beginnings of unplanned stops: stop_machine, stop_us."""
    stops = downtime.where(F.col("asks_reason")).select(F.col("machine").alias("stop_machine"), F.unix_micros("from_ts").alias("stop_us"))
    planned = reasons.where(F.col("is_planned")).select("reason_id")
    current = told.where((F.col("state") == "current") & F.col("removed_ts").isNull()).join(planned, on="reason_id", how="inner")
    end = F.when(F.col("is_open"), F.lit(_NEVER_US)).otherwise(F.unix_micros("to_ts"))
    told_us = current.select("machine", F.unix_micros("from_ts").alias("told_us"), end.alias("told_to_us"))
    covers = (F.col("told_us") <= F.col("stop_us")) & (F.col("stop_us") < F.col("told_to_us"))
    return stops.join(told_us, (stops["stop_machine"] == told_us["machine"]) & covers, how="left_anti")


def _followed(raised: DataFrame, stops: DataFrame) -> DataFrame:
    """`raised` with stop_us, the beginning of the first stop that follows; null where none does."""
    follows = (F.col("stop_us") >= F.col("raised_us")) & (F.col("stop_us") <= F.col("until_us"))
    beside = raised.join(stops, (raised["machine"] == stops["stop_machine"]) & follows, how="left")
    return beside.groupBy(*raised.columns).agg(F.min("stop_us").alias("stop_us"))


def _counted(followed: DataFrame) -> DataFrame:
    """Counts, precision and minutes saved of each machine-week."""
    is_true, is_false = F.col("verdict") == "true", F.col("verdict") == "false"
    is_saved = is_true & F.col("stop_us").isNull() & (F.col("state") != "open")
    sums = followed.groupBy(*_KEY).agg(
        F.count("alert_id").alias("alerts"),
        F.count("verdict").alias("judged"),
        F.count(F.when(is_true, 1)).alias("true_alerts"),
        F.count(F.when(is_false, 1)).alias("false_alerts"),
        F.count(F.when(F.col("state") != "withdrawn", 1)).alias("budget_used"),
        F.sum(F.when(is_saved, F.col("stake_us"))).alias("saved_us"),
    )
    precision = F.when(F.col("judged") > 0, F.col("true_alerts") / F.col("judged"))
    return sums.withColumns({"precision": precision, "minutes_saved": F.col("saved_us") / _MINUTE_US, "budget": F.lit(WEEK_BUDGET)})


def _leads(followed: DataFrame) -> DataFrame:
    """warned_stops and the median lead of each machine-week that has one."""
    is_warning = F.col("stop_us").isNotNull() & (F.col("state") != "withdrawn") & (F.coalesce("verdict", F.lit("")) != "false")
    stops = followed.where(is_warning).groupBy(*_KEY, "stop_us").agg((F.col("stop_us") - F.min("raised_us")).alias("lead_us"))
    of_week = W.partitionBy(*_KEY)
    ranked = stops.withColumns({"_n": F.row_number().over(of_week.orderBy("lead_us", "stop_us")), "_of": F.count("stop_us").over(of_week)})
    middle = ranked.where((2 * F.col("_n") - F.col("_of")).between(0, 2))
    lead_min = (F.min("lead_us") + F.max("lead_us")) / (2 * _MINUTE_US)
    return middle.groupBy(*_KEY).agg(F.max("_of").alias("warned_stops"), lead_min.alias("lead_min"))


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _changed(changes: pa.Table, names: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """The values of `names` of which the feed has other numbers of rows before and after: a row that only grew elsewhere touches nothing."""
    counts = Counter[tuple[Any, ...]]()
    for change, *values in zip(*(changes[name].to_pylist() for name in ("_change_type", *names)), strict=True):
        counts[tuple(values)] += -1 if change in ("delete", "update_preimage") else 1
    return {values for values, count in counts.items() if count}


def _touched_by_alerts(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    return {week for machine, raised_ts, *_ in _changed(changes, _OF_ALERT) for week in _weeks(horizon.model, machine, raised_ts, raised_ts)}


def _touched_by_verdicts(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    return {week for machine, raised_ts, *_ in _changed(changes, _OF_VERDICT) for week in _weeks(horizon.model, machine, raised_ts, raised_ts)}


def _touched_by_downtime(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    stops = _changed(changes.filter(changes["asks_reason"]), _OF_STOP[:2])
    return {week for machine, from_ts in stops for week in _weeks(horizon.model, machine, from_ts - LONGEST_LEAD, from_ts)}


def _touched_by_people(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """Weeks of the stops that people gave, or took, a reason; nobody's stops are as unplanned as before."""
    given = _changed(changes.filter(pc.is_valid(changes["reason_id"])), _OF_TOLD)
    ends = {(machine, from_ts, horizon.clock_ts if is_open else to_ts) for machine, from_ts, to_ts, is_open, *_ in given}
    return {week for machine, from_ts, to_ts in ends for week in _weeks(horizon.model, machine, from_ts - LONGEST_LEAD, to_ts)}


def _weeks(model: PlantModel, machine: str, first: datetime, last: datetime) -> set[Slice]:
    """Weeks of `machine` from the moment `first` to `last`; none where the plant does not have it."""
    if machine not in model.machines:
        return set()
    monday, end = week_of(model, machine, first), week_of(model, machine, last)
    return {(machine, monday + step * WEEK) for step in range((end - monday) // WEEK + 1)}


def _span(slices: frozenset[Slice]) -> tuple[datetime, datetime]:
    """From before the first week begins to after the last one ends, wherever on earth the plant lies and however long its shifts."""
    mondays = [monday for _, monday in slices if isinstance(monday, date)]
    margin = timedelta(days=2)
    return datetime.combine(min(mondays), time(), UTC) - margin, datetime.combine(max(mondays), time(), UTC) + WEEK + margin


def _alert_rows(slices: frozenset[Slice]) -> Column:
    return F.col("raised_ts").between(*_span(slices))


def _stop_rows(slices: frozenset[Slice]) -> Column:
    begin, end = _span(slices)
    last = end + LONGEST_LEAD
    return F.col("from_day").between(begin.date(), last.date()) & F.col("from_ts").between(begin, last) & F.col("asks_reason")


def _told_rows(slices: frozenset[Slice]) -> Column:
    begin, end = _span(slices)
    return (F.col("from_ts") < end + LONGEST_LEAD) & ((F.col("to_ts") > begin) | F.col("is_open"))


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


_OF_ALERT = ("machine", "raised_ts", "alert_id", "state", "ended_ts", "stake_min")
_OF_VERDICT = ("equipment", "raised_ts", "alert_id", "verdict")
_OF_STOP = ("machine", "from_ts", "asks_reason")
_OF_TOLD = ("machine", "from_ts", "to_ts", "is_open", "reason_id", "state")

ALERT_QUALITY = Refinement(
    "alert_quality",
    GOLD_ALERT_QUALITY,
    (
        Input(ALERTS, _OF_ALERT, _touched_by_alerts, _alert_rows),
        Input(MACHINE_ALERTS.table, _OF_VERDICT, _touched_by_verdicts, _alert_rows),
        Input(silver.DOWNTIME, _OF_STOP, _touched_by_downtime, _stop_rows),
        Input(STOPS.table, _OF_TOLD, _touched_by_people, _told_rows),
        Input(REASONS.table, ("reason_id",), _no_slice, lambda _: F.lit(True), touches_all=True),
    ),
    alert_quality,
)
