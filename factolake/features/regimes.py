"""What a machine did in each window: how long it ran, and on which one product.

A pure function of the states and products told in a stretch and of what held before it. `running` is the canonical state `producing`; a machine
that tells no state never runs here (its state is derived from its counters, hours at a time, in `refine/derived_states.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from factolake.domain.states import MachineState
from factolake.features.windows import US_PER_S, WINDOW_US, Floats, Numbers, Places, require_in_order

RUNNING = MachineState.PRODUCING
ANY_OTHER = "*"
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Held(Generic[Told]):
    """Values of which each holds until the next: `before` from before the first of them, then `told` from `ts_us` on, in order.

    Raises ValueError where the lengths differ or time falls.
    """

    before: Told
    ts_us: Numbers
    told: Sequence[Told]

    def __post_init__(self) -> None:
        if len(self.ts_us) != len(self.told):
            raise ValueError(f"{len(self.ts_us)} times and {len(self.told)} values are not of equal number")
        require_in_order(self.ts_us)


@dataclass(frozen=True, slots=True)
class Regimes:
    """One row a window: its start, how many of its seconds the machine ran, and the one product it had throughout (None: none, or several)."""

    window_us: Numbers
    running_s: Floats
    product: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.window_us)


def regimes(window_us: Numbers, running: Held[bool], product: Held[str | None]) -> Regimes:
    """The regime of each window that starts at `window_us` (rising)."""
    ran_us = _ran_us_until(running, np.concatenate((window_us, window_us + WINDOW_US)))
    running_us = ran_us[len(window_us) :] - ran_us[: len(window_us)]
    return Regimes(window_us, running_us / US_PER_S, _whole(product, window_us))


def is_running(words: Mapping[str, str], word: str) -> bool:
    """Whether a machine's own `word` means running, by its state map; `*` in the map stands for any other word."""
    return words.get(word, words.get(ANY_OTHER)) == RUNNING


def _ran_us_until(running: Held[bool], moment_us: Numbers) -> Numbers:
    """Microseconds it ran until each moment, by what was told before it, counted from the earliest moment or word."""
    if not len(moment_us):
        return np.zeros(0, dtype=np.int64)
    edges = np.concatenate((np.min(np.concatenate((moment_us, running.ts_us)), keepdims=True), running.ts_us))
    runs = np.array([running.before, *running.told], dtype=np.int64)
    ran: Numbers = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(np.diff(edges) * runs[:-1])))
    at: Places = np.searchsorted(edges, moment_us, side="right") - 1
    until: Numbers = ran[at] + (moment_us - edges[at]) * runs[at]
    return until


def _whole(product: Held[str | None], window_us: Numbers) -> tuple[str | None, ...]:
    """The one product of each window from its start to its end. Of several told with one stamp only the last counts."""
    lasts = np.append(product.ts_us[1:] != product.ts_us[:-1], True)[: len(product.ts_us)]
    ts_us = product.ts_us[lasts]
    names = [product.before, *(told for told, is_last in zip(product.told, lasts, strict=True) if is_last)]
    changes = np.cumsum([False, *(one != two for one, two in zip(names[1:], names[:-1], strict=True))])
    begin: Places = np.searchsorted(ts_us, window_us, side="right")
    end: Places = np.searchsorted(ts_us, window_us + WINDOW_US, side="left")
    return tuple(names[a] if changes[a] == changes[b] else None for a, b in zip(begin, end, strict=True))
