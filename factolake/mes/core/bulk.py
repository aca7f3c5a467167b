"""Many rows written by one statement. Django's `bulk_create` builds SQL as long as its rows, which took most of a large import's time."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models

Convert = Callable[[Any], object]
FEW = 10
"""So many rows go into one plain INSERT: a COPY takes PostgreSQL two answers more."""


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert `rows`, each the values of the columns `names` in Python's types. Raises IntegrityError as Django does."""
    database = connections[DEFAULT_DB_ALIAS]  # not Django's proxy of it, which looks for the thread's own at every call
    fields = [model._meta.get_field(name) for name in names]
    found = ((place, _converter(field, database.ops)) for place, field in enumerate(fields))
    converters = [(place, convert) for place, convert in found if convert is not None]
    into = f"{database.ops.quote_name(model._meta.db_table)} ({', '.join(database.ops.quote_name(field.column) for field in fields)})"
    values, one = (_converted(row, converters) for row in rows), f"({', '.join(['%s'] * len(fields))})"
    first = list(islice(values, FEW + 1))
    with database.cursor() as cursor, database.wrap_database_errors:
        if len(first) <= FEW:
            if first:
                cursor.execute(f"INSERT INTO {into} VALUES {', '.join([one] * len(first))}", [value for row in first for value in row])
        elif database.vendor == "postgresql":  # takes a quarter off the CPU of an import, against executemany
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in chain(first, values):
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {into} VALUES {one}", chain(first, values))


def update(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Set the columns `names` of rows that are there, each by its key: `rows` are the values in Python's types, and the key behind them."""
    database = connections[DEFAULT_DB_ALIAS]
    quote, key = database.ops.quote_name, _key(model)
    fields = [*(model._meta.get_field(name) for name in names), key]
    found = ((place, _converter(field, database.ops)) for place, field in enumerate(fields))
    converters = [(place, convert) for place, convert in found if convert is not None]
    values, table = (_converted(row, converters) for row in rows), quote(model._meta.db_table)
    columns = [quote(field.column) for field in fields]
    with database.cursor() as cursor, database.wrap_database_errors:
        if database.vendor == "postgresql":  # one statement: planning as many as there are rows took longer than doing them
            taken = ", ".join(f"%s::{field.db_type(database)}[]" for field in fields)
            changed = ", ".join(f"{column} = new.{column}" for column in columns[:-1])
            new = f"unnest({taken}) AS new ({', '.join(columns)})"
            statement = f"UPDATE {table} SET {changed} FROM {new} WHERE {table}.{columns[-1]} = new.{columns[-1]}"
            cursor.execute(statement, [list(column) for column in zip(*values, strict=True)])
        else:
            changed = ", ".join(f"{column} = %s" for column in columns[:-1])
            cursor.executemany(f"UPDATE {table} SET {changed} WHERE {columns[-1]} = %s", values)


def next_keys(model: type[models.Model], count: int) -> Iterable[int]:
    """Keys for so many new rows of a table whose database gives them; nobody else gets them. Only in a transaction that writes."""
    database, table, key = connections[DEFAULT_DB_ALIAS], model._meta.db_table, _key(model)
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            named = [database.ops.quote_name(table), key.column, count]
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", named)
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])  # SQLite has one writer at a time
        last = cursor.fetchone()
    first = last[0] + 1 if last else 1
    return range(first, first + count)


def _key(model: type[models.Model]) -> Any:
    key = model._meta.pk
    assert key is not None  # every table has one
    return key


def _converter(field: Any, ops: Any) -> Convert | None:
    """What makes the column's value one of the database; None where it is the same in Python."""
    if isinstance(field, models.DecimalField):
        return lambda value: ops.adapt_decimalfield_value(Decimal(value), field.max_digits, field.decimal_places)
    if isinstance(field, models.DateTimeField):
        return ops.adapt_datetimefield_value
    return ops.adapt_datefield_value if isinstance(field, models.DateField) else None


def _converted(row: Sequence[object], converters: Sequence[tuple[int, Convert]]) -> list[object]:
    values = list(row)
    for place, convert in converters:
        if values[place] is not None:
            values[place] = convert(values[place])
    return values
