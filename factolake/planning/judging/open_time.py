"""A calendar of windows to ask: how long it is open between two times, and when so much open time has gone by."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from factolake.domain.job import Window


class OpenTime:
    """Windows (sorted, apart; None: always open) with the open time before each of them added up once; every question costs a binary search."""

    __slots__ = ("_before", "_opens", "_windows")

    def __init__(self, windows: tuple[Window, ...] | None) -> None:
        self._windows = windows
        self._opens = [opens for opens, _ in windows or ()]
        self._before = [0, *accumulate(closes - opens for opens, closes in windows or ())]

    def window_at(self, time: int) -> Window | None:
        """The window that `time` lies in, None where it is closed. Always open counts as one window without bounds: from `time` to far beyond."""
        if self._windows is None:
            return (time, FAR)
        number = bisect_right(self._opens, time) - 1
        return self._windows[number] if number >= 0 and time < self._windows[number][1] else None

    def until(self, time: int) -> int:
        """Open time from 0 to `time`."""
        if self._windows is None:
            return time
        number = bisect_right(self._opens, time) - 1
        if number < 0:
            return 0
        opens, closes = self._windows[number]
        return self._before[number] + min(time, closes) - opens

    def between(self, start: int, end: int) -> int:
        """Open time from `start` to `end`."""
        return self.until(end) - self.until(start)

    def end_of(self, start: int, duration: int) -> int | None:
        """The earliest time at which `duration` of open time has gone by since `start`; None where the windows do not hold that much."""
        if self._windows is None or not duration:
            return start + duration
        spent = self.until(start) + duration
        if spent > self._before[-1]:
            return None
        # The first window by whose end enough has gone by: its work ends inside it, or exactly at its end.
        number = bisect_right(self._before, spent - 1) - 1
        return self._opens[number] + spent - self._before[number]

    def pieces(self, start: int, end: int) -> Iterator[Window]:
        """The open parts of `start` to `end`, in their order."""
        if self._windows is None:
            if start < end:
                yield (start, end)
            return
        for number in range(max(bisect_right(self._opens, start) - 1, 0), len(self._windows)):
            opens, closes = self._windows[number]
            if opens >= end:
                return
            if closes > start:
                yield (max(opens, start), min(closes, end))


FAR = 1 << 62
"""Later than any time of a plan."""
