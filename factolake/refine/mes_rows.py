"""FactoMES's changes as rows: the event read as JSON, each column judged by its contract and given its type.

The event's row becomes a map from FactoMES's column to its value as text. A judgement is a Column: null is good, text is why not.
"""

import re
from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import table as contract
from factolake.contracts.silver_mes import MesTable
from factolake.contracts.table import Type

EVENT = "action string, actor string, row map<string,string>, was map<string,string>"
_FORMS = {
    Type.INT32: r"-?[0-9]{1,9}",
    Type.INT64: r"-?[0-9]{1,18}",
    Type.QUANTITY: r"-?[0-9]{1,11}(\.[0-9]{1,4})?",
    Type.MEASURE: r"-?[0-9]{1,9}(\.[0-9]{1,6})?",
    Type.FLOAT64: r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?",
    Type.BOOL: r"(true|false)",
    Type.TIMESTAMP: r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z",
}
_CASTS = {
    Type.INT32: "int",
    Type.INT64: "bigint",
    Type.QUANTITY: "decimal(15,4)",
    Type.MEASURE: "decimal(15,6)",
    Type.FLOAT64: "double",
    Type.BOOL: "boolean",
}
RULES = pa.schema(
    [
        ("noun", pa.string()),
        ("place", pa.int32()),
        ("column", pa.string()),
        ("form", pa.string()),
        ("expected", pa.string()),
        ("is_needed", pa.bool_()),
        ("is_time", pa.bool_()),
        ("is_key", pa.bool_()),
    ]
)


def form(column: contract.Column) -> str | None:
    """What a value of `column` looks like as FactoMES writes it, as a regular expression; None: any text.

    Casts are made only of what has its form, so that both engines cast alike and nothing is rounded. Raises ValueError for bounds that no
    form can say.
    """
    if column.values:
        none = ("",) if column.nullable else ()
        return rf"\A({'|'.join(re.escape(value) for value in (*column.values, *none))})\z"
    if column.type is Type.STRING:
        return None
    if column.high is not None or column.low not in (None, 0, 1) or (column.low == 1 and column.type is not Type.INT32):
        raise ValueError(f"column {column.name}: bounds {column.low} .. {column.high} have no form; give none, at least 0, or an int32 of at least 1")
    plain = _FORMS[column.type]
    if column.low is not None:
        plain = "[1-9][0-9]{0,8}" if column.low == 1 else plain.removeprefix("-?")
    return rf"\A{plain}\z"


def expected(column: contract.Column) -> str:
    """The same in words."""
    if column.values:
        return f"one of {', '.join(column.values)}"
    return column.type.value if column.low is None else f"{column.type.value} of at least {column.low:g}"


def rules(tables: Sequence[MesTable]) -> pa.Table:
    """One row a column that is judged: of which noun, and what its value must be."""
    rows = []
    for mes in tables:
        for place, column in enumerate(judged_columns(mes)):
            is_needed, is_time, is_key = not column.nullable, column.type is Type.TIMESTAMP, column.name in mes.table.key
            rows.append((mes.noun, place, mes.source(column), form(column), expected(column), is_needed, is_time, is_key))
    return pa.Table.from_pylist([dict(zip(RULES.names, row, strict=True)) for row in rows], RULES)


def judged_columns(mes: MesTable) -> tuple[contract.Column, ...]:
    """The columns of which not every text is good."""
    return tuple(c for c in (*mes.columns, mes.table.column("version")) if not c.nullable or form(c) is not None)


def with_event(events: DataFrame) -> DataFrame:
    """`events` with their payload read: `said_action`, `said_actor`, `content` (the row, of a removal the row taken away) and `is_removed`.

    `content` is null where the payload is not an event of FactoMES.
    """
    said = events.withColumn("_said", F.from_json("payload", EVENT))
    known = F.col("_said.action").isNotNull() & F.col("_said.actor").isNotNull()
    row = F.col("_said.row")
    return said.withColumns(
        {
            "said_action": F.col("_said.action"),
            "said_actor": F.col("_said.actor"),
            "content": F.when(known, F.coalesce(row, F.col("_said.was"))),
            "is_removed": row.isNull(),
        }
    ).drop("_said")


def typed(mes: MesTable, column: contract.Column) -> Column:
    """The value of `column` in its type; null where FactoMES says nothing."""
    told = F.col("content")[mes.source(column)]
    if column.type is Type.STRING:
        return F.when(told != "", told) if column.nullable else told
    return F.try_to_timestamp(told) if column.type is Type.TIMESTAMP else told.try_cast(_CASTS[column.type])


def is_good(mes: MesTable) -> Column:
    """Whether every column of the row keeps its contract, and its key is the one that the event names."""
    told = {column.name: F.col("content")[mes.source(column)] for column in judged_columns(mes)}
    faults = [_is_wrong(told[c.name], form(c), F.lit(not c.nullable), F.lit(c.type is Type.TIMESTAMP)) for c in judged_columns(mes)]
    return ~reduce(Column.__or__, faults, told[mes.table.key[0]] != F.col("object_id"))


def faults(events: DataFrame, rules: DataFrame) -> DataFrame:
    """`events` (with `content`) that break a rule of their noun, once for each, with `place` and, in words, `fault`."""
    told = F.col("content")[F.col("column")]
    judged = events.join(F.broadcast(rules), on="noun", how="inner").withColumn("_told", told)
    seen = F.concat(F.col("column"), F.lit(" is "), F.coalesce("_told", F.lit("not told")), F.lit(", expected "))
    is_stranger = F.col("is_key") & (F.col("_told") != F.col("object_id"))
    is_wrong = _is_wrong(F.col("_told"), F.col("form"), F.col("is_needed"), F.col("is_time"))
    wanted = F.when(F.coalesce(is_stranger, F.lit(False)), "the key that the event names").otherwise(F.col("expected"))
    return judged.where(F.coalesce(is_stranger, F.lit(False)) | is_wrong).withColumn("fault", F.concat(seen, wanted))


def _is_wrong(told: Column, form: Column | str | None, is_needed: Column, is_time: Column) -> Column:
    pattern = F.lit(form) if form is None or isinstance(form, str) else form
    misformed = told.isNotNull() & pattern.isNotNull() & ~F.regexp_like(told, F.coalesce(pattern, F.lit("")))
    no_time = told.isNotNull() & is_time & F.try_to_timestamp(told).isNull()
    return (told.isNull() & is_needed) | misformed | no_time
