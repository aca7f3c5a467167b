"""Peers on SKAB: two methods as their authors or the benchmark's ran them, and three that look at no signal.

Each takes a recording and how many of its first rows may be fitted, and gives a score for each row after them, 1 or above in alarm. The
published figures count the fitted rows too, which makes false alarms look fewer.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.timeseries.signals import Floats, Signals

CLOCK_ROWS = (570, 970)
"""Between them the fault is on in most files."""


def t2_q(signals: Signals, fitted_rows: int) -> Floats:
    """Hotelling's T² and Q of principal components with 85 % of the variance, medians of 5 rows, theoretical limits of 0.999.

    As upstream has it, the limit of Q takes powers of the sum of the variances left out for sums of their powers.
    A signal that stands still while fitting is left out; where all do, no row is in alarm.
    """
    from scipy.stats import f, norm
    from sklearn.decomposition import PCA

    moving = signals.values[:fitted_rows].std(axis=0) > 0
    if not moving.any():
        return np.zeros(len(signals.seconds) - fitted_rows)
    fitted = signals.values[:fitted_rows, moving]
    scaled = (signals.values[:, moving] - fitted.mean(axis=0)) / fitted.std(axis=0)
    model = PCA(n_components=0.85).fit(scaled[:fitted_rows])
    placed = model.transform(scaled)
    kept, rows = placed.shape[1], fitted_rows
    t2_limit = kept * (rows - 1) * (rows + 1) / (rows * (rows - kept)) * f.ppf(0.999, kept, rows - kept)
    left = np.linalg.eigvalsh(np.atleast_2d(np.cov(scaled[:rows].T)))[::-1][kept:].sum()
    q_limit = left * (1 + norm.ppf(0.999) * np.sqrt(2) / 3 - 2 / 9) ** 3
    t2 = (placed**2 / model.explained_variance_).sum(axis=1)
    q = ((scaled - placed @ model.components_) ** 2).sum(axis=1)
    score: Floats = np.maximum(_medians(t2, 5) / t2_limit, _medians(q, 5) / max(q_limit, 1e-12))
    return score[fitted_rows:]


def isolation_forest(signals: Signals, fitted_rows: int) -> Floats:
    """A forest of 100 trees with a contamination of 0.0005, medians of 3 rows."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(random_state=0, contamination=0.0005).fit(signals.values[:fitted_rows])
    return _medians(forest.score_samples(signals.values) / forest.offset_, 3)[fitted_rows:]


def always(signals: Signals, fitted_rows: int) -> Floats:
    """Every row in alarm."""
    return np.ones(len(signals.seconds) - fitted_rows)


def clock(signals: Signals, fitted_rows: int) -> Floats:
    """In alarm between two row numbers, whatever the signals say."""
    rows = np.arange(fitted_rows, len(signals.seconds))
    return ((rows >= CLOCK_ROWS[0]) & (rows < CLOCK_ROWS[1])).astype(np.float64)


def turns(scores: Floats) -> NDArray[np.bool_]:
    """Rows in which an alarm begins or ends."""
    alarms = scores >= 1
    return np.diff(alarms, prepend=False)


def metronome(rows: int, beats: int) -> NDArray[np.bool_]:
    """`beats` rows, evenly among all.

    >>> np.flatnonzero(metronome(100, 4))
    array([12, 37, 62, 87])
    """
    detected = np.zeros(rows, dtype=bool)
    detected[((np.arange(beats) + 0.5) * rows / max(beats, 1)).astype(np.int64)] = True
    return detected


def _medians(values: Floats, window_rows: int) -> Floats:
    return pd.Series(values).rolling(window_rows, min_periods=1).median().to_numpy()
