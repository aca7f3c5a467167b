"""The scrub as commands see it: every table of the lake looked at now, and what `doctor` says of the looks before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from factolake.config import Settings
from factolake.contracts import TABLES
from factolake.domain.clock import Clock
from factolake.errors import FactoLakeError, TableDamaged
from factolake.lake.scrub import Damage, Scrubbed, last_scrub, scrub
from factolake.lake.tables import Lake
from pipelines.doctor import Finding, span

NAMED_FILES = 5
"""Damaged files of one table that `doctor` names; a dying disk has thousands, and `factolake scrub` names them all."""

LATE_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class TableScrub:
    """What came of one table: `scrubbed`, or in words why it could not be looked at."""

    table: str
    scrubbed: Scrubbed | None
    error: str | None = None

    @property
    def is_damaged(self) -> bool:
        """Whether something has to be done about the table."""
        return self.scrubbed is None or bool(self.scrubbed.damages)

    def row(self) -> dict[str, object]:
        """One line of the table printed; JSON has the same."""
        done = self.scrubbed or Scrubbed(0, None, ())
        mib = round(done.bytes_read / 1024**2, 1)
        damaged = len(done.damages) if self.scrubbed else None
        return {"table": self.table, "files": done.looked_at, "new": done.new, "mib": mib, "damaged": damaged}

    def damages(self) -> list[dict[str, object]]:
        """One document a damaged file; one without a file when the table itself cannot be read."""
        if self.scrubbed is None:
            return [{"table": self.table, "file": None, "cause": self.error}]
        return [document(damage) for damage in self.scrubbed.damages]


def scrub_all(settings: Settings, clock: Clock, progress: Callable[[str], None] = lambda _: None) -> list[TableScrub]:
    """Look at every data file of every table now, whether due or not; one damaged table hides no other. Raises DiskFull, CommitConflict."""
    lake = Lake(settings.lake_root)
    done = []
    for table in TABLES.values():
        if not lake.exists(table):
            continue
        progress(f"reading {table.name}")
        try:
            done.append(TableScrub(table.name, scrub(lake, table, clock.now(), every_s=0, whole=True)))
        except TableDamaged as error:
            done.append(TableScrub(table.name, None, str(error)))
    return done


def document(damage: Damage) -> dict[str, object]:
    """A damage as plain data."""
    return {
        "table": damage.table.name,
        "file": str(damage.folder / damage.name),
        "recorded": damage.recorded,
        "found": damage.found,
        "since": damage.since,
        "cause": damage.cause,
        "remedy": damage.remedy,
    }


def scrub_findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    """What the records say: each damaged file, and whether the whole lake was looked at of late. Reads no data file."""
    lake = Lake(settings.lake_root)
    files, oldest = 0, now
    for table in TABLES.values():
        try:
            last = last_scrub(lake, table)
        except FactoLakeError as error:
            yield Finding("table", table.name, "degraded", None, str(error))
            continue
        if last is not None:
            files, oldest = files + last.files, min(oldest, last.oldest or now)
            yield from _damaged(table.name, last)
    if files:
        age_s = (now - oldest).total_seconds()
        late = age_s > LATE_FACTOR * settings.landing.scrub_every_s
        cause = f"{files} data files, each compared with its checksum within {span(age_s)}{'; run `factolake scrub`' if late else ''}"
        yield Finding("disk", "scrub", "degraded" if late else "healthy", oldest, cause)


def _damaged(name: str, last: Scrubbed) -> Iterator[Finding]:
    for damage in last.damages[:NAMED_FILES]:
        yield Finding("table", name, "down", damage.since, f"{damage.cause}; {damage.remedy}")
    more = len(last.damages) - NAMED_FILES
    if more > 0:
        yield Finding("table", name, "down", None, f"{more} more data files are damaged; `factolake scrub` names them")
