"""Minutes of the lake as rows that a machine's model sees: Arrow columns to the arrays that `models/timeseries/machine/rows.py` takes."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from factolake.features.regimes import Regimes
from factolake.features.windows import Numbers, Windows
from models.timeseries.machine import rows
from models.timeseries.signals import Signals
from pipelines.signals.reading import Minutes


def products_of(minutes: Minutes) -> tuple[str, ...]:
    """The products of the minutes in which the machine ran long enough to be judged, by name."""
    ran = minutes.regimes["running_s"].to_numpy() >= rows.LEAST_RUNNING_S
    return rows.products_in(minutes.regimes["product"].filter(pa.array(ran)).to_pylist())


def rows_of(minutes: Minutes, names: Sequence[str], products: Sequence[str]) -> Signals:
    """A row for each minute that has a regime, of the signals `names`; `products` by the number of their regime."""
    told = minutes.regimes
    regimes = Regimes(microseconds(told["window_ts"]), told["running_s"].to_numpy(), tuple(told["product"].to_pylist()))
    return rows.rows(_windows(minutes.windows), regimes, names, products)


def microseconds(stamps: pa.ChunkedArray) -> Numbers:
    """Since 1970."""
    found: Numbers = stamps.cast(pa.int64()).to_numpy()
    return found


def _windows(told: pa.Table) -> Windows:
    """With the means alone: nothing else of a window is in a row, so nothing else is read."""
    signals = told["signal"].combine_chunks().dictionary_encode()
    names, number = tuple(signals.dictionary.to_pylist()), signals.indices.to_numpy().astype(np.int64)
    unread, none = np.zeros(0), np.zeros(0, dtype=np.int64)
    mean = told["mean"].to_numpy()
    return Windows(names, number, microseconds(told["window_ts"]), none, mean, unread, unread, unread, unread, unread, unread)
