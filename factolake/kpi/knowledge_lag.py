"""gold.knowledge_lag: how long after a machine stopped each system knew of it.

FactoLake knows when the row that says so has landed. Of history played back (reading flag 2) only the way from our gateway counts: the
event is old, our knowledge of it is not late. Other systems speak for themselves through `mes_record` events.
"""

import json
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import bronze, gold, silver
from factolake.contracts.formats.spark import select_contract
from factolake.kpi.time_elements import micros
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import in_days, of_machines

REPLAYED = 2
"""Bit of silver.readings.flags: the value is history."""

SAME_STOP_US = 60_000_000
"""A record of another system means the nearest stop of its machine that began within this of the time it names."""

_STOP = ["line", "machine", "event_kind", "happened_ts", "from_day"]


def knowledge_lag(inputs: Inputs) -> DataFrame:
    """Rows of gold.knowledge_lag for the touched machine-days: long stops and faults, one row a system that knew."""
    frames = inputs.frames
    stops = _stops(frames[silver.DOWNTIME.name].join(inputs.slices, on=["machine", "from_day"], how="left_semi"), inputs.plant.machines)
    rows = _ours(stops, frames[silver.READINGS.name]).unionByName(_theirs(stops, frames[bronze.EVENTS.name]))
    return select_contract(rows, gold.KNOWLEDGE_LAG)


def _stops(downtime: DataFrame, machines: DataFrame) -> DataFrame:
    limits = machines.select("machine", "short_stop_us")
    told = downtime.join(limits, on="machine", how="inner").where((F.col("duration_us") > F.col("short_stop_us")) | (F.col("state") == "fault"))
    return told.select("line", "machine", F.col("state").alias("event_kind"), F.col("from_ts").alias("happened_ts"), "from_day", "first_gateway_ts")


def _ours(stops: DataFrame, readings: DataFrame) -> DataFrame:
    """FactoLake's own knowledge: the first state reading at the stop's very start; where there is none, when the gateway first heard."""
    said = readings.where(F.col("kind") == "state").select("machine", F.col("ts").alias("happened_ts"), "gateway_ts", "ingest_ts", "flags")
    first = F.row_number().over(W.partitionBy("machine", "happened_ts").orderBy("ingest_ts", "gateway_ts", "flags"))
    said = said.withColumn("_n", first).where(F.col("_n") == 1).drop("_n")
    both = stops.join(said, on=["machine", "happened_ts"], how="left").where(F.col("ingest_ts").isNotNull() | F.col("first_gateway_ts").isNotNull())
    replayed = F.coalesce(F.col("flags").bitwiseAND(F.lit(REPLAYED)) != 0, F.lit(False))
    live = micros("happened_ts", F.coalesce("ingest_ts", "first_gateway_ts"))
    lag = F.when(replayed, micros("gateway_ts", "ingest_ts")).otherwise(live)
    return _lagged(both.withColumns({"system": F.lit("factolake"), "is_replayed": replayed}), lag)


def _theirs(stops: DataFrame, events: DataFrame) -> DataFrame:
    said = events.where(F.col("kind") == "mes_record")
    said = said.select(
        F.coalesce(_field("machine"), F.col("subject")).alias("machine"),
        F.coalesce(_field("system"), F.col("source_id")).alias("system"),
        F.try_to_timestamp(_field("happened_ts")).alias("said_ts"),
        F.try_to_timestamp(_field("known_ts")).alias("said_known_ts"),
        *bronze.KEY,
        F.col("source_ts"),
    )
    said = said.withColumn("said_known_ts", F.coalesce("said_known_ts", "source_ts"))
    said = said.where(F.col("said_ts").isNotNull() & F.col("said_known_ts").isNotNull())
    distance = F.abs(micros("happened_ts", "said_ts"))
    near = stops.join(said, on="machine", how="inner").withColumn("_distance", distance).where(F.col("_distance") <= SAME_STOP_US)
    nearest = F.row_number().over(W.partitionBy(*bronze.KEY).orderBy("_distance", "happened_ts"))
    chosen = near.withColumn("_n", nearest).where(F.col("_n") == 1)
    known = chosen.groupBy(*_STOP, "system").agg(F.min("said_known_ts").alias("said_known_ts"))
    return _lagged(known.withColumn("is_replayed", F.lit(False)), micros("happened_ts", "said_known_ts"))


def _field(name: str) -> Column:
    return F.get_json_object("payload", f"$.{name}")


def _lagged(rows: DataFrame, lag: Column) -> DataFrame:
    """`known_ts` = happened_ts + lag; clocks that disagree never make a lag negative."""
    counted = rows.withColumn("lag_us", F.greatest(lag, F.lit(0).cast("bigint")))
    known = F.timestamp_micros(F.unix_micros("happened_ts") + F.col("lag_us"))
    return counted.withColumn("known_ts", known).select(*_STOP, "system", "known_ts", "lag_us", "is_replayed")


def _touched_by_stops(changes: pa.Table, _: Horizon) -> set[Slice]:
    return {(row["machine"], row["from_day"]) for row in changes.group_by(["machine", "from_day"]).aggregate([]).to_pylist()}


def _touched_by_records(changes: pa.Table, _: Horizon) -> set[Slice]:
    touched: set[Slice] = set()
    for row in changes.to_pylist():
        machine, happened = _named_stop(row["payload"], row["subject"]) if row["kind"] == "mes_record" else (None, None)
        if machine and happened:
            reach = timedelta(microseconds=SAME_STOP_US)
            touched |= {(machine, (happened - reach).date()), (machine, (happened + reach).date())}
    return touched


def _named_stop(payload: str, subject: str | None) -> tuple[str | None, datetime | None]:
    """Machine and time a record names; (None, None) when its payload cannot be read: it stays in bronze and matches no stop."""
    try:
        said = json.loads(payload)
        happened = datetime.fromisoformat(said["happened_ts"])
    except (ValueError, KeyError, TypeError):
        return None, None
    return said.get("machine") or subject, happened.replace(tzinfo=happened.tzinfo or UTC).astimezone(UTC)


def _days(slices: frozenset[Slice]) -> list[date]:
    return sorted({day for _, day in slices if isinstance(day, date)})


def _listed(slices: frozenset[Slice], column: str) -> Column:
    return in_days(column, set(_days(slices))) & of_machines(slices)


def _record_rows(slices: frozenset[Slice]) -> Column:
    return (F.col("kind") == "mes_record") & (F.col("ingest_date") >= _days(slices)[0] - timedelta(days=1))


KNOWLEDGE_LAG = Refinement(
    "knowledge_lag",
    gold.KNOWLEDGE_LAG,
    (
        Input(silver.DOWNTIME, ("machine", "from_day"), _touched_by_stops, lambda slices: _listed(slices, "from_day")),
        Input(silver.READINGS, ("machine",), lambda _, __: set(), lambda slices: (F.col("kind") == "state") & _listed(slices, "day")),
        Input(bronze.EVENTS, ("kind", "subject", "payload"), _touched_by_records, _record_rows),
    ),
    knowledge_lag,
)
