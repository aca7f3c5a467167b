"""Counts what differs between a lake and a MES database, with nothing of FactoLake: plain database drivers, delta-rs and JSON.

Run: python benchmarks/mes_difference.py LAKE_FOLDER DATABASE. DATABASE is a SQLite file or a postgresql:// address. Two ways: every row of FactoMES's
outbox is in bronze.events under its number with its content (and nothing else is there in FactoMES's name), and every row of gold and silver that
the MES is told is in its `lake_*` table with its values (and nothing else is there).
"""

import datetime as dt
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

MIRRORS = {
    "lake_machine_state": ("silver/machine_states", ("machine", "from_ts")),
    "lake_downtime": ("silver/downtime", ("machine", "from_ts")),
}
OEE = {"shift": "gold/oee_shift", "hour": "gold/oee_hour"}


@contextmanager
def opened(database: str) -> Iterator[Any]:
    """A connection that reads."""
    if database.startswith("postgresql"):
        import psycopg

        connection: Any = psycopg.connect(database.replace("+psycopg", ""))
    else:
        connection = sqlite3.connect(database.removeprefix("sqlite:///"))
    try:
        yield connection
    finally:
        connection.close()


def plain(value: object) -> object:
    """A value as both sides have it: times in UTC without zone, whole truth values as numbers, decimals as floats."""
    if isinstance(value, str):
        try:
            return plain(dt.datetime.fromisoformat(value)) if len(value) >= 19 and value[4:5] == "-" else value
        except ValueError:
            return value
    if isinstance(value, dt.datetime):
        return (value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(timespec="microseconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (bool, Decimal, float)):
        return float(value)
    return float(value) if isinstance(value, int) else value


def selected(connection: Any, table: str, columns: list[str]) -> list[tuple[object, ...]]:
    named = ", ".join(f'"{column}"' for column in columns)
    cursor = connection.cursor()
    cursor.execute(f'SELECT {named} FROM "{table}"')
    return [tuple(plain(value) for value in row) for row in cursor.fetchall()]


def columns_of(connection: Any, table: str) -> list[str]:
    cursor = connection.cursor()
    cursor.execute(f'SELECT * FROM "{table}" LIMIT 0')
    return [column[0] for column in cursor.description]


def outbox_difference(lake: Path, connection: Any) -> dict[str, int]:
    """Rows of the outbox that bronze lacks or has otherwise, rows that bronze has and the outbox has not, and repeated ones (known by their key)."""
    held = {int(str(row[0]).split(".")[0]): row[1:] for row in selected(connection, "core_outboxevent", ["id", "kind", "object_id", "payload"])}
    arrived = DeltaTable(str(lake / "bronze" / "events")).to_pyarrow_table(columns=["source_id", "epoch", "seq", "kind", "subject", "payload"])
    rows = [row for row in arrived.to_pylist() if row["source_id"] == "factomes"]
    told: dict[int, set[tuple[object, ...]]] = {}
    for row in rows:
        told.setdefault(row["seq"], set()).add((row["kind"], row["subject"], row["payload"]))
    return {
        "outbox rows": len(held),
        "in bronze more than once": len(rows) - len(told),
        "missing in bronze": len(held.keys() - told.keys()),
        "in bronze and not in the outbox": len(told.keys() - held.keys()),
        "other content in bronze": sum(told[number] != {content} for number, content in held.items() if number in told),
        "never marked as sent": sum(row[0] is None for row in selected(connection, "core_outboxevent", ["sent_ts"])),
    }


def table_difference(lake: Path, connection: Any) -> dict[str, int]:
    """Rows that one side has and the other has not, or with another value in any column, by MES table."""
    found = {}
    for table, (source, _) in MIRRORS.items():
        columns = [column for column in columns_of(connection, table) if column != "lake_version"]
        wanted = {tuple(plain(row[column]) for column in columns) for row in rows_of(lake, source, columns)}
        found[f"{table}: rows that differ"] = len(wanted ^ set(selected(connection, table, columns)))
    columns = [column for column in columns_of(connection, "lake_oee") if column not in ("lake_version", "span", "period", "equipment")]
    for span, source in OEE.items():
        named = {"equipment": "machine"} if span == "hour" else {}
        here = set(DeltaTable(str(lake / source)).schema().to_arrow().names)
        shared = [column for column in columns if column in here]
        of_lake = rows_of(lake, source, [named.get("equipment", "equipment"), *shared])
        wanted = {tuple(plain(value) for value in row.values()) for row in of_lake}
        held = {row[1:] for row in selected(connection, "lake_oee", ["span", "equipment", *shared]) if row[0] == span}
        found[f"lake_oee, {span}s: rows that differ"] = len(wanted ^ held)
    return found


def rows_of(lake: Path, source: str, columns: list[str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = DeltaTable(str(lake / source)).to_pyarrow_table(columns=columns).to_pylist()
    return [{column: row[column] for column in columns} for row in rows]


def difference(lake: Path, database: str) -> dict[str, int]:
    """Everything that is counted."""
    with opened(database) as connection:
        return {**outbox_difference(lake, connection), **table_difference(lake, connection)}


def main() -> None:
    for what, count in difference(Path(sys.argv[1]), sys.argv[2]).items():
        print(f"{count:8,}  {what}")


if __name__ == "__main__":
    main()
