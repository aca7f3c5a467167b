"""What a log is to those who write and read it. Drivers: `spool_bus` (embedded SQLite). Records are opaque here; `codec` knows their insides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

READINGS_SCHEMA = "readings/1"
EVENTS_SCHEMA = "events/1"


@dataclass(frozen=True, slots=True)
class Record:
    """One packed message.

    `headers` always carries `schema`, `source_id`, `epoch`, `seq` and `count` (values inside) as text.
    """

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with its place in the log (offsets start at 1 and only grow)."""

    offset: int
    record: Record


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits in a log: records, bytes and the age in seconds of the oldest (0 when empty)."""

    records: int
    bytes: int
    oldest_age_s: float


class LogWriter(Protocol):
    """Where a connector puts its records."""

    def append(self, records: Sequence[Record]) -> int:
        """Store all of `records` or none; returns the last offset, after it is safe on disk.

        Raises SpoolFull when the size limit is reached and DiskFull when the disk is.
        """
        ...


class LogReader(Protocol):
    """Where landing gets records from."""

    @property
    def log_id(self) -> str:
        """Identity of this very log: another file or a re-created topic has another."""
        ...

    def first_offset(self) -> int:
        """The oldest offset still stored, or last + 1 when empty."""
        ...

    def last_offset(self) -> int:
        """The newest offset ever given out; 0 for a log that never held anything."""
        ...

    def read(self, after: int, max_records: int) -> list[StoredRecord]:
        """Records with offset > `after`, in order, at most `max_records`."""
        ...

    def release(self, through: int) -> None:
        """Forget records up to and including `through`; only once they are safe in the lake."""
        ...

    def depth(self) -> Depth:
        """How much waits."""
        ...
