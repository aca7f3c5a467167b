"""Readings of one machine into minutes as they end, by the windows of `factolake/features/stream.py`, which have the same bits as the lake's.

Here is what a stream needs besides: samples that a new session of a source sends once more count once, as in silver; what is far too late is left
out before it costs anything; and a machine whose readings come late (a source that plays its past) is waited for as long.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from factolake.domain.signals import Signal
from factolake.features.stream import ClosedWindow, MachineWindows, Reading, StreamState
from pipelines.watching.mapping import QUALITIES, Floats, Ints, Mapped


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a machine that is over: the mean of each of its signals (NaN: none), how long it ran, and the one product it had throughout."""

    window_us: int
    running_s: float
    product: str | None
    means: Floats


@dataclass(frozen=True, slots=True)
class Pace:
    """The stamp of a machine's newest reading (0: none yet), and how long after it the reading came."""

    newest_us: int = 0
    lag_us: int = 0


UNSEEN = Pace()


class Minutes:
    """The minutes of one machine: `names` are its process and setpoint signals, `words` its state map; goes on from `at` and `pace`."""

    def __init__(self, names: tuple[str, ...], words: Mapping[str, str], at: StreamState | None = None, pace: Pace = UNSEEN) -> None:
        self.names = names
        self._columns = {name: column for column, name in enumerate(names)}
        self._windows, self.pace, self._late = MachineWindows(dict(words), at=at), pace, 0
        self._remember()

    @property
    def late(self) -> int:
        """Readings that came when their minute was over."""
        return self._late + self._windows.late

    def snapshot(self) -> StreamState:
        """What has to be kept over a restart, beside `pace`."""
        return self._windows.snapshot()

    @property
    def floor_us(self) -> int:
        """Readings stamped before this change nothing any more: their minute is over, and a later state and product are known."""
        at = self._windows.snapshot()
        return min(at.closed_us, *(0 if word is None else word.ts_us for word in (at.state, at.product)))

    def take(self, readings: Mapped, signals: tuple[Signal, ...]) -> list[Minute]:
        """Readings of this machine, whose places are in `signals`; the minutes that they end, in order."""
        if not len(readings.places):
            return []
        newest = int(np.argmax(readings.ts_us))
        if readings.ts_us[newest] > self.pace.newest_us:
            stamp_us = int(readings.ts_us[newest])
            self.pace = Pace(stamp_us, max(0, int(readings.gateway_us[newest]) - stamp_us))
        # A backfill is left out at once; a word that is late may still be the newest that is known.
        kept = np.flatnonzero(np.isnan(readings.values) | (readings.ts_us >= self.snapshot().closed_us))
        self._late += len(readings.places) - len(kept)
        fresh = [one for one in (_reading(readings, row, signals) for row in _in_time(readings, kept).tolist()) if self._is_first(one)]
        return self._ended(self._windows.take(fresh))

    def passed(self, now_us: int) -> list[Minute]:
        """The minutes that end because the clock came to `now_us`; of a machine that was never heard of, none."""
        return self._ended(self._windows.passed(now_us - self.pace.lag_us)) if self.pace.newest_us else []

    def _is_first(self, reading: Reading) -> bool:
        if not reading.is_value:
            return True
        message, sample = _message(reading), _sample(reading)
        if message in self._messages or self._sessions.setdefault(sample, reading.epoch) != reading.epoch:
            return False
        self._messages.add(message)
        return True

    def _remember(self) -> None:
        """Messages that wait, and of each sample the session that first sent it."""
        waiting = [one for one in self.snapshot().waiting if one.is_value]
        self._messages = {_message(one) for one in waiting}
        self._sessions = {_sample(one): one.epoch for one in waiting}

    def _ended(self, closed: list[ClosedWindow]) -> list[Minute]:
        if closed:
            self._remember()
        return [self._minute(window) for window in closed]

    def _minute(self, window: ClosedWindow) -> Minute:
        means = np.full(len(self.names), np.nan)
        for number, mean in zip(window.signals.signal.tolist(), window.signals.mean.tolist(), strict=True):
            means[self._columns[window.signals.names[number]]] = mean
        return Minute(window.window_us, window.running_s, window.product, means)


def _in_time(readings: Mapped, rows: Ints) -> Ints:
    """`rows` by their stamps within each message: one that brings minutes of many signals has them signal by signal."""
    ends = (np.diff(readings.epoch[rows]) != 0) | (np.diff(readings.seq[rows]) != 0)
    message = np.concatenate(([0], np.cumsum(ends)))[: len(rows)]
    return rows[np.lexsort((readings.ts_us[rows], message))]


def _message(reading: Reading) -> tuple[str, int, int, int]:
    return (reading.signal, reading.epoch, reading.seq, reading.idx)


def _sample(reading: Reading) -> tuple[str, int, float | None]:
    return (reading.signal, reading.ts_us, reading.value)


def _reading(readings: Mapped, row: int, signals: tuple[Signal, ...]) -> Reading:
    signal, value = signals[int(readings.places[row])], float(readings.values[row])
    key = (int(readings.epoch[row]), int(readings.seq[row]), int(readings.idx[row]))
    quality = QUALITIES[int(readings.quality[row])]
    return Reading(signal.kind, signal.name, int(readings.ts_us[row]), *key, quality, None if value != value else value, readings.texts[row])
