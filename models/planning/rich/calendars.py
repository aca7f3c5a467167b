"""Open time of machines, in compiled code. Windows are rows (opens, closes, open time before), `first` to `last` those of one machine."""

from models.planning.compiled import compiled
from models.planning.rich.arrays import CLOSES, FAR, OPEN_BEFORE, OPENS, Ints


@compiled
def window_at(windows: Ints, first: int, last: int, time: int) -> int:
    """Row of the first window that closes after a time, `last` where none does."""
    while first < last:
        middle = (first + last) // 2
        if windows[middle, CLOSES] > time:
            last = middle
        else:
            first = middle + 1
    return first


@compiled
def work_end(windows: Ints, first: int, last: int, start: int, duration: int) -> int:
    """When so much open time since a start is over, FAR where it never is."""
    if duration == 0:
        return start
    row = window_at(windows, first, last, start)
    if row == last:
        return FAR
    left = duration
    begin = max(start, windows[row, OPENS])
    while begin + left > windows[row, CLOSES]:
        left -= windows[row, CLOSES] - begin
        row += 1
        if row == last:
            return FAR
        begin = windows[row, OPENS]
    return int(begin + left)


@compiled
def work_start(windows: Ints, first: int, last: int, earliest: int, duration: int, is_split: int) -> int:
    """Earliest start in open time from which the work can be done, FAR where there is none."""
    row = window_at(windows, first, last, earliest)
    if is_split:
        if row == last:
            return FAR
        start = max(earliest, windows[row, OPENS])
        return start if work_end(windows, first, last, start, duration) < FAR else FAR
    while row < last:
        start = max(earliest, windows[row, OPENS])
        if start + duration <= windows[row, CLOSES]:
            return int(start)
        row += 1
    return FAR


@compiled
def latest_start(windows: Ints, first: int, last: int, end: int, duration: int, is_split: int) -> int:
    """Latest start whose work is over at `end` or before it, counting open time alone where the work is split; below 0 where there is none."""
    if not is_split:
        return end - duration
    row = min(window_at(windows, first, last, end - 1), last - 1)
    left = duration
    while row >= first:
        begin = min(end, windows[row, CLOSES])
        if begin > windows[row, OPENS]:
            if left <= begin - windows[row, OPENS]:
                return int(begin - left)
            left -= begin - windows[row, OPENS]
        row -= 1
    return -1


@compiled
def open_time(windows: Ints, first: int, last: int, time: int) -> int:
    """Open time before a time."""
    row = window_at(windows, first, last, time)
    if row == last:
        return windows[last - 1, OPEN_BEFORE] + windows[last - 1, CLOSES] - windows[last - 1, OPENS] if last > first else 0
    return int(windows[row, OPEN_BEFORE] + max(0, time - windows[row, OPENS]))
