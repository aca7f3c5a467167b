"""Blocks of rows that the engine hands to the kernels of `factolake/features/`: one slice (machine, hour) at a time, as Arrow.

The kernels run beside the engine: in this process on Sail, in Python workers on JVM Spark, which need this package. What is in a block is the
caller's; its order is made here.
"""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from factolake.contracts.formats.spark import block_schema
from factolake.contracts.table import Table
from factolake.domain.signals import FEATURED, SignalKind
from factolake.features.windows import Floats, Numbers, Values
from factolake.refine.refinement import Slice
from factolake.refine.slices import hour_rows

ORDER = ("ts_us", "epoch", "seq", "idx")
VALUE = ("signal", *ORDER, "value")
TS = pa.timestamp("us", tz="UTC")


def of_kinds(*kinds: SignalKind) -> Column:
    """Whether a reading is of one of `kinds`."""
    return F.col("kind").isin(*(kind.value for kind in kinds))


def is_value() -> Column:
    """Whether a reading is a good value of a process or setpoint signal."""
    return of_kinds(*FEATURED) & (F.col("quality") == "good") & F.col("value").isNotNull()


def value_rows(slices: frozenset[Slice]) -> Column:
    """Good values of the slices' hours."""
    return hour_rows(slices) & is_value()


def in_order(block: pa.Table) -> pa.Table:
    """Rows of a block as they happened."""
    return block.sort_by([(name, "ascending") for name in ORDER])


def values_of(block: pa.Table) -> Values:
    """The values of a block that is in order."""
    coded = block["signal"].combine_chunks().dictionary_encode()
    words = np.asarray(coded.dictionary.to_pylist(), dtype=object)
    by_name = np.argsort(words)
    place = np.empty(len(words), dtype=np.int64)
    place[by_name] = np.arange(len(words))
    return Values(tuple(words[by_name]), place[coded.indices.to_numpy()], numbers(block, "ts_us"), block["value"].to_numpy())


def numbers(block: pa.Table, name: str) -> Numbers:
    """A column of whole numbers."""
    found: Numbers = block[name].to_numpy().astype(np.int64, copy=False)
    return found


def made(table: Table, block: pa.Table, columns: Mapping[str, pa.Array | Numbers | Floats]) -> pa.Table:
    """Rows of `table` for the slice that `block` is of: `columns`, and those that are the same in all of them."""
    machine, hour = str(block["machine"][0]), block["hour_ts"][0].as_py()
    assert isinstance(hour, datetime)
    rows = len(next(iter(columns.values())))
    slice_of = {"machine": pa.scalar(machine), "hour_ts": pa.scalar(hour, TS), "day": pa.scalar(hour.date())}
    arrays = {name: pa.repeat(value, rows) for name, value in slice_of.items()} | dict(columns)
    schema = block_schema(table)
    return pa.table([pa.array(arrays[field.name]).cast(field.type) for field in schema], schema=schema)


def stamps(moments_us: Numbers) -> pa.Array:
    """Microseconds since 1970 as timestamps."""
    return pa.array(moments_us).cast(TS)


def named(names: tuple[str, ...], number: Numbers) -> pa.Array:
    """The name of each number."""
    return pa.array(names, pa.string()).take(pa.array(number))
