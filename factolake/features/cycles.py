"""Cycles of a machine's signals as numbers: from one pulse of its counter to the next. Minutes are in `windows.py`."""

from dataclasses import dataclass

import numpy as np

from factolake.features.windows import Floats, Groups, Level, Numbers, Values, require_in_order

MOST_CYCLE_S = 3600
"""A longer time between two pulses is a stop with a part at either end, not a cycle."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """Cycles of one machine in order, which do not overlap: from `begin_us` to before `end_us`, microseconds since 1970.

    Raises ValueError where they are of unequal number, overlap or have no length.
    """

    begin_us: Numbers
    end_us: Numbers

    def __post_init__(self) -> None:
        if len(self.begin_us) != len(self.end_us):
            raise ValueError(f"{len(self.begin_us)} beginnings and {len(self.end_us)} ends of cycles are not of equal number")
        require_in_order(np.stack((self.begin_us, self.end_us), axis=1).ravel())
        if np.any(self.begin_us == self.end_us):
            raise ValueError("a cycle ends where it begins; leave out pulses of one stamp")


@dataclass(frozen=True, slots=True)
class CycleRows:
    """One row a signal and cycle in which it has a value, in order of cycle and of `names`.

    `signal` is the number in `names`, `cycle` the place among the cycles; the others are as in `Windows`.
    """

    names: tuple[str, ...]
    signal: Numbers
    cycle: Numbers
    n: Numbers
    mean: Floats
    low: Floats
    high: Floats
    last: Floats

    def __len__(self) -> int:
        return len(self.n)


def cycle_features(values: Values, cycles: Cycles) -> CycleRows:
    """The cycles of `values`, each made of its own values alone; values outside of every cycle count nowhere."""
    cycle = np.searchsorted(cycles.end_us, values.ts_us, side="right")
    inside = np.flatnonzero(cycle < len(cycles.end_us))
    inside = inside[values.ts_us[inside] >= cycles.begin_us[cycle[inside]]]
    signals = max(len(values.names), 1)
    groups = Groups.by(cycle[inside] * signals + values.signal[inside])
    level = Level.of(groups, values.value[inside])
    return CycleRows(values.names, groups.key % signals, groups.key // signals, groups.n, level.mean, level.low, level.high, level.last)
