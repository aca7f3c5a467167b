"""Windows of a stream: readings of one machine as they come, windows as they close.

A closed window has the bits of the batch functions over every reading that had come by then, however the stream was cut. It closes when the grace
after its end is over: by a reading of the machine, of any kind, or by the clock. Values that come later are counted and not used; a state or
product that comes later counts from the next window on. Which readings are good, in which unit and of what time is as in silver.readings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from factolake.domain.signals import FEATURED, SignalKind
from factolake.features.regimes import Held, is_running, regimes
from factolake.features.windows import US_PER_S, WINDOW_US, Numbers, Values, Windows, window_features

GRACE_S = 2.0
"""How long after its end a window waits: a gateway sends once a second, and a record may be a second on its way."""
_NEVER_US = -(2**62)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a machine as silver.readings has it; `text` is the word of a state or a product (empty: none)."""

    kind: SignalKind
    signal: str
    ts_us: int
    epoch: int
    seq: int
    idx: int
    quality: str
    value: float | None = None
    text: str | None = None

    @property
    def order(self) -> tuple[int, int, int, int]:
        """What readings are sorted by."""
        return (self.ts_us, self.epoch, self.seq, self.idx)

    @property
    def is_value(self) -> bool:
        """Whether it counts in a window."""
        return self.kind in FEATURED and self.quality == "good" and self.value is not None

    @property
    def is_told(self) -> bool:
        """Whether it says what the machine does or makes: a bad status makes a state unknown, and says nothing of a product."""
        return self.kind is SignalKind.STATE or (self.kind is SignalKind.PRODUCT and self.quality != "bad")


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """One minute of a machine: a row a signal that had a value, and what it did."""

    window_us: int
    signals: Windows
    running_s: float
    product: str | None


@dataclass(frozen=True, slots=True)
class StreamState:
    """Where the windows of a machine stand: up to when they are closed, what is still to close, and what holds before it."""

    closed_us: int = _NEVER_US
    late: int = 0
    waiting: tuple[Reading, ...] = ()
    state: Reading | None = None
    product: Reading | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; floats keep their bits."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        state, product = (None if data[name] is None else _reading(data[name]) for name in ("state", "product"))
        return cls(data["closed_us"], data["late"], tuple(_reading(row) for row in data["waiting"]), state, product)


class MachineWindows:
    """The windows of one machine, whose own words `words` are its state map; goes on from `at`."""

    def __init__(self, words: Mapping[str, str], grace_s: float = GRACE_S, at: StreamState | None = None) -> None:
        if not grace_s >= 0:
            raise ValueError(f"grace_s must be >= 0, got {grace_s}")
        self._words, self._grace_us = words, round(grace_s * US_PER_S)
        self._at = at or StreamState()
        self._waiting = list(self._at.waiting)

    @property
    def late(self) -> int:
        """Values, states and products that came when their window was closed."""
        return self._at.late

    def snapshot(self) -> StreamState:
        """Where it stands, as a value that later readings do not change."""
        return replace(self._at, waiting=tuple(self._waiting))

    def take(self, readings: Iterable[Reading]) -> list[ClosedWindow]:
        """The windows that `readings` close, in order; one reading after the other, so that no cut of the stream makes another late."""
        closed: list[ClosedWindow] = []
        for reading in readings:
            if reading.is_value or reading.is_told:
                self._add(reading)
            closed += self.passed(reading.ts_us)
        return closed

    def passed(self, now_us: int) -> list[ClosedWindow]:
        """The windows that close because `now_us` has come, by the clock that stamps the machine's readings."""
        until_us = (now_us - self._grace_us) // WINDOW_US * WINDOW_US
        if until_us <= self._at.closed_us:
            return []
        ready = sorted((one for one in self._waiting if one.ts_us < until_us), key=lambda one: one.order)
        self._waiting = [one for one in self._waiting if one.ts_us >= until_us]
        closed = _closed(ready, self._at, self._words)
        self._at = replace(self._at, closed_us=until_us)
        for told in (one for one in ready if one.is_told):
            self._hold(told)
        return closed

    def _add(self, reading: Reading) -> None:
        if reading.ts_us >= self._at.closed_us:
            self._waiting.append(reading)
            return
        self._at = replace(self._at, late=self._at.late + 1)
        if reading.is_told:
            self._hold(reading)

    def _hold(self, told: Reading) -> None:
        """Keep what holds before the next window to close: of all that was told, the last in time."""
        held = self._at.state if told.kind is SignalKind.STATE else self._at.product
        if held is None or held.order <= told.order:
            self._at = replace(self._at, state=told) if told.kind is SignalKind.STATE else replace(self._at, product=told)


def values_of(readings: Sequence[Reading]) -> Values:
    """The values among `readings`, which are in order."""
    rows = [one for one in readings if one.is_value]
    names = tuple(sorted({one.signal for one in rows}))
    number = {name: place for place, name in enumerate(names)}
    signal = np.array([number[one.signal] for one in rows], dtype=np.int64)
    return Values(names, signal, _stamps(rows), np.array([one.value for one in rows], dtype=np.float64))


def running_of(readings: Sequence[Reading], before: Reading | None, words: Mapping[str, str]) -> Held[bool]:
    """Whether the machine ran, by the states among `readings`, which are in order, and the one before them."""
    told = [one for one in readings if one.kind is SignalKind.STATE]
    return Held(before is not None and _runs(before, words), _stamps(told), [_runs(one, words) for one in told])


def product_of(readings: Sequence[Reading], before: Reading | None) -> Held[str | None]:
    """What the machine made, by the products among `readings`, which are in order, and the one before them."""
    told = [one for one in readings if one.kind is SignalKind.PRODUCT and one.is_told]
    return Held(None if before is None else before.text or None, _stamps(told), [one.text or None for one in told])


def _closed(ready: Sequence[Reading], at: StreamState, words: Mapping[str, str]) -> list[ClosedWindow]:
    signals = window_features(values_of(ready))
    window_us, begins = np.unique(signals.window_us, return_index=True)
    done = regimes(window_us, running_of(ready, at.state, words), product_of(ready, at.product))
    ends = [*begins[1:].tolist(), len(signals)][: len(begins)]
    cuts = zip(window_us.tolist(), begins.tolist(), ends, done.running_s.tolist(), done.product, strict=True)
    return [ClosedWindow(window, signals.rows(first, last), running_s, product) for window, first, last, running_s, product in cuts]


def _runs(state: Reading, words: Mapping[str, str]) -> bool:
    return state.quality != "bad" and is_running(words, state.text or "")


def _stamps(readings: Sequence[Reading]) -> Numbers:
    return np.array([one.ts_us for one in readings], dtype=np.int64)


def _reading(row: dict[str, Any]) -> Reading:
    return Reading(**(row | {"kind": SignalKind(row["kind"])}))
