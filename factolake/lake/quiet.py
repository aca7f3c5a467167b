"""Versions of a table in which no row changed, as far as its change feed was read: landing commits every second, and most commits hold no event."""

import pyarrow as pa
import pyarrow.compute as pc


class Quiet:
    """One stretch of such versions: the newest that is known.

    >>> quiet = Quiet()
    >>> quiet.learn(4, 9, pa.array([5, 4]))
    >>> quiet.learn(10, 12, pa.array([], pa.int64()))
    >>> quiet.after(5), quiet.after(6), quiet.after(11), quiet.after(13)
    (5, 13, 13, 13)
    """

    def __init__(self) -> None:
        self._first, self._last = 0, -1

    def after(self, version: int) -> int:
        """The first version from `version` on in which a row may have changed."""
        return self._last + 1 if self._first <= version <= self._last else version

    def learn(self, first: int, last: int, changed: pa.ChunkedArray | pa.Array) -> None:
        """The feed of first..last was read, and rows changed in the versions `changed`."""
        begin = pc.max(changed).as_py() + 1 if len(changed) else first
        if begin <= last:
            adjoins = self._first <= begin <= self._last + 1 and self._first <= self._last
            self._first, self._last = (self._first, max(self._last, last)) if adjoins else (begin, last)
