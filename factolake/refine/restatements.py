"""Published KPI values that changed afterwards: read from the change feed of gold.oee_shift, one row a value.

Published means that the shift was complete when the old value was written; while a shift runs its numbers simply grow.
"""

from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import gold, ops
from factolake.contracts.formats.spark import select_contract
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice

WATCHED = (
    "oee",
    "availability",
    "effectiveness",
    "quality_ratio",
    "coverage",
    "pbt_us",
    "apt_us",
    "aust_us",
    "adet_us",
    "adot_us",
    "unknown_us",
    "pq",
    "gq",
)
_KEY = list(gold.OEE_SHIFT.key)


def restatements(inputs: Inputs) -> DataFrame:
    """One row for each watched value of a complete shift that a commit changed."""
    feed = inputs.frames[gold.OEE_SHIFT.name]
    old = feed.where(F.col("_change_type").isin("delete", "update_preimage") & F.col("is_complete"))
    new = feed.where(F.col("_change_type").isin("insert", "update_postimage"))
    pairs = old.alias("old").join(new.alias("new"), on=[*_KEY, "_commit_version"], how="inner")
    row_key = F.to_json(F.struct(*(F.col(name).cast("string").alias(name) for name in _KEY)))
    changed = [pairs.where(_differs(name)).select(row_key.alias("row_key"), *_pair(name)) for name in WATCHED]
    rows = reduce(DataFrame.unionByName, changed)
    named = rows.withColumns({"table_name": F.lit(gold.OEE_SHIFT.name), "cause": F.coalesce("_cause", F.lit("late_rows"))})
    return select_contract(named, ops.RESTATEMENTS)


def _differs(name: str) -> Column:
    return ~F.col(f"old.{name}").eqNullSafe(F.col(f"new.{name}"))


def _pair(name: str) -> tuple[Column, ...]:
    return (
        F.lit(name).alias("column_name"),
        F.col(f"old.{name}").cast("string").alias("old_value"),
        F.col(f"new.{name}").cast("string").alias("new_value"),
        F.col("old.as_of").alias("old_as_of"),
        F.col("_commit_version").alias("gold_version"),
        F.col("new._cause").alias("_cause"),
    )


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


_FEED = Input(gold.OEE_SHIFT, (*_KEY, "is_complete", "as_of", *WATCHED), _no_slice, lambda _: F.lit(True), with_cause=True)

RESTATEMENTS = Refinement("restatements", ops.RESTATEMENTS, (_FEED,), restatements, append=True)
