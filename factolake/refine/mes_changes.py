"""FactoMES's events in bronze to silver.mes_changes, which holds each change once, and to ops.mes_quarantine, which holds what silver refuses."""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import bronze, ops
from factolake.contracts.formats.spark import select_contract, to_frame
from factolake.contracts.silver_mes import KIND_PREFIX, MES_CHANGES, MES_TABLES, SOURCE_ID
from factolake.domain.plant import PlantModel
from factolake.refine.mes_rows import faults, rules, with_event
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import same_messages

RULE_VERSION = 1
_KEY = list(bronze.KEY)


def mes_changes(inputs: Inputs) -> DataFrame:
    """New events that can be read, without those silver already holds."""
    good = _events(inputs).where(F.col("content").isNotNull())
    happened = F.coalesce("source_ts", "gateway_ts")
    rows = good.withColumns({"action": F.col("said_action"), "actor": F.col("said_actor"), "changed_ts": happened})
    rows = rows.withColumn("change_month", F.to_date(F.date_trunc("month", "changed_ts")))
    return select_contract(new_messages(rows, inputs.frames[MES_CHANGES.name]), MES_CHANGES)


def mes_quarantine(inputs: Inputs) -> DataFrame:
    """New events that cannot be read, or whose row breaks the contract of its table: the first column that does."""
    events = new_messages(_events(inputs), inputs.frames[ops.MES_QUARANTINE.name])
    payload = F.concat(F.lit("payload is no change with action, actor and row: "), F.substring("payload", 1, 200))
    unread = events.where(F.col("content").isNull()).withColumns({"rule": F.lit("undecodable"), "fault": payload})
    broken = faults(events.where(F.col("content").isNotNull()), to_frame(inputs.spark, rules(MES_TABLES)))
    first = broken.withColumn("_n", F.row_number().over(W.partitionBy(*_KEY).orderBy("place"))).where(F.col("_n") == 1)
    columns = [*events.columns, "rule", "fault"]
    bad = unread.select(*columns).unionByName(first.withColumn("rule", F.lit("wrong_row")).select(*columns))
    detail = F.concat_ws(" ", "noun", F.concat("object_id", F.lit(":")), "fault")
    return select_contract(bad.withColumns({"rule_version": F.lit(RULE_VERSION), "detail": detail}), ops.MES_QUARANTINE)


def _events(inputs: Inputs) -> DataFrame:
    events = inputs.frames[bronze.EVENTS.name].where(F.col("_change_type") == "insert")
    noun = F.substring("kind", len(KIND_PREFIX) + 1, 1_000)
    return with_event(events.withColumns({"noun": noun, "object_id": F.coalesce("subject", F.lit(""))}))


def new_messages(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Each message once, without the known ones."""
    once = rows.withColumn("_n", F.row_number().over(W.partitionBy(*_KEY).orderBy("log_id", "log_offset"))).where(F.col("_n") == 1)
    return once.join(known.select(*_KEY), on=_KEY, how="left_anti")


def of_factomes(rows: pa.Table) -> pa.Table:
    """Those of bronze's events that FactoMES's outbox told."""
    return rows.filter(pc.and_(pc.equal(rows["source_id"], SOURCE_ID), pc.starts_with(rows["kind"], KIND_PREFIX)))


def _known(rows: pa.Table, _: PlantModel) -> Column | None:
    return same_messages(rows)


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


_FEED = (Input(bronze.EVENTS, bronze.EVENTS.column_names, _no_slice, lambda _: F.lit(True), only=of_factomes),)

CHANGES = Refinement("mes_changes", MES_CHANGES, _FEED, mes_changes, append=True, known=_known)
REFUSED = Refinement("mes_quarantine", ops.MES_QUARANTINE, _FEED, mes_quarantine, append=True, known=_known)
