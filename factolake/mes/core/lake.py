"""The `lake_*` tables, which the sync alone writes, for those who read them. They are there once the sync has run; before that nothing is known."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

AT_ONCE = 2_000


def is_there(table: str, *columns: str) -> bool:
    """Whether the sync has made `table`, with `columns` that one of an earlier release lacks until the sync of this one makes it anew."""
    named = "SELECT name FROM pragma_table_info(%s)"
    if connection.vendor != "sqlite":
        named = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
    with connection.cursor() as cursor:
        cursor.execute(named, [table])
        found = {name for (name,) in cursor.fetchall()}
    return bool(found) and found.issuperset(columns)


def rows(query: str, parameters: Sequence[object] = ()) -> Iterator[dict[str, Any]]:
    """What `query` finds, a dict a row; times as the database has them, see `utc`."""
    with connection.cursor() as cursor:
        cursor.execute(query, list(parameters))
        names = [column[0] for column in cursor.description]
        while found := cursor.fetchmany(AT_ONCE):
            yield from (dict(zip(names, row, strict=True)) for row in found)


def bookmark(source: str) -> tuple[str, int] | None:
    """How far the sync has brought the lake table `source`: its history and version; None before the first time."""
    if not is_there("lake_bookmark"):
        return None
    found = next(rows("SELECT history, version FROM lake_bookmark WHERE feed = %s", [source]), None)
    return (found["history"], found["version"]) if found else None


def stamp(time: datetime) -> datetime | str:
    """A time as a parameter of `rows`, the way the database keeps it: naive UTC text to the microsecond in SQLite, where texts are compared."""
    if connection.vendor != "sqlite":
        return time
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def utc(value: datetime | str) -> datetime:
    """A time of a `lake_*` table: naive UTC text in SQLite, aware in PostgreSQL; always aware UTC here."""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
