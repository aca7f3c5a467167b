"""Contracts as SQL DDL, for databases that mirror a table and for people who read DDL; and values as they stand in SQL."""

from collections.abc import Iterable
from datetime import date, datetime

from factolake.contracts.table import Table, Type

_SPARK_SQL = {
    Type.STRING: "STRING",
    Type.INT32: "INT",
    Type.INT64: "BIGINT",
    Type.DECIMAL20: "DECIMAL(20,0)",
    Type.QUANTITY: "DECIMAL(15,4)",
    Type.MEASURE: "DECIMAL(15,6)",
    Type.FLOAT64: "DOUBLE",
    Type.BOOL: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.DATE: "DATE",
    Type.BINARY: "BINARY",
}


def ddl(table: Table) -> str:
    """`CREATE TABLE` in Spark SQL with comments, one column a line."""
    lines = []
    for column in table.columns:
        null = "" if column.nullable else " NOT NULL"
        lines.append(f"  {column.name} {_SPARK_SQL[column.type]}{null} COMMENT {literal(column.doc)}")
    partition = f"\nPARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    return f"CREATE TABLE {table.name} (\n" + ",\n".join(lines) + f"\n) USING DELTA{partition}\nCOMMENT {literal(table.grain)}"


def literal(value: object) -> str:
    """A time in UTC, a date, a whole number or a text as a condition of DuckDB and delta-rs takes it.

    >>> literal("L1's"), literal(7), literal(date(2026, 3, 2))
    ("'L1''s'", '7', "DATE '2026-03-02'")
    """
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.strftime('%Y-%m-%d %H:%M:%S.%f')}+00:00'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def listed(values: Iterable[object]) -> str:
    """`values` as literals with commas between, as `IN (...)` takes them; there is no list without any.

    >>> listed(["L1", "L2"])
    "'L1', 'L2'"
    """
    return ", ".join(map(literal, values))
