"""Minutes of signals, hour by hour: the good values of a slice through the kernel `factolake/features/windows.py`.

An hour needs nothing but its own readings: a minute lies in one hour, and its numbers hang on nothing before it. Minutes that are not over yet wait.
"""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.contracts.formats.spark import block_type, select_contract
from factolake.contracts.silver_features import FEATURES_WINDOW as TABLE
from factolake.features.windows import window_features
from factolake.refine.feature_blocks import VALUE, in_order, is_value, made, named, stamps, value_rows, values_of
from factolake.refine.hour_slices import SLICE
from factolake.refine.minutes_over import SIGNS, over_until, touched_when_over
from factolake.refine.refinement import Input, Inputs, Refinement


def features_window(inputs: Inputs) -> DataFrame:
    """The minutes of the touched slices."""
    readings = inputs.frames[silver.READINGS.name].where(is_value()).withColumn("ts_us", F.unix_micros("ts"))
    over = readings.select(*SLICE, *VALUE).join(over_until(inputs), on=list(SLICE), how="inner").where(F.col("ts_us") < F.col("over_us"))
    return select_contract(over.select(*SLICE, *VALUE).groupBy(*SLICE).applyInArrow(_minutes, block_type(TABLE)), TABLE)


def _minutes(block: pa.Table) -> pa.Table:
    """The minutes of one slice."""
    windows = window_features(values_of(in_order(block)))
    numbers = {name: getattr(windows, name) for name in ("n", "mean", "std", "low", "high", "first", "last", "slope")}
    return made(TABLE, block, {"signal": named(windows.names, windows.signal), "window_ts": stamps(windows.window_us), **numbers})


FEATURES_WINDOW = Refinement(
    "features_window",
    TABLE,
    (Input(silver.READINGS, (*SLICE, "ts"), touched_when_over("ts"), value_rows), SIGNS),
    features_window,
    group_size=48,
)
