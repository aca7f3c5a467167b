"""The `lake_*` tables as SQLAlchemy tables: types by dialect, checks from the contracts. The sync alone creates and writes them.

A table whose columns are no longer those of the contract is made anew: it holds nothing that the lake does not.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import ReflectedColumn

from factolake.contracts.table import Column, Type
from factolake.mes.sync.targets import FEEDS, Feed, MesTable

VERSION = "lake_version"


class UtcStamp(sa.types.TypeDecorator[datetime]):
    """A UTC time stamp: `timestamptz` in PostgreSQL, naive UTC text in SQLite; always aware UTC in Python."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[datetime]:
        """The database's own type."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_TYPES: dict[Type, sa.types.TypeEngine[Any]] = {
    Type.STRING: sa.Text(),
    Type.INT32: sa.Integer(),
    Type.INT64: sa.BigInteger(),
    Type.DECIMAL20: sa.Numeric(20, 0),
    Type.QUANTITY: sa.Numeric(15, 4),
    Type.MEASURE: sa.Numeric(15, 6),
    Type.FLOAT64: sa.Double(),
    Type.BOOL: sa.Boolean(),
    Type.TIMESTAMP: UtcStamp(),
    Type.DATE: sa.Date(),
    Type.BINARY: sa.LargeBinary(),
}

METADATA = sa.MetaData()

BOOKMARKS = sa.Table(
    "lake_bookmark",
    METADATA,
    sa.Column("feed", sa.Text(), primary_key=True, comment="Lake table the rows come from."),
    sa.Column("history", sa.Text(), nullable=False, comment="Identity of the source table's history: another one when it was made anew or set back."),
    sa.Column("version", sa.BigInteger(), nullable=False, comment="Delta version the MES table is at."),
    sa.Column("verified_version", sa.BigInteger(), comment="Version whose rows were read back and compared; null before the first."),
    sa.Column("mismatches", sa.BigInteger(), nullable=False, comment="Rows so far that read back differently from what was written."),
    sa.Column("synced_ts", UtcStamp(), nullable=False, comment="When the version was reached (UTC)."),
    comment="How far the sync has come; written in the same transaction as the rows.",
)

DEAD_LETTERS = sa.Table(
    "lake_dead_letter",
    METADATA,
    sa.Column("feed", sa.Text(), primary_key=True, comment="Lake table the row comes from."),
    sa.Column("row_key", sa.Text(), primary_key=True, comment="Key of the row as JSON text."),
    sa.Column(VERSION, sa.BigInteger(), primary_key=True, comment="Delta version that brought it."),
    sa.Column("target", sa.Text(), nullable=False, comment="MES table that refused it."),
    sa.Column("reason", sa.Text(), nullable=False, comment="Short stable word: refused, reads_back_differently."),
    sa.Column("detail", sa.Text(), nullable=False, comment="What the database said."),
    sa.Column("row_json", sa.Text(), nullable=False, comment="The row as JSON text."),
    sa.Column("recorded_ts", UtcStamp(), nullable=False, comment="When (UTC)."),
    sa.Column("resolved_version", sa.BigInteger(), comment="Delta version that later brought the row in; null while it is missing."),
    comment="Rows of the lake that the MES database refused; the rest of their batch was applied.",
)


def _checks(columns: Iterable[Column]) -> list[sa.CheckConstraint]:
    checks = []
    for column in columns:
        name: sa.ColumnClause[Any] = sa.column(column.name)
        if column.values:
            checks.append(sa.CheckConstraint(name.in_(column.values)))
        if column.low is not None:
            checks.append(sa.CheckConstraint(name >= sa.literal(column.low)))
        if column.high is not None:
            checks.append(sa.CheckConstraint(name <= sa.literal(column.high)))
    return checks


def _table(target: MesTable) -> sa.Table:
    columns = [
        sa.Column(c.name, _TYPES[c.type], primary_key=c.name in target.key, autoincrement=False, nullable=c.nullable, comment=c.doc)
        for c in target.columns
    ]
    version = sa.Column(VERSION, sa.BigInteger(), nullable=False, comment="Delta version of the lake table that brought the row.")
    index = [sa.Index(f"{target.name}_by_{'_'.join(target.found_by)}", *target.found_by)] if target.found_by else []
    return sa.Table(target.name, METADATA, *columns, version, *_checks(target.columns), *index, comment=target.doc)


TABLES: dict[str, sa.Table] = {target.name: _table(target) for target in {feed.target.name: feed.target for feed in FEEDS}.values()}
"""The SQLAlchemy table of each MES table, by name."""


def table_of(feed: Feed) -> sa.Table:
    """Where the rows of `feed` go."""
    return TABLES[feed.target.name]


def prepare(connection: sa.Connection) -> tuple[str, ...]:
    """Create what is missing and rebuild what no longer fits its contract; returns the names of the tables made anew."""
    present = sa.inspect(connection)
    names = set(present.get_table_names())
    stale = [table for table in METADATA.sorted_tables if table.name in names and _is_stale(table, present.get_columns(table.name))]
    for table in stale:
        table.drop(connection)
    METADATA.create_all(connection)
    for index in (index for table in METADATA.sorted_tables for index in table.indexes):
        index.create(connection, checkfirst=True)  # of a table that was there before its index
    forgotten = [feed.source.name for feed in FEEDS if table_of(feed) in stale]
    if forgotten:
        connection.execute(sa.delete(BOOKMARKS).where(BOOKMARKS.c.feed.in_(forgotten)))
    return tuple(table.name for table in stale)


def _is_stale(table: sa.Table, held: Iterable[ReflectedColumn]) -> bool:
    """Whether the database has other columns than the contract, or others of them may be null: rows would be refused that are good."""
    return {each["name"]: each["nullable"] for each in held} != {each.name: bool(each.nullable and not each.primary_key) for each in table.columns}


def connect(url: str) -> sa.Engine:
    """An engine for `url`; SQLite waits 10 s for other writers, and begins each transaction as a writer so that it never has to upgrade."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True)
    engine = sa.create_engine(parsed, connect_args={"timeout": 10.0, "isolation_level": None})

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: object, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
