"""A log in memory: the port without a disk."""

import threading
import uuid
from collections.abc import Sequence

from factolake.bus.port import Depth, Record, StoredRecord
from factolake.errors import SpoolFull


class MemoryLog:
    """LogWriter and LogReader on a list; `max_bytes` as in the spool and may be changed while in use."""

    def __init__(self, max_bytes: int = 1 << 40) -> None:
        self.max_bytes = max_bytes
        self._log_id = str(uuid.uuid4())
        self._lock = threading.Lock()
        self._records: list[StoredRecord] = []
        self._last = 0

    @property
    def log_id(self) -> str:
        """Made with the object."""
        return self._log_id

    def append(self, records: Sequence[Record]) -> int:
        """Store all of `records` or none. Raises SpoolFull."""
        with self._lock:
            held, size = self._bytes(), sum(len(record.value) for record in records)
            if held + size > self.max_bytes:
                raise SpoolFull(f"the memory log holds {held} bytes and {size} more pass its limit of {self.max_bytes}; release records or raise it")
            for record in records:
                self._last += 1
                self._records.append(StoredRecord(self._last, record))
            return self._last

    def first_offset(self) -> int:
        """The oldest offset still stored, or last + 1 when empty."""
        with self._lock:
            return self._records[0].offset if self._records else self._last + 1

    def last_offset(self) -> int:
        """The newest offset ever given out."""
        return self._last

    def read(self, after: int, max_records: int) -> list[StoredRecord]:
        """Records with offset > `after`, in order, at most `max_records`."""
        with self._lock:
            return [stored for stored in self._records if stored.offset > after][:max_records]

    def release(self, through: int) -> None:
        """Forget records up to and including `through`."""
        with self._lock:
            self._records = [stored for stored in self._records if stored.offset > through]

    def depth(self) -> Depth:
        """How much waits; the age is always 0, the log has no clock."""
        with self._lock:
            return Depth(len(self._records), self._bytes(), 0.0)

    def _bytes(self) -> int:
        return sum(len(stored.record.value) for stored in self._records)
