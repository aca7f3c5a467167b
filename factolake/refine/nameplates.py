"""Planned run times beside what was made: the one join with the plates of the plant, for steps, derived states and KPIs alike."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def with_plate(rows: DataFrame, plates: DataFrame, at_us: Column) -> DataFrame:
    """`rows` (machine, product_id) with `pri_us` of the plate valid at `at_us` (microseconds since 1970); null where there is none.

    `plates` are those of `PlantFrames.nameplates`, which never overlap, or have their columns.
    """
    is_same = (F.col("machine") == F.col("plate_machine")) & (F.col("product_id") == F.col("plate_product"))
    is_valid = (F.unix_micros("plate_from") <= at_us) & (F.col("plate_to").isNull() | (F.unix_micros("plate_to") > at_us))
    return rows.join(F.broadcast(plates), is_same & is_valid, how="left").drop("plate_machine", "plate_product", "plate_from", "plate_to")
