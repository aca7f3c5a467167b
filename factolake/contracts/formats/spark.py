"""Contracts as Spark columns: the select every transform ends with."""

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table, Type

_SPARK = {
    Type.STRING: "string",
    Type.INT32: "int",
    Type.INT64: "bigint",
    Type.DECIMAL20: "decimal(20,0)",
    Type.QUANTITY: "decimal(15,4)",
    Type.MEASURE: "decimal(15,6)",
    Type.FLOAT64: "double",
    Type.BOOL: "boolean",
    Type.TIMESTAMP: "timestamp",
    Type.DATE: "date",
    Type.BINARY: "binary",
}


def contract_columns(table: Table) -> list[SparkColumn]:
    """The table's columns, in order, cast to their types; `as_of` is left to the runner, which knows the time."""
    return [F.col(column.name).cast(_SPARK[column.type]).alias(column.name) for column in table.columns if column.name != "as_of"]


def select_contract(frame: DataFrame, table: Table) -> DataFrame:
    """`frame` reduced to the contract of `table` (without `as_of`)."""
    return frame.select(*contract_columns(table))


def block_schema(table: Table) -> pa.Schema:
    """What a kernel that works on blocks of Arrow returns: the contract's columns without `as_of`."""
    return pa.schema([field for field in arrow_schema(table) if field.name != "as_of"])


def block_type(table: Table) -> StructType:
    """`block_schema` as the engine is told of it."""
    return from_arrow_schema(block_schema(table))


def to_frame(spark: SparkSession, table: pa.Table) -> DataFrame:
    """An Arrow table as a DataFrame, also when it has no rows (which `createDataFrame` alone refuses)."""
    if table.num_rows:
        return spark.createDataFrame(table)
    return spark.createDataFrame([], from_arrow_schema(table.schema))
