"""SQL for people and pages: DuckDB over the lake, read only, offline, always the newest version.

The Delta reader comes from its own wheel, so nothing is fetched. Every table is a view `layer.table`; times are UTC.
"""

import re
import threading
from collections.abc import Iterable
from pathlib import Path

import duckdb
import duckdb_extension_delta
import pyarrow as pa

from factolake.contracts import TABLES
from factolake.contracts.formats.sql import literal
from factolake.contracts.table import LAYERS, Table
from factolake.errors import MissingDependency, QueryError, TableDamaged
from factolake.lake.tables import Lake

_NAME = re.compile(r'\b([a-z][a-z0-9_]*)"?\s*\.\s*"?([a-z][a-z0-9_]*)\b')
_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def connect(lake: Lake, tables: Iterable[Table] | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view for each of `tables` (all if None) that exists. The caller closes it.

    A view reads the newest version each time it is asked. Raises MissingDependency without the Delta extension's wheel.
    """
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "2"})
    connection.execute(f"LOAD {literal(str(_extension()))}")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    for layer in LAYERS:
        connection.execute(f"CREATE SCHEMA {layer}")
    _make_views(connection, lake, TABLES.values() if tables is None else tables)
    return connection


def query(lake: Lake, sql: str) -> pa.Table:
    """The answer to one SQL question about the lake.

    Raises QueryError when it is no question, wrong SQL or names a table that does not exist (the message lists those that do).
    """
    _require_question(sql)
    with _SESSIONS.cursor(lake, _named(sql)) as connection:
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.CatalogException as error:
            raise QueryError(f"{_first_line(error)} Tables: {', '.join(_existing(lake)) or 'none yet, landing has not run'}") from error
        except duckdb.IOException as error:
            raise TableDamaged(f"a table cannot be read: {_first_line(error)}; run `factolake doctor`") from error
        except duckdb.Error as error:
            raise QueryError(f"the question cannot be answered: {_first_line(error)}") from error


class _Sessions:
    """One DuckDB per lake and process, because loading the extension costs 0.3 s; each question gets a cursor of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Path, duckdb.DuckDBPyConnection] = {}

    def cursor(self, lake: Lake, tables: Iterable[Table]) -> duckdb.DuckDBPyConnection:
        """A cursor that sees `tables`, as far as they exist."""
        root = lake.root.absolute()
        with self._lock:
            if root not in self._open:
                self._open[root] = connect(lake, ())
            _make_views(self._open[root], lake, tables)
            return self._open[root].cursor()


_SESSIONS = _Sessions()


def _make_views(connection: duckdb.DuckDBPyConnection, lake: Lake, tables: Iterable[Table]) -> None:
    for table in tables:
        if lake.exists(table):
            connection.execute(f"CREATE VIEW IF NOT EXISTS {table.name} AS SELECT * FROM delta_scan({literal(lake.path(table))})")


def _require_question(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(f"this is no SQL: {_first_line(error)}") from error
    if len(statements) != 1 or statements[0].type not in _READS:
        raise QueryError(f"the lake answers one question at a time and changes nothing; got {sql.strip()[:80]!r}, allowed: SELECT, DESCRIBE, EXPLAIN")


def _named(sql: str) -> list[Table]:
    names = {f"{layer}.{table}" for layer, table in _NAME.findall(sql.lower())}
    named = [TABLES[name] for name in sorted(names) if name in TABLES]
    # A question that names none (`show all tables`) is about all of them; making a view costs some milliseconds each.
    return named or list(TABLES.values())


def _existing(lake: Lake) -> list[str]:
    return [name for name, table in TABLES.items() if lake.exists(table)]


def _extension() -> Path:
    found = sorted(Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension"))
    matching = [path for path in found if path.parent.name == f"v{duckdb.__version__}"]
    if not matching:
        raise MissingDependency(
            f"the wheel duckdb-extension-delta holds no extension for duckdb {duckdb.__version__}; install both in the versions of pyproject.toml"
        )
    return matching[0]


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0].strip()
