"""Short stops for the nakajima convention: stops the plant asks nobody about, which that convention counts as lost speed."""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def short_stops(downtime: DataFrame, machines: DataFrame, convention: str) -> DataFrame | None:
    """Ended stops no longer than their machine's limit: machine, stop_from, stop_to. An open stop may still grow long.

    None unless `convention` is nakajima: no other looks at them.
    """
    if convention != "nakajima":
        return None
    limits = machines.select("machine", "short_stop_us")
    short = downtime.join(limits, on="machine", how="inner").where((F.col("duration_us") <= F.col("short_stop_us")) & ~F.col("is_open"))
    return short.select("machine", F.col("from_ts").alias("stop_from"), F.col("to_ts").alias("stop_to"))


def stop_days(first: date, last: date) -> Column:
    """Condition for the stops that can reach into the UTC days first .. last: short ones begin at most a day before."""
    return F.col("from_day").between(first - timedelta(days=1), last)
