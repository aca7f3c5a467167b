"""gold.losses: planned busy time of a machine and shift as a waterfall whose parts sum to it exactly.

Speed, quality and good divide production time by the parts that may count against time, so that the three always sum to APT; without a
nameplate the whole of it is `undivided` and no speed loss is claimed. Speed is negative where the machine beat its nameplate.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import gold
from factolake.contracts.formats.spark import select_contract
from factolake.kpi.machine_shifts import TIME_INPUTS, machine_shifts, touched_spans
from factolake.kpi.time_elements import DELAYS
from factolake.refine.refinement import Inputs, Refinement


def losses(inputs: Inputs) -> DataFrame:
    """Rows of gold.losses for the touched shifts: every machine has every part, also those of 0."""
    machines = machine_shifts(inputs, *touched_spans(inputs))
    keys = ["line", "machine", "production_day", "shift", "kpi_version"]
    parts = _parts()
    wide = machines.select(*keys, *(parts[name].cast("bigint").alias(f"_{name}") for name in gold.LOSSES_IN_ORDER))
    # posexplode and not unpivot: Sail 0.7 fails on unpivot of columns that are partly nullable.
    long = wide.select("*", F.posexplode(F.array(*(F.lit(name) for name in gold.LOSSES_IN_ORDER))).alias("loss_order", "loss"))
    duration = F.coalesce(*(F.when(F.col("loss") == name, F.col(f"_{name}")) for name in gold.LOSSES_IN_ORDER))
    return select_contract(long.withColumn("duration_us", duration), gold.LOSSES)


def _parts() -> dict[str, Column]:
    zero = F.lit(0).cast("bigint")
    plated = F.col("ideal_us").isNotNull()
    divided = {
        "speed": F.col("apt_us") - F.col("ideal_us"),
        "quality": F.col("ideal_us") - F.col("ideal_good_us"),
        "good": F.col("ideal_good_us"),
    }
    return {
        "unknown": F.col("unknown_us"),
        "no_order": F.col("adot_us"),
        **{state: F.col(f"adet_{state}_us") for state in DELAYS},
        "setup": F.col("aust_us"),
        "undivided": F.when(plated, zero).otherwise(F.col("apt_us")),
        **{name: F.when(plated, value).otherwise(zero) for name, value in divided.items()},
    }


LOSSES = Refinement("losses", gold.LOSSES, TIME_INPUTS, losses, group_size=60)
