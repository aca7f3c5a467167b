"""The lake's tables through delta-rs: create, read, append, replace a slice, read the change feed; positions travel in the commit.

A `Handle` holds one snapshot. What it read positions from is what it commits on: a commit by anyone else in between is refused by the
log, the snapshot is taken anew, and the rows go in only if no position moved.
"""

import errno
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from factolake.contracts.formats.arrow import arrow_schema, described_schema, fit
from factolake.contracts.table import Table
from factolake.errors import CommitConflict, ContractViolation, DiskFull, FactoLakeError, TableDamaged
from factolake.lake.columns import ATTEMPTS, NO_HOOKS, agree, filled, there
from factolake.lake.durable import begin_history, history, sync_checkpoint
from factolake.lake.leases import Lease
from factolake.lake.positions import forgotten_position, lease_position, require_forward, require_owner, require_unmoved
from factolake.lake.quiet import Quiet

PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.enableDeletionVectors": "false",
    "delta.enableExpiredLogCleanup": "false",
    # How long checkpoints carry the names of removed files; a week of them (the default) is 600,000 at a commit a second.
    # Which files really go is upkeep's decision, by the consumers' positions.
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}
FEED_COLUMNS = pa.schema([pa.field("_change_type", pa.string(), nullable=False), pa.field("_commit_version", pa.int64(), nullable=False)])
_LAST = "*"
REOPEN_EVERY_COMMITS = 50

# Appends are written with Snappy, which costs a third less CPU; the merge, which everything passes once, packs tighter.
_MERGED = WriterProperties(compression="ZSTD")
# delta-rs reads a typed literal as nanoseconds and then fails on the column's microseconds; a bare one takes the column's type.
_TIMESTAMP_LITERAL = re.compile(r"\bTIMESTAMP\s+'(?=\d{4}-)", re.IGNORECASE)


class Lake:
    """The Delta tables under one folder, at `<root>/<layer>/<table>`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, table: Table) -> str:
        """Folder of `table`."""
        return str(self.root.absolute() / table.layer / table.short_name)

    def exists(self, table: Table) -> bool:
        """Whether `table` has been created."""
        return bool(DeltaTable.is_deltatable(self.path(table)))

    def ensure(self, table: Table) -> None:
        """Create `table` by its contract if it is not there; add nullable columns that one of an earlier release lacks; two processes may.

        Raises ContractViolation when a table of other columns is there, CommitConflict, DiskFull, TableDamaged.
        """
        if not self.exists(table):
            self._create(table)
        with translated(table.name, f"the log under {self.path(table)} cannot be read; run `factolake doctor`"):
            agree(table, self.path(table))

    def open(self, table: Table, lease: Lease | None = None, reopen_every: int = REOPEN_EVERY_COMMITS) -> "Handle":
        """A handle on the newest version of `table`; with `lease` every commit carries and checks its epoch.

        Every `reopen_every` commits of its own the handle writes a checkpoint and starts from it.

        Raises TableDamaged when the table is missing or its log cannot be read.
        """
        return Handle(table, self.path(table), lease, reopen_every)

    def lease_epoch(self, tables: Sequence[Table]) -> int:
        """The largest lease epoch committed in those of `tables` that exist; 0 if none is."""
        return max((self.open(t).position(lease_position(t.name)) or 0 for t in tables if self.exists(t)), default=0)

    def _create(self, table: Table) -> None:
        with translated(table.name):
            try:
                DeltaTable.create(
                    self.path(table),
                    described_schema(table),
                    mode="error",
                    name=table.name,
                    description=f"A row is {table.grain}.",
                    partition_by=list(table.partition_by) or None,
                    configuration=dict(PROPERTIES),
                    # With retries the loser of a race would commit its table on top of the winner's.
                    commit_properties=CommitProperties(max_commit_retries=0),
                )
            except DeltaError:
                # Another process created it between our look and our commit: its table is as good as ours.
                if not self.exists(table):
                    raise


class Handle:
    """One snapshot of one table, and commits on top of it.

    Not refreshed between reading a position and committing; `refresh` moves it on. Not for use by several threads.
    """

    def __init__(self, table: Table, path: str, lease: Lease | None = None, reopen_every: int = REOPEN_EVERY_COMMITS) -> None:
        self.table = table
        self.path = path
        self._lease = lease
        self._reopen_every = reopen_every
        self._commits = 0
        self._seen: dict[str, int | None] = {}
        self._history: str | None = None
        self._quiet = Quiet()
        self._delta = self._open()

    @property
    def version(self) -> int:
        """Version of the snapshot."""
        return int(self._delta.version())

    @property
    def history(self) -> str:
        """Identity of this table's history: another one once the table was made anew under the same path or set back."""
        if self._history is None:
            self._history = f"{str(self._delta.metadata().id)[:8]}{history(self.path)}"
        return self._history

    def begin_history(self) -> None:
        """Declare that versions which someone may have read are gone (a folder restored from a backup)."""
        begin_history(self.path)
        self._history, self._quiet = None, Quiet()

    def position(self, app_id: str) -> int | None:
        """The position committed under `app_id` in this snapshot; None if there is none."""
        if app_id not in self._seen:
            found = self._delta.transaction_version(app_id)
            self._seen[app_id] = None if found is None else int(found)
        return self._seen[app_id]

    def refresh(self) -> None:
        """Move to the newest version. Raises TableDamaged when the log cannot be read."""
        self._move_on()

    def append(self, data: pa.Table, positions: Mapping[str, int], *, meta: Mapping[str, str] | None = None) -> int:
        """Append `data` and set `positions` in one commit; returns its version. Empty data still commits the positions.

        Raises StalePosition when a position would not grow or another writer moved it, ContractViolation, CommitConflict, DiskFull, LeaseHeld.
        """
        return self._commit(data, "append", None, positions, meta)

    def replace(self, data: pa.Table, predicate: str, positions: Mapping[str, int], *, meta: Mapping[str, str] | None = None) -> int:
        """Put `data` in place of the rows where `predicate` (SQL) holds, and set `positions`, in one commit; empty data deletes them.

        Raises ContractViolation when a row of `data` is outside the predicate, TableDamaged when a file with rows to be replaced cannot be
        read, and what `append` raises.
        """
        with _rewriting(self.table.name):
            return self._commit(data, "overwrite", bare_timestamps(predicate), positions, meta)

    def commit_positions(self, positions: Mapping[str, int], *, meta: Mapping[str, str] | None = None) -> int:
        """Set `positions` alone; raises what `append` raises."""
        return self.append(arrow_schema(self.table).empty_table(), positions, meta=meta)

    def forget(self, predicate: str, partition: str | None, counts: Mapping[str, int]) -> int | None:
        """Delete the rows where `predicate` holds because they are old; how many, None when another writer committed meanwhile.

        `partition` is the value whose rows all go (None: the table has none), `counts` says how many go of each log. The change feed of
        a table that only grows does not tell of it: what was made from these rows stays. Raises DiskFull, TableDamaged, LeaseHeld.
        """
        gone = {log_id: rows + self.forgotten_rows(log_id) for log_id, rows in counts.items()}
        marks = dict.fromkeys((_LAST,) if partition is None else (_LAST, partition), self.version + 1)
        transactions = self._transactions({forgotten_position(what): number for what, number in {**gone, **marks}.items()})
        try:
            with translated(self.table.name, "old rows cannot be deleted; run `factolake scrub`"):
                done = self._delta.delete(
                    bare_timestamps(predicate),
                    commit_properties=CommitProperties(max_commit_retries=0, app_transactions=transactions),
                    post_commithook_properties=NO_HOOKS,
                )
        except CommitFailedError:
            self.refresh()
            return None
        self._after_commit()
        return int(done["num_deleted_rows"])

    def has_forgotten(self, partition: str) -> bool:
        """Whether rows of that partition were deleted because they were old."""
        return self.position(forgotten_position(partition)) is not None

    def forgotten_rows(self, log_id: str) -> int:
        """How many rows of that log were deleted because they were old."""
        return self.position(forgotten_position(log_id)) or 0

    def changes(self, from_version: int, to_version: int, columns: Sequence[str]) -> pa.Table:
        """Row changes of the versions from..to, both inclusive: `columns`, `_change_type` and `_commit_version`.

        Of a table that only grows, rows deleted because they were old are left out. Raises TableDamaged when a version or change file in
        the span is no longer there: the feed has a hole, recompute everything.
        """
        schema = pa.schema([*(arrow_schema(self.table).field(name) for name in columns), *FEED_COLUMNS])
        from_version = self._quiet.after(from_version)
        if from_version > to_version:
            return schema.empty_table()
        with translated(self.table.name, f"the change feed from version {from_version} to {to_version} has a hole; recompute from the whole table"):
            forgot = None if self.table.slice_by else self.position(forgotten_position(_LAST))
            if forgot is not None and from_version <= forgot <= to_version:
                # The feed of that commit is every row that went, which may be a whole day of a plant.
                return pa.concat_tables([self.changes(from_version, forgot - 1, columns), self.changes(forgot + 1, to_version, columns)])
            feed = pa.table(self._delta.load_cdf(from_version, to_version, columns=there(self._delta, schema)))
        feed = filled(feed, schema)
        self._quiet.learn(from_version, to_version, feed["_commit_version"])
        return feed if self.table.slice_by else feed.filter(pc.not_equal(feed["_change_type"], "delete"))

    def notes(self, name: str, from_version: int) -> dict[int, str]:
        """What the commits of `from_version` and later noted under `name` in their metadata, by version; those without a note are left out."""
        with translated(self.table.name, f"the log from version {from_version} on cannot be read; run `factolake doctor`"):
            commits = self._delta.history(max(1, self.version - from_version + 1))
        return {commit["version"]: commit[name] for commit in commits if name in commit and commit["version"] >= from_version}

    def read(self, columns: Sequence[str] | None = None, predicate: str | None = None, version: int | None = None) -> pa.Table:
        """Rows of this snapshot, or of an older `version`, with `columns` (all if None) where `predicate` (SQL) holds; order is not given.

        Raises TableDamaged when a file is missing or the version is gone. A damaged file may also give wrong rows, or end the process:
        Rust panics across a border that lets no exception pass. `factolake scrub` names it in each case.
        """
        names = list(columns or self.table.column_names)
        whole = arrow_schema(self.table)
        schema = pa.schema([whole.field(name) for name in names])
        with translated(self.table.name, f"version {self.version if version is None else version} cannot be read; run `factolake scrub`"):
            delta = self._delta if version is None or version == self.version else DeltaTable(self.path, version=version)
            found = pa.table(delta.scan(columns=there(delta, schema), predicate=bare_timestamps(predicate) if predicate else None))
        return filled(found, schema)

    def batches(self, columns: Sequence[str], predicate: str) -> Iterator[pa.RecordBatch]:
        """What `read` gives, batch by batch and in delta-rs' own Arrow types, for more rows than memory should hold."""
        with translated(self.table.name, f"version {self.version} cannot be read; run `factolake scrub`"):
            yield from pa.RecordBatchReader.from_stream(self._delta.scan(columns=list(columns), predicate=bare_timestamps(predicate)))

    def compact(self, target_bytes: int) -> int | None:
        """Merge files smaller than `target_bytes` in one commit that changes no row; its version, or None when nothing was to merge.

        None too when another writer committed meanwhile: the next turn does it. Raises DiskFull, TableDamaged.
        """
        before = self.version
        try:
            with translated(self.table.name, f"files under {self.path} cannot be merged; run `factolake scrub`"):
                self._delta.optimize.compact(
                    target_size=target_bytes,
                    writer_properties=_MERGED,
                    commit_properties=CommitProperties(max_commit_retries=0),
                    post_commithook_properties=NO_HOOKS,
                )
        except CommitFailedError:
            self.refresh()
            return None
        return self.version if self.version > before else None

    def checkpoint(self) -> int:
        """Write a checkpoint of this snapshot, force it to disk and return its version. Raises DiskFull, TableDamaged."""
        with translated(self.table.name, f"no checkpoint can be written under {self.path}; run `factolake doctor`"):
            self._delta.create_checkpoint()
            sync_checkpoint(self.path, self.version)
        return self.version

    def files(self) -> list[str]:
        """Data files of this snapshot, relative to the table."""
        actions = pa.table(self._delta.get_add_actions(flatten=True))
        return [unquote(path) for path in actions.column("path").to_pylist()]

    def spans(self, column: str) -> pa.Table:
        """One row a data file: `partition` (the first partition column, null without one), `oldest` and `newest` of `column` (null: unknown)."""
        actions = pa.table(self._delta.get_add_actions(flatten=True))
        nothing = pa.nulls(actions.num_rows)
        partition = f"partition.{self.table.partition_by[0]}" if self.table.partition_by else ""
        found = {"partition": partition, "oldest": f"min.{column}", "newest": f"max.{column}"}
        return pa.table({name: actions[source] if source in actions.column_names else nothing for name, source in found.items()})

    def _open(self) -> DeltaTable:
        with translated(self.table.name, f"the log under {self.path} cannot be read; run `factolake doctor`"):
            return DeltaTable(self.path)

    def _move_on(self) -> None:
        self._seen.clear()
        try:
            self._delta.update_incremental()
        except DeltaError:
            # Upkeep may have removed log entries this snapshot would have gone on from; a fresh one starts at the checkpoint.
            self._delta, self._quiet = self._open(), Quiet()

    def _commit(self, data: pa.Table, mode: str, predicate: str | None, positions: Mapping[str, int], meta: Mapping[str, str] | None) -> int:
        rows = fit(self.table, data)
        before = {app_id: self.position(app_id) for app_id in {*self._seen, *positions}}
        refusal = ""
        for attempt in range(ATTEMPTS):
            require_forward(self.table.name, positions, before)
            try:
                self._write(rows, mode, predicate, self._transactions(positions), meta)
            except CommitFailedError as error:
                refusal = str(error)
                time.sleep(0.01 * attempt)
                self._move_on()
                require_unmoved(self.table.name, before, {app_id: self.position(app_id) for app_id in before})
                continue
            version = self.version
            self._after_commit()
            return version
        raise CommitConflict(
            f"{self.table.name}: other writers committed first {ATTEMPTS} times in a row ({refusal}); find who else writes it and stop it"
        )

    def _after_commit(self) -> None:
        self._seen.clear()
        self._commits += 1
        if self._commits % self._reopen_every:
            return
        # Every commit since the checkpoint makes each look at the log dearer: 18 ms of CPU a commit right after one, 105 ms 300 later.
        with suppress(DiskFull, TableDamaged):  # the commit itself is done; the next turn tries the checkpoint again
            self.checkpoint()
        self._delta = self._open()

    def _transactions(self, positions: Mapping[str, int]) -> list[Transaction]:
        transactions = [Transaction(app_id, offset) for app_id, offset in positions.items()]
        if self._lease is not None:
            app_id = lease_position(self.table.name)
            committed = self._delta.transaction_version(app_id)
            require_owner(self.table.name, self._lease.epoch, committed)
            transactions.append(Transaction(app_id, self._lease.epoch))
        return transactions

    def _write(self, rows: pa.Table, mode: str, predicate: str | None, transactions: list[Transaction], meta: Mapping[str, str] | None) -> None:
        # No retries of its own: delta-rs would rebase our rows onto a commit we have not looked at.
        commit = CommitProperties(custom_metadata=dict(meta) if meta else None, max_commit_retries=0, app_transactions=transactions)
        with translated(self.table.name):
            write_deltalake(
                self._delta,
                rows,
                mode=mode,  # type: ignore[call-overload]
                predicate=predicate,
                commit_properties=commit,
                post_commithook_properties=NO_HOOKS,
            )


def bare_timestamps(predicate: str) -> str:
    """`predicate` with `TIMESTAMP '...'` literals made bare, which is the form delta-rs compares with a microsecond column."""
    return _TIMESTAMP_LITERAL.sub("'", predicate)


@contextmanager
def translated(table: str, meaning: str | None = None) -> Iterator[None]:
    """Turn what delta-rs raises about `table` into FactoLake's errors; `meaning` says what a failed read means.

    CommitFailedError passes through, because the commit loop decides about it. A panic in Rust, which is no Exception, is TableDamaged.
    """
    try:
        yield
    except FactoLakeError:
        raise
    except (DeltaError, TableNotFoundError, OSError, pa.ArrowException) as error:
        text = str(error).split("\n   0:")[0].strip()
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in text or "os error 28" in text:
            raise DiskFull(f"{table}: the disk under the lake is full; free space there, what was not written stays in the spool") from error
        if isinstance(error, CommitFailedError):
            raise
        if "failed validation check" in text:
            raise ContractViolation(f"{table}: rows outside what is replaced: {text}") from error
        if meaning is None:
            raise
        raise TableDamaged(f"{table}: {meaning} ({text[:300]})") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # made in Rust, there is no module to import it from
            raise
        raise TableDamaged(f"{table}: {meaning or 'delta-rs gave up'} (panic: {str(error)[:300]})") from error


@contextmanager
def _rewriting(table: str) -> Iterator[None]:
    """Turn what delta-rs says of the content of a file it rewrites into TableDamaged; what the system refuses passes through."""
    try:
        yield
    except DeltaError as error:
        text = str(error)
        if "os error" in text or not ("Parquet error" in text or "panicked" in text):
            raise
        raise TableDamaged(f"{table}: a file with rows to be replaced cannot be read; run `factolake scrub` ({text[:300]})") from error
