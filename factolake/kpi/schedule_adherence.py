"""gold.schedule_adherence: what a shift was given to do against what it did, operation by operation.

Schedule adherence = operations done as scheduled / operations scheduled, in the sense of Vollmann, Berry and Whybark, Manufacturing Planning and
Control Systems (1997), on shop-floor control; ISO 22400-2 has no such indicator. As scheduled means three things at once: started at most
`START_TOLERANCE_US` from its planned start either way, on the planned machine, and not after something planned behind it there.

Scheduled is what the plan said when the shift began. A plan accepted within the shift does not make late what was late by the plan before it
look punctual: every accepted change holds what was planned before, and the earliest one after the shift's beginning tells what the shift was given.
What was first planned within the shift counts by its first plan. What was not started when the shift ended (and the tolerance was over) is a miss,
whenever it is done later.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import gold
from factolake.contracts.formats.spark import select_contract
from factolake.contracts.silver_mes import OPERATIONS, SCHEDULE_ENTRIES
from factolake.domain.plant import PlantModel
from factolake.kpi.shifts import production_days, segments_around, shift_spans
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice

START_TOLERANCE_US = 15 * 60 * 1_000_000
"""15 min, below which PLANT.md takes a stop for too short to plan anew."""

_ENDED = ("completed", "cancelled")
_SHIFT = ["line", "production_day", "shift"]


def schedule_adherence(inputs: Inputs) -> DataFrame:
    """Rows of gold.schedule_adherence for the touched shifts."""
    spans = _spans(inputs)
    operations = inputs.frames[OPERATIONS.table.name].where(F.col("removed_ts").isNull())
    given = _given(spans, operations, inputs.frames[SCHEDULE_ENTRIES.table.name])
    done = operations.select("operation_id", "order_id", F.col("equipment").alias("at"), "actual_start_ts", "actual_end_ts", "state")
    rows = given.join(done, on="operation_id", how="inner").where(F.col("actual_start_ts").isNotNull() | (F.col("state") != "cancelled"))
    return select_contract(_judged(rows), gold.SCHEDULE_ADHERENCE)


def _spans(inputs: Inputs) -> DataFrame:
    """line, machine, production_day, shift, from_us, to_us of the touched shifts; the line itself stands among the machines."""
    spans = shift_spans(inputs.slices, segments_around(inputs))
    of_machines = spans.select(*_SHIFT, "machine", F.unix_micros("span_from").alias("from_us"), F.unix_micros("span_to").alias("to_us"))
    of_lines = of_machines.groupBy(*_SHIFT).agg(F.min("from_us").alias("from_us"), F.max("to_us").alias("to_us"))
    return of_machines.unionByName(of_lines.withColumn("machine", F.col("line")))


def _given(spans: DataFrame, operations: DataFrame, entries: DataFrame) -> DataFrame:
    """What each shift was given: its columns, operation_id and where, from when and until when the plan had it."""
    shifts = spans.select(*_SHIFT, "from_us").distinct().groupBy(*_SHIFT).agg(F.min("from_us").alias("shift_us"))
    plans = F.broadcast(shifts).crossJoin(_known(operations, entries))
    in_force = plans.where((F.col("until_us") > F.col("shift_us")) & F.col("planned_start_ts").isNotNull())
    first = W.partitionBy(*_SHIFT, "operation_id").orderBy("until_us")
    once = in_force.withColumn("_n", F.row_number().over(first)).where(F.col("_n") == 1).drop("_n", "shift_us", "until_us")
    inside = once.join(spans, on=[*_SHIFT, "machine"], how="inner").withColumn("start_us", F.unix_micros("planned_start_ts"))
    return inside.where((F.col("start_us") >= F.col("from_us")) & (F.col("start_us") < F.col("to_us"))).drop("from_us")


def _known(operations: DataFrame, entries: DataFrame) -> DataFrame:
    """Every plan an operation had, and until when it was in force: up to each accepted change, and the present one for ever."""
    columns = ["operation_id", "machine", "planned_start_ts", "planned_end_ts", "until_us"]
    accepted = entries.where((F.col("state") == "accepted") & F.col("removed_ts").isNull())
    before = accepted.select(
        "operation_id",
        F.col("before_equipment").alias("machine"),
        F.col("before_start_ts").alias("planned_start_ts"),
        F.col("before_end_ts").alias("planned_end_ts"),
        F.unix_micros("changed_ts").alias("until_us"),
    )
    now = operations.withColumn("machine", F.col("equipment")).withColumn("until_us", F.lit(2**62))
    return before.unionByName(now.select(*columns))


def _judged(rows: DataFrame) -> DataFrame:
    """`rows` with the deviation, the three judgements and their sum, all null for what was not started."""
    in_time = F.unix_micros("actual_start_ts") < F.col("to_us") + START_TOLERANCE_US
    rows = rows.withColumns({name: F.when(in_time, F.col(name)) for name in ("actual_start_ts", "actual_end_ts")})
    started = F.unix_micros("actual_start_ts")
    later = W.partitionBy(*_SHIFT, "machine").orderBy("start_us", "operation_id").rowsBetween(1, W.unboundedFollowing)
    first_of_later = F.coalesce(F.min(started).over(later), F.lit(2**62))
    is_started = F.col("actual_start_ts").isNotNull()
    named = rows.withColumns(
        {
            "start_deviation_us": started - F.col("start_us"),
            "is_in_sequence": F.when(is_started, started <= first_of_later),
            "is_right_machine": F.when(is_started, F.col("at") == F.col("machine")),
            "actual_machine": F.when(is_started, F.col("at")),
            "kpi_version": F.lit(gold.KPI_VERSION),
        }
    )
    judged = named.withColumn("is_on_time", F.abs("start_deviation_us") <= START_TOLERANCE_US)
    return judged.withColumn("is_adhered", F.col("is_on_time") & F.col("is_in_sequence") & F.col("is_right_machine"))


def _touched_by_operations(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    tolerance = timedelta(microseconds=START_TOLERANCE_US)
    rows = changes.to_pylist()
    started = {(row["equipment"], row["actual_start_ts"] - back) for row in rows if row["actual_start_ts"] for back in (timedelta(), tolerance)}
    return _shifts_at(horizon.model, started | {(row["equipment"], row["planned_start_ts"]) for row in rows})


def _touched_by_entries(changes: pa.Table, horizon: Horizon) -> set[Slice]:
    """The shifts where it was planned, and those where it is."""
    rows = changes.to_pylist()
    before = {(row["before_equipment"], row["before_start_ts"]) for row in rows}
    return _shifts_at(horizon.model, before | {(row["equipment"], row["planned_start_ts"]) for row in rows})


def _shifts_at(model: PlantModel, places: Iterable[tuple[str, datetime | None]]) -> set[Slice]:
    touched: set[Slice] = set()
    for equipment, moment in places:
        if moment is None or not (equipment in model.machines or equipment in model.lines):
            continue
        line = equipment if equipment in model.lines else model.machines[equipment].line_id
        scopes = model.line_scopes(line) if equipment in model.lines else model.scopes(equipment)
        windows = model.calendar.shifts(scopes, moment, moment + timedelta(microseconds=1))
        touched |= {(line, window.production_day, window.shift) for window in windows}
    return touched


def _planned_rows(slices: frozenset[Slice]) -> Column:
    """Operations that may have been given to one of the shifts: nothing is planned back to before a shift that has begun."""
    is_open = F.col("planned_start_ts").isNull() & ~F.col("state").isin(*_ENDED)
    return (F.col("planned_start_ts") >= _first_moment(slices)) | is_open


def _changed_rows(slices: frozenset[Slice]) -> Column:
    return F.col("changed_ts") >= _first_moment(slices)


def _first_moment(slices: frozenset[Slice]) -> datetime:
    return datetime.combine(production_days(slices)[0], time(), UTC)


SCHEDULE_ADHERENCE = Refinement(
    "schedule_adherence",
    gold.SCHEDULE_ADHERENCE,
    (
        Input(OPERATIONS.table, ("equipment", "planned_start_ts", "actual_start_ts"), _touched_by_operations, _planned_rows),
        Input(SCHEDULE_ENTRIES.table, ("equipment", "planned_start_ts", "before_equipment", "before_start_ts"), _touched_by_entries, _changed_rows),
    ),
    schedule_adherence,
    group_size=60,
)
