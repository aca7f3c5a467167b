"""Durability: delta-rs writes files and log entries but never calls fsync; here they are forced to disk, checked after a power cut, and repaired.

Per table the file `_durable` remembers the last version known to be on disk. A later version may be dropped, because the spool still
holds its rows (or a refinement makes them again); an earlier one may not. Whoever had read a dropped version must not take the next one
of that number for it: the file `_history` names the history that counts.
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from factolake.errors import DiskFull, TableDamaged
from factolake.files import sync_to_disk

TAIL = 20
MARKER = "_durable"
HISTORY = "_history"
_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one log entry says about files, relative to the table: added with sizes, change files with sizes, removed."""

    version: int
    added: dict[str, int]
    changes: dict[str, int]
    removed: frozenset[str]

    @property
    def written(self) -> dict[str, int]:
        """Every file this commit wrote, with its size."""
        return {**self.added, **self.changes}


def make_durable(table_path: str | Path, version: int) -> None:
    """Force every commit up to `version` that is not known to be on disk onto it: data and change files, log entries, their folders.

    Raises TableDamaged when a file named by the log is missing, DiskFull.
    """
    root = Path(table_path)
    since = durable_version(root)
    if since is not None and since >= version:
        return
    log = root / "_delta_log"
    unsafe = [v for v in versions(root) if v <= version] if since is None else range(since + 1, version + 1)
    entries = [read_entry(root, v) for v in unsafe]
    files = {root / name for entry in entries for name in entry.written}
    for file in sorted(files):
        _fsync(file)
    for folder in sorted({parent for file in files for parent in _folders(file, root)} | {root}):
        _fsync(folder)
    for entry in entries:
        _fsync(entry_file(root, entry.version))
    _fsync(log)
    _note(root / MARKER, str(version))


def sync_checkpoint(table_path: str | Path, version: int) -> None:
    """Force the checkpoint of `version` to disk, so that log entries below it may go. Raises TableDamaged when it is not there."""
    log = Path(table_path) / "_delta_log"
    for name in (f"{version:020d}.checkpoint.parquet", "_last_checkpoint"):
        _fsync(log / name)
    _fsync(log)


def durable_version(table_path: str | Path) -> int | None:
    """The last version known to be on disk; None if none is (or the note of it was itself lost, which is safe)."""
    try:
        return int((Path(table_path) / MARKER).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def history(table_path: str | Path) -> str:
    """The name of the table's present history, "" for its first: versions of two histories have nothing in common but the number."""
    try:
        return (Path(table_path) / HISTORY).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def begin_history(table_path: str | Path) -> None:
    """Give the table's history a new name, on disk before this returns; called when versions that someone may have read are gone. Raises DiskFull."""
    marker = Path(table_path) / HISTORY
    fresh = marker.with_name(f"{HISTORY}.new")
    _note(fresh, uuid4().hex[:8])
    _fsync(fresh)
    fresh.replace(marker)
    _fsync(marker.parent)


def _note(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="ascii")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskFull(f"{file}: the disk under the lake is full; free space there, then it goes on") from error


def verify_tail(table_path: str | Path, last: int = TAIL) -> None:
    """Check the newest `last` commits: entries there and readable, the files they name there, whole and of the size said.

    Files of commits not known to be on disk are read through. Raises TableDamaged naming file and repair.
    """
    for checkpoint in _torn_checkpoints(Path(table_path)):
        raise TableDamaged(f"checkpoint {checkpoint} cannot be read; stop all parts and start landing again, which drops it")
    damage = _first_damage(Path(table_path), last)
    if damage is not None:
        raise TableDamaged(f"{damage[1]}; stop all parts and start landing again, which drops commit {damage[0]} if its rows can be made again")


def repair_tail(table_path: str | Path, last: int = TAIL) -> list[int]:
    """Drop the first damaged commit of the tail and those after it, and return their versions; nothing when the tail is whole.

    Raises TableDamaged, without touching anything, when the damaged commit was once known to be on disk: its rows may exist nowhere else.
    """
    root = Path(table_path)
    for checkpoint in _torn_checkpoints(root):
        # Written at the moment of the cut: the entries it stands for are all still there, for they go only once it is on disk.
        if not _is_rebuilt_without(root, checkpoint):
            raise TableDamaged(f"checkpoint {checkpoint} cannot be read and the entries below it are gone; restore the table's folder from a backup")
        checkpoint.unlink()
        (root / "_delta_log" / "_last_checkpoint").unlink(missing_ok=True)
    damage = _first_damage(root, last)
    if damage is None:
        return []
    since = durable_version(root)
    if since is not None and damage[0] <= since:
        raise TableDamaged(
            f"{damage[1]}; commit {damage[0]} was safe on disk before (through {since}), so this is no power cut: "
            "check the disk and restore the table's folder from a backup"
        )
    if damage[0] == 0:
        raise TableDamaged(f"{damage[1]}; the table was never whole: move {root} away, it is created again")
    dropped = [version for version in versions(root) if version >= damage[0]]
    begin_history(root)
    for checkpoint in (root / "_delta_log").glob("*.checkpoint*.parquet"):
        if int(checkpoint.name.split(".")[0]) >= damage[0]:
            checkpoint.unlink()
            (root / "_delta_log" / "_last_checkpoint").unlink(missing_ok=True)
    for version in reversed(dropped):
        entry_file(root, version).unlink()
    _fsync(root / "_delta_log")
    return dropped


def versions(table_path: str | Path) -> list[int]:
    """Versions whose log entry is still there, ascending."""
    return sorted(int(entry.name[:20]) for entry in os.scandir(Path(table_path) / "_delta_log") if _is_entry(entry.name))


def entry_file(table_path: str | Path, version: int) -> Path:
    """The log entry of `version`."""
    return Path(table_path) / "_delta_log" / f"{version:020d}.json"


def read_entry(table_path: str | Path, version: int) -> Entry:
    """The log entry of `version`. Raises TableDamaged naming the file when it cannot be read."""
    file = entry_file(table_path, version)
    try:
        actions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        if not actions:
            raise ValueError("it is empty")
        added = {unquote(a["add"]["path"]): int(a["add"]["size"]) for a in actions if "add" in a}
        changes = {unquote(a["cdc"]["path"]): int(a["cdc"]["size"]) for a in actions if "cdc" in a}
        removed = frozenset(unquote(a["remove"]["path"]) for a in actions if "remove" in a)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TableDamaged(f"log entry {file} cannot be read: {error}") from error
    return Entry(version, added, changes, removed)


def _is_entry(name: str) -> bool:
    return len(name) == 25 and name.endswith(".json") and name[:20].isdigit()


def _first_damage(root: Path, last: int) -> tuple[int, str] | None:
    known = versions(root)
    if not known:
        raise TableDamaged(f"{root} has no log entries; move the folder away, the table is created again")
    tail, since = known[-last:], durable_version(root)
    for before, after in pairwise(tail):
        if after != before + 1:
            return before + 1, f"log entry {entry_file(root, before + 1)} is missing"
    entries: list[Entry] = []
    for version in tail:
        try:
            entries.append(read_entry(root, version))
        except TableDamaged as error:
            return version, str(error)
    gone = {name for entry in entries for name in entry.removed}
    return next(_damages(root, entries, gone, since), None)


def _torn_checkpoints(root: Path) -> list[Path]:
    newest = sorted((root / "_delta_log").glob("*.checkpoint.parquet"))[-2:]
    return [file for file in newest if _fault(file, file.stat().st_size, through=True)]


def _is_rebuilt_without(root: Path, checkpoint: Path) -> bool:
    known = versions(root)
    older = [int(f.name[:20]) for f in (root / "_delta_log").glob("*.checkpoint.parquet") if f.name < checkpoint.name]
    return bool(known) and (known[0] == 0 or any(version >= known[0] for version in older))


def _damages(root: Path, entries: Iterable[Entry], gone: set[str], since: int | None) -> Iterator[tuple[int, str]]:
    for entry in entries:
        through = since is None or entry.version > since
        for name, size in entry.written.items():
            fault = _fault(root / name, size, through)
            # Upkeep may have deleted a file that a later commit of the tail removed from the table.
            if fault and not (name in gone and not (root / name).exists()):
                yield entry.version, fault


def _fault(file: Path, size: int, through: bool) -> str | None:
    try:
        found = file.stat().st_size
        if found != size:
            return f"data file {file} has {found} bytes where the log says {size}"
        with file.open("rb") as opened:
            head = opened.read(4)
            opened.seek(-4, os.SEEK_END)
            if head != _MAGIC or opened.read(4) != _MAGIC:
                return f"data file {file} is no Parquet file any more"
        if through:
            pq.ParquetFile(file).read()
    except FileNotFoundError:
        return f"data file {file} is missing"
    except (OSError, pa.ArrowException) as error:
        return f"data file {file} cannot be read: {error}"
    return None


def _folders(file: Path, root: Path) -> Iterator[Path]:
    for parent in file.parents:
        yield parent
        if parent == root:
            return


def _fsync(path: Path) -> None:
    try:
        sync_to_disk(path)
    except FileNotFoundError as error:
        raise TableDamaged(f"{path} is missing though the log names it; run `factolake doctor`") from error
