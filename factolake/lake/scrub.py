"""Scrub: a data file never changes once it is written, so its SHA-256 is recorded soon after and compared later; a flipped byte is named.

Delta readers do not find it: of single flipped bits half read as other rows without an error (docs/adr/0009). Known limits: a byte that
flips before its file's first record, about a minute, counts as right; one that flips later may be computed with until the next look;
the log and the files of the change feed are not looked at. Files are read in blocks, and no engine is needed.
"""

import errno
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path, PurePosixPath

import structlog

from factolake.contracts import ops
from factolake.contracts.silver_mes import MES_CHANGES
from factolake.contracts.table import Table
from factolake.crash import crash_point
from factolake.errors import FactoLakeError
from factolake.lake.checksums import MISSING, UNREADABLE, Checksums, Known, judged
from factolake.lake.tables import Handle, Lake

EVERY_S = 86_400.0
TURN_BYTES = 64 << 20
"""What one turn reads, 0.05 s of CPU, so that the table's writer does not wait long; at a turn a minute that is 90 GB a day and table."""

_log = structlog.get_logger(__name__)

_OUTLIVE_BRONZE = (ops.RESTATEMENTS, ops.MES_QUARANTINE, MES_CHANGES)
"""Refined tables that keep what bronze no longer has: made again they would be poorer."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One data file that is not as it was written: `name` in the table's `folder`, SHA-256 as `recorded` (None: never read), what was `found`.

    `is_live` is False once a commit has rewritten the file: wrong rows may have gone along.
    """

    table: Table
    folder: Path
    name: str
    recorded: str | None
    found: str
    since: datetime
    is_live: bool = True

    @property
    def cause(self) -> str:
        """What is wrong, in words."""
        if self.found == MISSING:
            wrong = "is missing"
        elif self.found == UNREADABLE:
            wrong = "cannot be read from the disk"
        else:
            wrong = f"is damaged: its SHA-256 was {str(self.recorded)[:12]} and is {self.found[:12]}"
        return f"data file {self.folder / self.name} {wrong}{'' if self.is_live else '; a commit rewrote it since, wrong rows may have gone along'}"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.table.writer.startswith("refine/") and self.table not in _OUTLIVE_BRONZE:
            return f"stop the refinery, delete the folder {self.folder} and start it: the table is made again from bronze"
        what = "this file" if self.is_live else "the table's folder"
        return (
            f"restore {what} from a backup, then run `factolake scrub`, and `factolake recompute --check` for what was computed meanwhile; "
            f"without a backup, deleting {self.folder / '_checksums'} accepts what is there now"
        )


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """How a table's data files stand: how many are known, when the longest unseen one was looked at, and what is damaged.

    The call that returned this recorded `new` files, read `looked_at` (new ones included, `bytes_read` in all) and found the damages `news`.
    """

    files: int
    oldest: datetime | None
    damages: tuple[Damage, ...]
    new: int = 0
    looked_at: int = 0
    bytes_read: int = 0
    news: tuple[Damage, ...] = ()


def scrub(lake: Lake, table: Table, now: datetime, every_s: float = EVERY_S, *, whole: bool = False, turn_bytes: int = TURN_BYTES) -> Scrubbed:
    """Record the new files of `table` and look again at those not looked at for `every_s`: `turn_bytes` of them (a file at least), or the `whole`.

    What is damaged is looked at each time, so that a restored file is seen soon. Any process may call this beside the table's writer.
    Raises TableDamaged when log or record cannot be read, DiskFull, CommitConflict.
    """
    folder, record = Path(lake.path(table)), Checksums(lake.path(table))
    before = known = record.read()
    # Only now the snapshot: what others record from here on is not taken for gone.
    named = set(lake.open(table).files())
    sizes = _sizes(folder, to_look_at(known, named, now, every_s))
    seen: dict[str, str] = {}
    for portion in islice(_portions(sizes, turn_bytes), None if whole else 1):
        found = _still_there(lake, table, _look_at(folder, portion))
        crash_point("scrub.looked")
        known = record.note(found, now)
        seen |= found
    gone = [name for name, file in before.items() if name not in named and not file.found]
    if gone:
        known = record.note({}, now, gone)
    damages = _damages(table, folder, known, named)
    return Scrubbed(
        files=len(known),
        oldest=_oldest(known),
        damages=damages,
        new=len(seen.keys() - before.keys()),
        looked_at=len(seen),
        bytes_read=sum(sizes[name] for name in seen),
        news=_news(damages, before),
    )


def scrub_turn(lake: Lake, table: Table, now: datetime, every_s: float) -> None:
    """A `scrub` between a part's other work: new damage becomes an error line, and so does a scrub that failed, which stops nothing else."""
    try:
        log_damages(scrub(lake, table, now, every_s).news)
    except FactoLakeError as error:
        _log.error("scrub failed", table=table.name, cause=str(error))


def last_scrub(lake: Lake, table: Table) -> Scrubbed | None:
    """How `table` stood when it was last scrubbed, from the record alone; None if it never was. Raises TableDamaged."""
    known = Checksums(lake.path(table)).read()
    if not known:
        return None
    wrong = {name: file for name, file in known.items() if file.found}
    named = set(lake.open(table).files()) if wrong else set()
    return Scrubbed(len(known), _oldest(known), _damages(table, Path(lake.path(table)), wrong, named))


def would_spread(handle: Handle, now: datetime, target_bytes: int) -> bool:
    """Whether a merge to `target_bytes` would carry damage into a new file, which then counts as right: looks at the recorded files it reads."""
    record, folder = Checksums(handle.path), Path(handle.path)
    try:
        known = record.read()
    except FactoLakeError as error:
        _log.error("no checksums to compare before a merge", table=handle.table.name, cause=str(error))
        return False
    inputs = [name for name in mergeable(_sizes(folder, handle.files()), target_bytes) if name in known] if known else []
    found = _look_at(folder, inputs)
    news = {name: seen for name, seen in found.items() if seen != known[name].sha256 or known[name].found}
    if news:
        with suppress(FactoLakeError):  # what cannot be noted now is found again by the next turn of the scrub
            record.note(news, now)
    damages = _damages(handle.table, folder, {name: judged(known[name], seen, now) for name, seen in news.items()}, news)
    log_damages(_news(damages, known))
    return bool(damages)


def log_damages(damages: Iterable[Damage]) -> None:
    """An error line for each of `damages`."""
    for damage in damages:
        _log.error("data file damaged", table=damage.table.name, cause=damage.cause, remedy=damage.remedy)


def to_look_at(known: Mapping[str, Known], named: set[str], now: datetime, every_s: float) -> list[str]:
    """Which of the `named` files are to be read, in this order: those without a record, then what is due, the longest unseen first.

    A damaged file is always due; so is one looked at in the future, which a wrong clock leaves behind.
    """
    since = now - timedelta(seconds=every_s)
    due = [(file.looked_at, name) for name, file in known.items() if name in named and (file.found or not since < file.looked_at <= now)]
    return [*sorted(named - known.keys()), *(name for _, name in sorted(due))]


def mergeable(sizes: Mapping[str, int], target_bytes: int) -> list[str]:
    """Names of the files a merge to `target_bytes` may rewrite: all small ones of each folder whose two smallest fit together.

    >>> mergeable({"day=1/a": 9, "day=1/b": 8, "day=2/c": 9, "day=2/d": 1, "day=2/e": 12}, 10)
    ['day=2/c', 'day=2/d']
    """
    folders = defaultdict(list)
    for name, size in sizes.items():
        if size <= target_bytes:
            folders[PurePosixPath(name).parent].append(name)
    return [name for names in folders.values() if len(names) > 1 and sum(sorted(sizes[n] for n in names)[:2]) <= target_bytes for name in names]


def look(file: Path) -> str | None:
    """SHA-256 of `file` in hex, read in blocks; MISSING or UNREADABLE where there is none, None when this process can open no more files."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return None if error.errno in (errno.EMFILE, errno.ENFILE) else UNREADABLE


def _look_at(folder: Path, names: Iterable[str]) -> dict[str, str]:
    looks = ((name, look(folder / name)) for name in names)
    return {name: found for name, found in looks if found is not None}


def _sizes(folder: Path, names: Iterable[str]) -> dict[str, int]:
    return {name: _size(folder / name) for name in names}


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _portions(sizes: Mapping[str, int], at_most: int) -> Iterator[list[str]]:
    """`sizes` in runs of `at_most` bytes, or of one larger file."""
    portion: list[str] = []
    held = 0
    for name, size in sizes.items():
        if portion and held + size > at_most:
            yield portion
            portion, held = [], 0
        portion.append(name)
        held += size
    if portion:
        yield portion


def _still_there(lake: Lake, table: Table, found: dict[str, str]) -> dict[str, str]:
    """`found` without the missing files that the newest snapshot does not name any more: upkeep deleted them meanwhile."""
    if MISSING not in found.values():
        return found
    named = set(lake.open(table).files())
    return {name: seen for name, seen in found.items() if seen != MISSING or name in named}


def _damages(table: Table, folder: Path, known: Mapping[str, Known], named: Iterable[str]) -> tuple[Damage, ...]:
    live = set(named)
    return tuple(
        Damage(table, folder, name, file.sha256, file.found, file.since or file.looked_at, name in live)
        for name, file in sorted(known.items())
        if file.found
    )


def _oldest(known: Mapping[str, Known]) -> datetime | None:
    return min((file.looked_at for file in known.values() if not file.found), default=None)


def _news(damages: Iterable[Damage], before: Mapping[str, Known]) -> tuple[Damage, ...]:
    return tuple(damage for damage in damages if damage.name not in before or not before[damage.name].found)
