"""The spool as a second reader sees it: what comes after a place, and what was gone before it was read. Nothing is released, nobody waits for it.

Landing takes records away as soon as they are in bronze, sometimes before this reader has seen them: whoever follows reads them there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from factolake.bus.port import Record, StoredRecord
from factolake.bus.spool_bus import Spool
from factolake.domain.clock import Clock
from factolake.errors import LogReplaced

AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a log: everything up to `offset` was seen."""

    log_id: str
    offset: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Offsets `first` to `last` of a log, which are no longer in it."""

    log_id: str
    first: int
    last: int

    @property
    def records(self) -> int:
        """How many."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Page:
    """What came: `holes` before and between `records`, and the place after them; `is_new_log`: the place before was in another log."""

    place: Place
    records: Sequence[StoredRecord]
    holes: tuple[Hole, ...] = ()
    is_new_log: bool = False


class Tail:
    """Follows the spool at `file`. Raises SourceUnavailable until there is one, CommitConflict and TableDamaged."""

    def __init__(self, file: Path, max_bytes: int, clock: Clock) -> None:
        self._file, self._max_bytes, self._clock = file, max_bytes, clock
        self._spool: Spool | None = None

    def end(self) -> Place:
        """The present end of the log."""
        spool = self._opened()
        return Place(spool.log_id, spool.last_offset())

    def after(self, place: Place) -> Page:
        """The next records after `place`, as many as are read at once."""
        try:
            spool = self._opened()
            begins = spool.log_id != place.log_id
            # A log that ends before the place was set back: its offsets begin again, and so do we.
            last = spool.last_offset()
            begins = begins or last < place.offset
            since = 0 if begins else place.offset
            stored = spool.read(since, AT_ONCE)
        except LogReplaced:
            self.close()
            return self.after(place)
        offsets = [since, *(one.offset for one in stored)]
        # What was there before we read and is not among what was read is gone, also after the last of it.
        reached = max(offsets[-1], last) if len(stored) < AT_ONCE else offsets[-1]
        edges = pairwise([*offsets, reached + 1])
        holes = tuple(Hole(spool.log_id, before + 1, offset - 1) for before, offset in edges if offset > before + 1)
        return Page(Place(spool.log_id, reached), stored, holes, begins)

    def append(self, records: Sequence[Record]) -> None:
        """Put `records` into the log. Raises SpoolFull, DiskFull and CommitConflict."""
        self._opened().append(records)

    def close(self) -> None:
        """Let go of the file."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _opened(self) -> Spool:
        if self._spool is None:
            # Opened for reading first: a second reader must not make the log.
            Spool(self._file, self._max_bytes, self._clock, writer=False).close()
            self._spool = Spool(self._file, self._max_bytes, self._clock)
        return self._spool
