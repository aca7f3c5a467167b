"""Contracts as SQL DDL, for databases that mirror a table and for people who read DDL."""

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
        comment = column.doc.replace("'", "''")
        lines.append(f"  {column.name} {_SPARK_SQL[column.type]}{null} COMMENT '{comment}'")
    partition = f"\nPARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    grain = table.grain.replace("'", "''")
    return f"CREATE TABLE {table.name} (\n" + ",\n".join(lines) + f"\n) USING DELTA{partition}\nCOMMENT '{grain}'"
