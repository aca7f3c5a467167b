"""Contracts as Arrow schemas, and the exact cast of data to them."""

import pyarrow as pa

from factolake.contracts.table import Column, Table, Type
from factolake.errors import ContractViolation

_TYPES = {
    Type.STRING: pa.string(),
    Type.INT32: pa.int32(),
    Type.INT64: pa.int64(),
    Type.DECIMAL20: pa.decimal128(20, 0),
    Type.QUANTITY: pa.decimal128(15, 4),
    Type.MEASURE: pa.decimal128(15, 6),
    Type.FLOAT64: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Type.DATE: pa.date32(),
    Type.BINARY: pa.binary(),
}


def arrow_schema(columns: Table | tuple[Column, ...]) -> pa.Schema:
    """The exact Arrow schema of a table or of a tuple of columns."""
    columns = columns.columns if isinstance(columns, Table) else columns
    return pa.schema([pa.field(column.name, _TYPES[column.type], nullable=column.nullable) for column in columns])


def described_schema(table: Table) -> pa.Schema:
    """`arrow_schema` with each column's sentence and unit as its `comment`, where BI tools and catalogs look for it; of a ratio, its formula."""
    told = [f"{column.doc} Unit: {column.unit}." if column.unit else column.doc for column in table.columns]
    return pa.schema([field.with_metadata({"comment": text}) for field, text in zip(arrow_schema(table), told, strict=True)])


def fit(table: Table, data: pa.Table) -> pa.Table:
    """`data` with exactly the contract's columns, order, types and nullability.

    Only lossless casts are made. Raises ContractViolation naming the table, column and what was found.
    """
    missing = [name for name in table.column_names if name not in data.column_names]
    if missing:
        raise ContractViolation(f"{table.name}: columns {missing} are missing; the data has {data.column_names}")
    schema = arrow_schema(table)
    arrays = []
    for field in schema:
        array = data.column(field.name)
        try:
            array = array.cast(field.type, safe=True)
        except pa.ArrowInvalid as error:
            raise ContractViolation(f"{table.name}.{field.name}: {array.type} does not fit {field.type} without loss: {error}") from error
        if not field.nullable and array.null_count:
            raise ContractViolation(f"{table.name}.{field.name}: {array.null_count} rows are null where the contract allows none")
        arrays.append(array)
    return pa.table(arrays, schema=schema)
