"""Minutes of a machine as the rows that its model sees: the mean of each signal, how much of the minute it ran, and on which product.

Windows and regimes are those of `factolake/features`; tables and streams hand in their columns. A station of a line waits for its neighbours in
nearly every minute (a bottleneck of 30 s leaves one of 26 s alone in one minute of three), so a row need not have run throughout.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from factolake.features.regimes import Regimes
from factolake.features.windows import US_PER_S, WINDOW_S, Windows
from models.timeseries.signals import Floats, Numbers, Signals

LEAST_RUNNING_S = 30.0
"""Of a minute. Below it a signal is mostly what it is at rest."""


def rows(windows: Windows, regimes: Regimes, names: Sequence[str], products: Sequence[str]) -> Signals:
    """A row for each window of `regimes`; a signal without a value in it is NaN, and seconds are since 1970, of the window's start."""
    return Signals(
        tuple(names),
        means(windows, regimes.window_us, names),
        regimes.window_us / US_PER_S,
        numbers(regimes.running_s, regimes.product, products),
        shares(regimes.running_s),
    )


def numbers(running_s: Floats, product: Sequence[str | None], products: Sequence[str]) -> Numbers:
    """The regime of each minute: the number of its product in `products`, one past them for another; -1 where it ran too little or on several.

    >>> numbers(np.array([60.0, 45.0, 10.0, 60.0, 60.0]), ("a", "b", "a", None, "c"), ("a", "b")).tolist()
    [0, 1, -1, -1, 2]
    """
    places = {name: place for place, name in enumerate(products)}
    made = [-1 if name is None else places.get(name, len(places)) for name in product]
    return np.where(running_s >= LEAST_RUNNING_S, np.array(made, dtype=np.int64), -1)


def shares(running_s: Floats) -> Floats:
    """How much of each minute the machine ran, 0 to 1."""
    return running_s / WINDOW_S


def products_in(regimes: Iterable[str | None]) -> tuple[str, ...]:
    """The products there are, by name: what `numbers` counts through."""
    return tuple(sorted({name for name in regimes if name is not None}))


def means(windows: Windows, window_us: Numbers, names: Sequence[str]) -> Floats:
    """Rows x signals of the mean of each window that starts at `window_us` (rising); NaN where a signal has none."""
    columns = {name: column for column, name in enumerate(names)}
    column = np.array([columns.get(name, -1) for name in windows.names], dtype=np.int64)[windows.signal]
    row = np.searchsorted(window_us, windows.window_us)
    known = np.flatnonzero((column >= 0) & (row < len(window_us)))
    known = known[window_us[row[known]] == windows.window_us[known]]
    values = np.full((len(window_us), len(names)), np.nan)
    values[row[known], column[known]] = windows.mean[known]
    return values
