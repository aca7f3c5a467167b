"""Open time of windows (sorted, apart; None: always open), asked one time after another: enough for the small programmes here."""

from collections.abc import Iterator

from factolake.domain.job import Window


def pieces(windows: tuple[Window, ...] | None, start: int, end: int) -> Iterator[Window]:
    """The open parts of `start` to `end`, in their order."""
    for opens, closes in ((start, end),) if windows is None else windows:
        if max(opens, start) < min(closes, end):
            yield max(opens, start), min(closes, end)


def until(windows: tuple[Window, ...] | None, time: int) -> int:
    """Open time from 0 to `time`."""
    return time if windows is None else sum(min(closes, time) - opens for opens, closes in windows if opens < time)


def end_of(windows: tuple[Window, ...] | None, start: int, duration: int) -> int | None:
    """The earliest end of `duration` of open time from `start` on; None where there is not as much."""
    if windows is None or not duration:
        return start + duration
    left = duration
    for opens, closes in windows:
        if closes > start:
            here = closes - max(opens, start)
            if left <= here:
                return max(opens, start) + left
            left -= here
    return None


def is_open(windows: tuple[Window, ...] | None, time: int) -> bool:
    """Whether `time` lies in a window."""
    return windows is None or any(opens <= time < closes for opens, closes in windows)


def covers(windows: tuple[Window, ...] | None, start: int, end: int) -> bool:
    """Whether all of `start` to `end` is open."""
    return until(windows, end) - until(windows, start) == end - start
