"""Minutes of a machine's signals as numbers: one kernel for the lake's blocks, for a stream and for a notebook.

A window is a UTC minute of event time and uses only readings before its end. Sums run reading by reading, in the order of the readings, so that
a window made alone, in its hour or from a stream has the same bits. What the machine did in a window is in `regimes.py`, cycles in `cycles.py`,
windows of a stream that come to an end in `stream.py`; nothing here reads a table.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Places = NDArray[np.intp]
Number = TypeVar("Number", np.int64, np.float64)

WINDOW_S = 60
US_PER_S = 1_000_000
WINDOW_US = WINDOW_S * US_PER_S


@dataclass(frozen=True, slots=True)
class Values:
    """Good values of one machine's process and setpoint signals, in order of (ts, epoch, seq, idx).

    `names` are its signals, `signal` the number in `names` of each value; `ts_us` is event time in microseconds since 1970, `value` finite.
    Raises ValueError where the lengths differ or time falls.
    """

    names: tuple[str, ...]
    signal: Numbers
    ts_us: Numbers
    value: Floats

    def __post_init__(self) -> None:
        if not len(self.signal) == len(self.ts_us) == len(self.value):
            raise ValueError(f"{len(self.signal)} signals, {len(self.ts_us)} times and {len(self.value)} values are not of equal number")
        require_in_order(self.ts_us)


@dataclass(frozen=True, slots=True)
class Windows:
    """One row a signal and window in which it has a value, in order of window and of `names`.

    `signal` is the number in `names`, `window_us` the start of the window. `n` values; `mean`, `low`, `high`, `first` and `last` in the signal's
    unit, `std` of the values themselves (population), `slope` by least squares in units a second: 0 where all values have one stamp.
    """

    names: tuple[str, ...]
    signal: Numbers
    window_us: Numbers
    n: Numbers
    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    slope: Floats

    def __len__(self) -> int:
        return len(self.n)

    def rows(self, first: int, last: int) -> "Windows":
        """Rows `first` to before `last`."""
        cut = slice(first, last)
        numbers = (self.signal[cut], self.window_us[cut], self.n[cut])
        return Windows(
            self.names, *numbers, *(column[cut] for column in (self.mean, self.std, self.low, self.high, self.first, self.last, self.slope))
        )


def window_features(values: Values) -> Windows:
    """The windows of `values`, each made of its own values alone."""
    groups = Groups.by(values.ts_us // WINDOW_US * len(values.names) + values.signal)
    window_us = groups.key // max(len(values.names), 1) * WINDOW_US
    level = Level.of(groups, values.value)
    off_mean = values.value - level.mean[groups.of]
    second = (values.ts_us - window_us[groups.of]) / US_PER_S
    off_middle = second - (groups.sums(second) / groups.n)[groups.of]
    across, spread = groups.sums(off_middle * off_mean), groups.sums(off_middle * off_middle)
    # By the stamps themselves: rounding leaves a spread of seconds that are all the same.
    is_sloped = groups.first(values.ts_us) < groups.last(values.ts_us)
    slope = np.divide(across, spread, out=np.zeros_like(across), where=is_sloped)
    std = np.sqrt(groups.sums(off_mean * off_mean) / groups.n)
    signal = groups.key % max(len(values.names), 1)
    return Windows(values.names, signal, window_us, groups.n, level.mean, std, level.low, level.high, level.first, level.last, slope)


@dataclass(frozen=True, slots=True)
class Groups:
    """Values put into groups: `key` of each group in rising order, `of` the group of each value, `n` how many each has.

    `order` puts the values group by group, each in its own order, and `begins` is where in it each group begins.
    """

    key: Numbers
    of: Places
    n: Numbers
    order: Places
    begins: Places

    @classmethod
    def by(cls, key: Numbers) -> Self:
        """Values of equal `key` together."""
        found, of, counted = np.unique(key, return_inverse=True, return_counts=True)
        n = counted.astype(np.int64)
        return cls(found, of, n, np.argsort(of, kind="stable"), (np.cumsum(n) - n).astype(np.intp))

    def sums(self, value: Floats) -> Floats:
        """The sum of each group, from its first value to its last: numpy's own sums pair values up by how many there are."""
        sums: Floats = np.bincount(self.of, weights=value, minlength=len(self.n)).astype(np.float64, copy=False)
        return sums

    def first(self, value: NDArray[Number]) -> NDArray[Number]:
        """The first value of each group."""
        first: NDArray[Number] = value[self.order[self.begins]]
        return first

    def last(self, value: NDArray[Number]) -> NDArray[Number]:
        """The last value of each group."""
        last: NDArray[Number] = value[self.order[self.begins + self.n - 1]]
        return last


@dataclass(frozen=True, slots=True)
class Level:
    """Where the values of each group lie."""

    mean: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats

    @classmethod
    def of(cls, groups: Groups, value: Floats) -> Self:
        """The level of each group of `value`."""
        if not len(value):
            return cls(value, value, value, value, value)
        unsigned = value + 0.0  # of 0.0 and -0.0 either may come out as the lowest, by how many values there are
        in_groups, first = unsigned[groups.order], groups.first(unsigned)
        low, high = np.minimum.reduceat(in_groups, groups.begins), np.maximum.reduceat(in_groups, groups.begins)
        # As differences from the first value of each group: a value that stands still is its own mean, and has no spread by rounding.
        mean = np.clip(first + groups.sums(unsigned - first[groups.of]) / groups.n, low, high)
        return cls(mean, low, high, first, groups.last(unsigned))


def require_in_order(ts_us: Numbers) -> None:
    """Raises ValueError where time falls."""
    falls = np.flatnonzero(np.diff(ts_us) < 0)
    if len(falls):
        at = int(falls[0]) + 1
        raise ValueError(f"value {at} is of {ts_us[at]} us, before the one before it ({ts_us[at - 1]} us); sort by ts, epoch, seq and idx")
