"""What a refinement is: inputs, output, which slices a change touches, and the transform.

Declared once per table and run by two drivers (Dagster asset and refinery loop) through `runner.py`. The transform speaks the
PySpark DataFrame API over Spark Connect and nothing else, so that Sail, JVM Spark and a cluster give the same rows. Conditions and
expressions are Columns, never SQL text: Sail 0.7 keeps about 18 KiB for ever of each text it parses (docs/benchmarks.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession

from factolake.contracts.table import Table
from factolake.domain.plant import PlantModel
from factolake.refine.plant_frames import PlantFrames

Slice = tuple[object, ...]
"""Values of the output's `slice_by` columns, in order."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is known about the present when slices are chosen: the plant, the clock and how far each machine's carry reaches.

    `last_hour` is the newest hour of each machine in silver.carry, `last_gateway` the arrival of its last evidence and
    `last_sign` the event time of it.
    """

    model: PlantModel
    clock_ts: datetime
    last_hour: Mapping[str, datetime] = field(default_factory=dict)
    last_gateway: Mapping[str, datetime] = field(default_factory=dict)
    last_sign: Mapping[str, datetime] = field(default_factory=dict)

    def dead(self, machine: str) -> bool:
        """Whether a live machine has given no sign of life for longer than its limit, by our own clock."""
        known = self.model.machines.get(machine)
        if known is None or known.max_silence_s is None or machine not in self.last_gateway:
            return False
        return self.clock_ts - self.last_gateway[machine] > timedelta(seconds=known.max_silence_s)


@dataclass(frozen=True, slots=True)
class Input:
    """One input table of a refinement.

    `columns` are read from the change feed (with `_change_type`) and given to `touch`, which names the output slices they touch.
    `rows` says, as a condition on the input, which of its rows the touched slices need (None: none). `with_cause` adds, for an append
    refinement, the column `_cause`: why the commit made its slices anew (null: new rows). `only` drops, for an append refinement, the rows
    of the change feed that it need not look at, and may read the others into further columns; where none is left nothing is computed. With
    `touches_all` a changed row touches every slice: names that all of them show.
    """

    table: Table
    columns: tuple[str, ...]
    touch: Callable[[pa.Table, Horizon], set[Slice]]
    rows: Callable[[frozenset[Slice]], Column | None]
    with_cause: bool = False
    only: Callable[[pa.Table], pa.Table] | None = None
    touches_all: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a transform gets: frames by table name (a superset of the rows it needs), the slices to make (`chosen`: as values), plant and clock."""

    spark: SparkSession
    frames: Mapping[str, DataFrame]
    slices: DataFrame
    plant: PlantFrames
    clock_ts: datetime
    chosen: frozenset[Slice] = frozenset()


@dataclass(frozen=True, slots=True)
class Refinement:
    """One table's refinement.

    `append` refinements get only the new rows of their first input (from the change feed, with `_change_type` and `_commit_version`)
    and their result is appended. `known` says, as a condition on the output, which rows already there the transform must see;
    `refused_in` names the table of rows refused earlier, which are tried again when the plant model changes. With `replaces` (and `known`) the
    result takes the place of the rows of its slices, `group_size` of them in a commit: a slice is a row, the transform folds news into it.
    The others get whole slices and their result replaces those slices, `group_size` slices at a time, oldest first; `own_rows` adds
    rows of the output itself to the frames (a chain: carry). The transform returns the contract's columns without `as_of`.
    """

    name: str
    output: Table
    inputs: tuple[Input, ...]
    transform: Callable[[Inputs], DataFrame]
    append: bool = False
    replaces: bool = False
    known: Callable[[pa.Table, PlantModel], Column | None] | None = None
    refused_in: Table | None = None
    own_rows: Callable[[frozenset[Slice]], Column] | None = None
    group_size: int = 400
    version: int = 1
