"""The tables of features of a story, by the real transforms from carry on: for their tests."""

from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
from builders import Row, plant, slices_of
from pyspark.sql import SparkSession

from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.spark import to_frame
from factolake.contracts.silver_features import FEATURES_CYCLE, FEATURES_WINDOW, WINDOW_REGIMES
from factolake.contracts.table import Table
from factolake.domain.plant import PlantModel
from factolake.domain.signals import Counter, Counts, Signal, SignalKind
from factolake.refine.carry import carry
from factolake.refine.counts import counts
from factolake.refine.features_cycle import features_cycle
from factolake.refine.features_window import features_window
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import Inputs
from factolake.refine.window_regimes import window_regimes

TRANSFORMS = {
    silver.CARRY: carry,
    silver.COUNTS: counts,
    FEATURES_WINDOW: features_window,
    WINDOW_REGIMES: window_regimes,
    FEATURES_CYCLE: features_cycle,
}


@dataclass(frozen=True)
class Features:
    """Rows of the three tables, by key."""

    windows: list[Row]
    regimes: list[Row]
    cycles: list[Row]


def counting_plant(*machines: str, parts_per_pulse: int = 1) -> PlantModel:
    """A plant whose machines have a setpoint and a counter of all parts beside what every one has."""
    model = plant(machines)
    more = [Signal("S1", f"{machine}.set", machine, "set", SignalKind.SETPOINT) for machine in machines]
    told = Counter(Counts.TOTAL, parts_per_pulse)
    more += [Signal("S1", f"{machine}.total", machine, "total", SignalKind.COUNTER, counter=told) for machine in machines]
    return replace(model, signals=(*model.signals, *more))


def features(spark: SparkSession, model: PlantModel, rows: list[Row], only: tuple[str, datetime] | None = None) -> Features:
    """The three tables of `rows`; of the slice `only` alone, where given, from the carry and the counts of all."""
    frames, slices = plant_frames(spark, model), slices_of(rows, None, model)
    now = max(row["ts"] for row in rows)  # type: ignore[type-var]
    tables: dict[Table, pa.Table] = {silver.READINGS: pa.Table.from_pylist(rows, arrow_schema(silver.READINGS))}
    tables |= {table: arrow_schema(table).empty_table() for table in TRANSFORMS}
    for table, transform in TRANSFORMS.items():
        wanted = [only] if only and table.name.startswith(("silver.features", "silver.window")) else slices
        columns = [pa.array([machine for machine, _ in wanted]), pa.array([hour for _, hour in wanted], pa.timestamp("us", tz="UTC"))]
        given = {one.name: to_frame(spark, data) for one, data in tables.items()}
        made = transform(Inputs(spark, given, to_frame(spark, pa.table(columns, ["machine", "hour_ts"])), frames, now)).toArrow()
        tables[table] = fit(table, made.append_column("as_of", pa.array([now] * made.num_rows, pa.timestamp("us", tz="UTC"))))
    return Features(*(_by_key(table, tables[table]) for table in (FEATURES_WINDOW, WINDOW_REGIMES, FEATURES_CYCLE)))


def _by_key(table: Table, data: pa.Table) -> list[Row]:
    return data.drop_columns(["as_of"]).sort_by([(name, "ascending") for name in table.key]).to_pylist()
