"""silver.alert_events to gold.alerts: a row an alert, made of all that was told of it.

The strongest telling is what the row shows; of equally strong ones the one told last. What ended does not come back. So it does not matter in
which order events come, nor that a watcher which starts again tells some of them twice.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts.formats.spark import select_contract
from factolake.contracts.gold_alerts import ALERTS as GOLD_ALERTS
from factolake.contracts.silver_alerts import ALERT_EVENTS
from factolake.domain.alert_news import What
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import MOST_LISTED

_ENDS = (What.WITHDRAWN.value, What.CLOSED.value)


def alerts(inputs: Inputs) -> DataFrame:
    """Rows of gold.alerts for the touched alerts; there is none of which only the end was told."""
    told = inputs.frames[ALERT_EVENTS.name].join(inputs.slices, on="alert_id", how="left_semi")
    strongest = W.partitionBy("alert_id").orderBy(F.desc("strength"), F.desc("epoch"), F.desc("seq"), F.desc("idx"), "source_id")
    shown = told.where(F.col("alert_json").isNotNull()).withColumn("_n", F.row_number().over(strongest)).where(F.col("_n") == 1)
    sums = told.groupBy("alert_id").agg(
        F.max("strength").alias("largest"),
        F.min(F.when(F.col("what").isin(*_ENDS), F.col("at_ts"))).alias("ended_ts"),
        F.max(F.col("what") == What.WITHDRAWN.value).alias("is_withdrawn"),
    )
    state = F.when(F.col("is_withdrawn"), "withdrawn").when(F.col("ended_ts").isNotNull(), "closed").otherwise("open")
    rows = shown.join(sums, on="alert_id", how="inner").withColumns({"state": state, "strength": F.col("largest")})
    return select_contract(rows, GOLD_ALERTS)


def _touched(changes: pa.Table, _: Horizon) -> set[Slice]:
    return {(alert_id,) for alert_id in pc.unique(changes["alert_id"]).to_pylist()}


def _events(slices: frozenset[Slice]) -> Column:
    """Condition for the events of the alerts; for very many, for all from the first to the last."""
    names = sorted(str(alert_id) for (alert_id,) in slices)
    return F.col("alert_id").between(names[0], names[-1]) if len(names) > MOST_LISTED else F.col("alert_id").isin(*names)


ALERTS = Refinement("alerts", GOLD_ALERTS, (Input(ALERT_EVENTS, ("alert_id",), _touched, _events),), alerts)
