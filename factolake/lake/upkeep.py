"""Upkeep of a hot table: merge small files, write checkpoints, forget old log entries and the files only they name.

What may go is one rule: log entries that a consumer still has to read, or that are younger than the retention, stay; and every file that
a kept entry or the newest snapshot names stays. So neither a slow refinement nor a reader of a recent version loses anything.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from factolake.contracts import TABLES
from factolake.contracts.table import Table
from factolake.crash import crash_point
from factolake.domain.clock import is_due
from factolake.errors import TableDamaged
from factolake.lake.durable import entry_file, make_durable, read_entry, versions
from factolake.lake.positions import refine_position
from factolake.lake.scrub import would_spread
from factolake.lake.tables import Handle, Lake

COMPACT_TO_BYTES = 16 << 20
RETENTION_S = 3600.0
ORPHAN_AGE_S = 3600.0
ALARM_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Tidied:
    """What one call did to a table.

    `compacted` is the version of a merge, None if there was none. `behind_s` is the age of the oldest change a consumer has not read yet
    (0 when none waits); `alarm` is a sentence when that passes half of the retention, else None.
    """

    compacted: int | None = None
    checkpoint: int | None = None
    entries_removed: int = 0
    files_removed: int = 0
    behind_s: float = 0.0
    alarm: str | None = None


class Upkeep:
    """Upkeep of one table, by its writer, on the writer's own handle, between its commits.

    `compact_every_s` and `checkpoint_every_s` are the shortest distances between two turns; `retention_s` is how long history is kept
    though every consumer has read it.
    """

    def __init__(self, handle: Handle, compact_every_s: float = 60.0, checkpoint_every_s: float = 600.0, retention_s: float = RETENTION_S) -> None:
        self._handle = handle
        self._compact_every = timedelta(seconds=compact_every_s)
        self._checkpoint_every = timedelta(seconds=checkpoint_every_s)
        self._retention_s = retention_s
        self._compacted_at: datetime | None = None
        self._checkpoint_at: datetime | None = None

    def on(self, handle: Handle) -> "Upkeep":
        """The same upkeep, on a newer handle of the same table."""
        self._handle = handle
        return self

    def due(self, now: datetime) -> tuple[bool, bool]:
        """Whether (a merge, a checkpoint with clean-up) is due. The first look starts both clocks; a clock that was set back makes both due."""
        self._compacted_at = self._compacted_at or now
        self._checkpoint_at = self._checkpoint_at or now
        return is_due(self._compacted_at, now, self._compact_every), is_due(self._checkpoint_at, now, self._checkpoint_every)

    def step(self, now: datetime, oldest_needed: int | None) -> Tidied:
        """Do what is due at `now`; `oldest_needed` is the oldest version some consumer still has to read, None if there is no consumer.

        Raises DiskFull and TableDamaged.
        """
        merge, tidy = self.due(now)
        compacted = self.merge(now) if merge else None
        if not tidy:
            return Tidied(compacted)
        return self.tidy(now, oldest_needed, compacted)

    def merge(self, now: datetime) -> int | None:
        """Merge small files now; the version of the merge, or None, also when one of them is damaged."""
        self._compacted_at = now
        if would_spread(self._handle, now, COMPACT_TO_BYTES):
            return None
        version = self._handle.compact(COMPACT_TO_BYTES)
        crash_point("upkeep.merged")
        if version is not None:
            make_durable(self._handle.path, version)
        return version

    def tidy(self, now: datetime, oldest_needed: int | None, compacted: int | None = None) -> Tidied:
        """Forget what is older than the last checkpoint, the retention and every consumer; then write a new checkpoint."""
        self._checkpoint_at = now
        handle = self._handle
        behind_s = self._behind(now, oldest_needed)
        entries = remove_entries(handle.path, before=self._bound(now, oldest_needed))
        files = remove_files(handle, now.timestamp() - ORPHAN_AGE_S)
        make_durable(handle.path, handle.version)
        checkpoint = handle.checkpoint()
        crash_point("upkeep.checkpointed")
        return Tidied(compacted, checkpoint, entries, files, behind_s, self._alarm(behind_s, oldest_needed))

    def _bound(self, now: datetime, oldest_needed: int | None) -> int:
        path, horizon = self._handle.path, now.timestamp() - self._retention_s
        young = next((v for v in versions(path) if entry_file(path, v).stat().st_mtime > horizon), self._handle.version)
        needed = self._handle.version if oldest_needed is None else oldest_needed
        return min(young, needed, self._handle.version)

    def _behind(self, now: datetime, oldest_needed: int | None) -> float:
        if oldest_needed is None or oldest_needed > self._handle.version:
            return 0.0
        try:
            return max(0.0, now.timestamp() - entry_file(self._handle.path, oldest_needed).stat().st_mtime)
        except FileNotFoundError:
            return 0.0

    def _alarm(self, behind_s: float, oldest_needed: int | None) -> str | None:
        if behind_s < ALARM_SHARE * self._retention_s:
            return None
        return (
            f"{self._handle.table.name}: a consumer still has to read version {oldest_needed}, {behind_s:.0f} s old and past half of the "
            f"{self._retention_s:.0f} s history is kept; nothing goes until it has, so disk use grows: look for the refinery in `factolake status`"
        )


def oldest_needed(lake: Lake, table: Table) -> int | None:
    """The oldest version of `table` that some refinement still has to read, by the positions in their outputs; None without a reader."""
    positions, history = [], lake.open(table).history
    for output in TABLES.values():
        name = output.writer.removeprefix("refine/")
        if name != output.writer and lake.exists(output):
            positions.append(lake.open(output).position(refine_position(name, table.name, history)))
    read = [position for position in positions if position is not None]
    return min(read) + 1 if read else None


def all_needed(lake: Lake, tables: Iterable[Table]) -> Mapping[str, int | None]:
    """`oldest_needed` of each table, by full name."""
    return {table.name: oldest_needed(lake, table) for table in tables}


def remove_entries(table_path: str, before: int) -> int:
    """Delete log entries and checkpoints below version `before`, as far as a newer checkpoint stands for them; returns how many entries.

    Oldest first: a reader that lists the log meanwhile sees an unbroken run from the checkpoint on.
    """
    log = Path(table_path) / "_delta_log"
    checkpoints = sorted(int(f.name.split(".")[0]) for f in log.glob("*.checkpoint.parquet"))
    base = max((version for version in checkpoints if version <= before), default=None)
    if base is None:
        return 0
    removed = [version for version in versions(table_path) if version < base]
    for version in removed:
        entry_file(table_path, version).unlink(missing_ok=True)
        crash_point("upkeep.entry_removed")
    for version in checkpoints:
        if version < base:
            (log / f"{version:020d}.checkpoint.parquet").unlink(missing_ok=True)
    return len(removed)


def remove_files(handle: Handle, written_before: float) -> int:
    """Delete data and change files that neither the snapshot nor any log entry left names and that are older than `written_before` (epoch s).

    The age spares files of a commit on its way. Returns how many were deleted. Raises TableDamaged, deleting nothing, when a file of the
    snapshot is not where its name says: then the names cannot be trusted to tell what may go.
    """
    root = Path(handle.path)
    named = set(handle.files())
    lost = next((name for name in named if not (root / name).is_file()), None)
    if lost is not None:
        raise TableDamaged(f"{handle.table.name}: data file {root / lost} is missing; nothing was tidied, restore it or the table's folder")
    for version in versions(root):
        entry = read_entry(root, version)
        named |= entry.written.keys() | entry.removed
    removed = 0
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name != "_delta_log"]
        for name in files:
            file = Path(folder, name)
            if name.endswith(".parquet") and str(file.relative_to(root)) not in named and file.stat().st_mtime < written_before:
                file.unlink()
                crash_point("upkeep.file_removed")
                removed += 1
    return removed
