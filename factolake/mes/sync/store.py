"""Batches into the MES database: one transaction holds the rows, the dead letters and the bookmark, or none of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from factolake.crash import crash_point
from factolake.errors import ContractViolation, SourceUnavailable
from factolake.mes.sync.batch import Batch, Upsert, as_json
from factolake.mes.sync.schema import BOOKMARKS, DEAD_LETTERS, VERSION, prepare, table_of
from factolake.mes.sync.targets import Feed, Row, Value

_DOWN = (sa.exc.OperationalError, sa.exc.InterfaceError)
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far one feed has come in the MES database."""

    history: str
    version: int
    verified_version: int | None
    mismatches: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch did: rows written, keys removed, rows left alone because the MES has newer ones, rows refused.

    `superseded` is True when another sync had moved the bookmark meanwhile: nothing was written then.
    """

    written: int = 0
    deleted: int = 0
    kept_newer: int = 0
    dead_letters: int = 0
    superseded: bool = False


class Store:
    """The MES database as the sync sees it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def prepare(self) -> tuple[str, ...]:
        """Make the tables fit their contracts; returns those made anew. Raises SourceUnavailable when the database does not answer."""
        with self._transaction() as connection:
            return prepare(connection)

    def bookmark(self, feed: Feed) -> Bookmark | None:
        """Where `feed` stands; None before its first batch. Raises SourceUnavailable when the database does not answer."""
        with self._transaction() as connection:
            return _bookmark(connection, feed)

    def apply(self, batch: Batch, now: datetime) -> Applied:
        """Apply `batch` and move the bookmark in one transaction. Raises SourceUnavailable when the database does not answer."""
        with self._transaction() as connection:
            held = _bookmark(connection, batch.feed, lock=True)
            if _is_older(batch, held):
                return Applied(kept_newer=len(batch.upserts), superseded=True)
            if held is not None and held.history != batch.history:
                connection.execute(sa.delete(table_of(batch.feed)).where(*_share(batch.feed)))
            deleted = _remove(connection, batch)
            newer = _newer(connection, batch)
            refused = _write(connection, batch.feed, batch.upserts)
            _bury(connection, batch.feed, refused, "refused", now)
            _resolve(connection, batch.feed, batch.upserts, refused)
            _set_bookmark(connection, batch, held, now)
            crash_point("sync.in_transaction")
        crash_point("sync.committed")
        return Applied(len(batch.upserts) - newer - len(refused), deleted, newer, len(refused))

    def verify(self, batch: Batch, now: datetime) -> int:
        """Read the batch's rows back and compare; write again what differs. Returns how many differed.

        A row that still differs after being written again is a dead letter with reason `reads_back_differently`.
        """
        with self._transaction() as connection:
            wrong = _differing(connection, batch)
            if wrong:
                refused = _write(connection, batch.feed, wrong)
                still = _differing(connection, Batch(batch.feed, batch.history, batch.from_version, batch.to_version, tuple(wrong)))
                _bury(connection, batch.feed, refused, "refused", now)
                _bury(connection, batch.feed, [(u, "the MES holds other values than were written") for u in still], "reads_back_differently", now)
            done = {"verified_version": batch.to_version, "mismatches": BOOKMARKS.c.mismatches + len(wrong)}
            mine = (BOOKMARKS.c.feed == batch.feed.source.name, BOOKMARKS.c.version == batch.to_version)
            connection.execute(sa.update(BOOKMARKS).where(*mine).values(done))
        return len(wrong)

    def _transaction(self) -> "Transaction":
        return Transaction(self._engine)


class Transaction:
    """A transaction that says in our own words when the database is down or does not let us in."""

    def __init__(self, engine: sa.Engine) -> None:
        self._url = engine.url.render_as_string(hide_password=True)
        self._begin = engine.begin()

    def __enter__(self) -> sa.Connection:
        try:
            return self._begin.__enter__()
        except _DOWN as error:
            raise self._unavailable(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            self._begin.__exit__(kind, error, trace)  # type: ignore[arg-type]
        except _DOWN as failed:
            raise self._unavailable(failed) from failed
        if isinstance(error, _DOWN):
            raise self._unavailable(error) from error
        if isinstance(error, sa.exc.ProgrammingError):
            raise ContractViolation(f"MES database {self._url}: {_first_line(error)}; let the sync's role create and write tables lake_*") from error

    def _unavailable(self, error: sa.exc.DBAPIError) -> SourceUnavailable:
        return SourceUnavailable(f"MES database {self._url}: {_first_line(error)}; the sync waits and goes on where it stopped")


def _first_line(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def _bookmark(connection: sa.Connection, feed: Feed, *, lock: bool = False) -> Bookmark | None:
    """The feed's bookmark; with `lock` a second sync waits here (SQLite: already at BEGIN IMMEDIATE)."""
    query = sa.select(BOOKMARKS).where(BOOKMARKS.c.feed == feed.source.name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Bookmark(row.history, row.version, row.verified_version, row.mismatches)


def _is_older(batch: Batch, held: Bookmark | None) -> bool:
    if held is None or held.history != batch.history:
        return not batch.is_snapshot
    return batch.to_version < held.version or (not batch.is_snapshot and batch.from_version > held.version)


def _set_bookmark(connection: sa.Connection, batch: Batch, held: Bookmark | None, now: datetime) -> None:
    is_same = held is not None and held.history == batch.history
    verified = held.verified_version if held is not None and is_same else None
    values = {"history": batch.history, "version": batch.to_version, "verified_version": verified, "synced_ts": now}
    mine = BOOKMARKS.c.feed == batch.feed.source.name
    if held is None:
        connection.execute(sa.insert(BOOKMARKS).values(feed=batch.feed.source.name, mismatches=0, **values))
    else:
        connection.execute(sa.update(BOOKMARKS).where(mine).values(**values))


def _share(feed: Feed) -> list[sa.ColumnElement[bool]]:
    table = table_of(feed)
    return [table.c[name] == value for name, value in feed.share.items()]


def _remove(connection: sa.Connection, batch: Batch) -> int:
    """Delete the batch's removed keys, never a row newer than the removal."""
    table, key = table_of(batch.feed), batch.feed.target.key
    deletes = list(batch.deletes)
    if batch.is_snapshot:
        kept = {batch.feed.key_of(upsert.row) for upsert in batch.upserts}
        present = connection.execute(sa.select(*(table.c[name] for name in key)).where(*_share(batch.feed)))
        deletes = [(tuple(row), batch.to_version) for row in present if tuple(row) not in kept]
    if not deletes:
        return 0
    is_key = [table.c[name] == sa.bindparam(f"key_{name}") for name in key]
    statement = sa.delete(table).where(*is_key, table.c[VERSION] <= sa.bindparam("through"))
    values = [{**{f"key_{n}": v for n, v in zip(key, k, strict=True)}, "through": version} for k, version in deletes]
    return connection.execute(statement, values).rowcount


def _newer(connection: sa.Connection, batch: Batch) -> int:
    """How many of the batch's rows the MES already holds from a later version."""
    if not batch.upserts:
        return 0
    table, key = table_of(batch.feed), batch.feed.target.key
    columns = [table.c[name] for name in (*key, VERSION)]
    later = table.c[VERSION] > min(upsert.version for upsert in batch.upserts)
    held = {tuple(row)[:-1]: row[-1] for row in connection.execute(sa.select(*columns).where(*_share(batch.feed), later))}
    return sum(held.get(batch.feed.key_of(upsert.row), -1) > upsert.version for upsert in batch.upserts)


def _write(connection: sa.Connection, feed: Feed, upserts: Sequence[Upsert]) -> list[tuple[Upsert, str]]:
    """Upsert all; a refused stretch is halved until the refused rows stand alone. Returns those with what the database said."""
    refused = [(upsert, f"{name} is no finite number") for upsert in upserts if (name := _not_finite(upsert.row))]
    sound = [upsert for upsert in upserts if not _not_finite(upsert.row)] if refused else upserts
    stretches = [sound[i : i + _CHUNK] for i in range(0, len(sound), _CHUNK)]
    while stretches:
        stretch = stretches.pop()
        try:
            with connection.begin_nested():
                _upsert(connection, feed, stretch)
        except _DOWN:
            raise
        except (sa.exc.DBAPIError, sa.exc.StatementError) as error:
            if isinstance(error, sa.exc.ProgrammingError):
                raise
            if len(stretch) == 1:
                refused.append((stretch[0], str(getattr(error, "orig", None) or error)))
                continue
            middle = len(stretch) // 2
            stretches += [stretch[:middle], stretch[middle:]]
    return refused


def _not_finite(row: Row) -> str | None:
    """The first column with NaN or infinity, which SQLite would store as NULL or as a number nobody can average."""
    return next((name for name, value in row.items() if isinstance(value, float) and not math.isfinite(value)), None)


def _upsert(connection: sa.Connection, feed: Feed, upserts: Sequence[Upsert]) -> None:
    table = table_of(feed)
    insert = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    values = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
    statement = insert.on_conflict_do_update(index_elements=list(feed.target.key), set_=values, where=table.c[VERSION] <= insert.excluded[VERSION])
    connection.execute(statement, [{**u.row, VERSION: u.version} for u in upserts])


def _bury(connection: sa.Connection, feed: Feed, refused: Sequence[tuple[Upsert, str]], reason: str, now: datetime) -> None:
    if not refused:
        return
    insert = postgresql.insert(DEAD_LETTERS) if connection.dialect.name == "postgresql" else sqlite.insert(DEAD_LETTERS)
    letters = [_letter(feed, upsert, reason, detail, now) for upsert, detail in refused]
    connection.execute(insert.on_conflict_do_nothing(), letters)


def _letter(feed: Feed, upsert: Upsert, reason: str, detail: str, now: datetime) -> Row:
    place: Row = {"feed": feed.source.name, "row_key": as_json(feed.key_of(upsert.row)), VERSION: upsert.version, "target": feed.target.name}
    return {**place, "reason": reason, "detail": detail, "row_json": as_json(upsert.row), "recorded_ts": now, "resolved_version": None}


def _resolve(connection: sa.Connection, feed: Feed, upserts: Sequence[Upsert], refused: Sequence[tuple[Upsert, str]]) -> None:
    """Mark earlier dead letters of rows that this batch brought in."""
    is_open = (DEAD_LETTERS.c.feed == feed.source.name, DEAD_LETTERS.c.resolved_version.is_(None))
    waiting = set(connection.execute(sa.select(DEAD_LETTERS.c.row_key).where(*is_open)).scalars())
    if not waiting:
        return
    failed = {as_json(feed.key_of(upsert.row)) for upsert, _ in refused}
    for upsert in upserts:
        key = as_json(feed.key_of(upsert.row))
        if key in waiting - failed:
            same = (*is_open, DEAD_LETTERS.c.row_key == key)
            connection.execute(sa.update(DEAD_LETTERS).where(*same).values(resolved_version=upsert.version))


def _differing(connection: sa.Connection, batch: Batch) -> list[Upsert]:
    """The batch's rows that the MES holds with other values, or not at all; newer rows and dead letters are not compared."""
    if not batch.upserts:
        return []
    feed, table = batch.feed, table_of(batch.feed)
    letters = sa.select(DEAD_LETTERS.c.row_key, DEAD_LETTERS.c[VERSION]).where(DEAD_LETTERS.c.feed == feed.source.name)
    buried = {(row[0], row[1]) for row in connection.execute(letters)}
    lowest = min(upsert.version for upsert in batch.upserts)
    rows = connection.execute(sa.select(table).where(*_share(feed), table.c[VERSION] >= lowest)).mappings()
    held: dict[tuple[Value, ...], Row] = {feed.key_of(dict(row)): dict(row) for row in rows}
    wrong = []
    for upsert in batch.upserts:
        key = feed.key_of(upsert.row)
        found = held.get(key)
        if (as_json(key), upsert.version) in buried or (found is not None and _version(found) > upsert.version):
            continue
        if found is None or any(found[name] != value for name, value in upsert.row.items()):
            wrong.append(upsert)
    return wrong


def _version(row: Row) -> int:
    version = row[VERSION]
    assert isinstance(version, int)
    return version
