"""How many rows of 8 signals a detector scores in a CPU second, beside scikit-learn's isolation forest of 100 trees on the same rows in one call.

`python benchmarks/timeseries/speed.py` fits each on the first 400 rows, then lets ours and the forest score all rows in turn, five times, in one
thread, and prints each pair and the ratio. `level` has the settings of the SKAB row; `pca` is there to see. Rows begin as raw values, so windows
and lags are in the time; a fault is on in a tenth of them, for it is then that ours takes longest.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
from sklearn.ensemble import IsolationForest

from models.contract import Detector
from models.timeseries.level import LevelSettings
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import Signals

ROWS, SIGNALS, FITTED_ROWS, PAIRS = 200_000, 8, 400, 5
BAR = 5.0


def recording() -> Signals:
    """Noise of unequal units; one signal is off by 4 standard deviations in 400 of each 4000 rows."""
    values = np.random.default_rng(0).normal(size=(ROWS, SIGNALS)) * np.geomspace(0.01, 100, SIGNALS)
    for first in range(2000, ROWS, 4000):
        values[first : first + 400, 5] += 4 * values[:FITTED_ROWS, 5].std()
    return Signals.of(tuple(f"signal_{number}" for number in range(SIGNALS)), values)


def rows_a_cpu_s(score: Callable[[], object]) -> float:
    began = time.process_time()
    score()
    return ROWS / (time.process_time() - began)


def measured(name: str, detector: Detector, forest: IsolationForest, signals: Signals) -> float:
    """The median of the pairs' ratios."""
    ratios = []
    for _ in range(PAIRS):
        peer = rows_a_cpu_s(lambda: forest.score_samples(signals.values))
        own = rows_a_cpu_s(lambda: detector.scorer().score(signals))
        ratios.append(own / peer)
        print(f"{name:6} {own:>12,.0f} rows/CPU-s   isolation forest {peer:>10,.0f} rows/CPU-s   ratio {own / peer:.2f}")
    return statistics.median(ratios)


def main() -> None:
    signals = recording()
    fitted = signals.rows(0, FITTED_ROWS)
    forest = IsolationForest(random_state=0).fit(fitted.values)
    detectors: dict[str, Detector] = {"level": LevelSettings().fit(fitted), "pca": PcaSettings().fit(fitted)}
    for detector in detectors.values():
        detector.scorer().score(fitted)
    ratios = {name: measured(name, detector, forest, signals) for name, detector in detectors.items()}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f} times the forest" + (f", bar {BAR:.0f}: {'reached' if ratio >= BAR else 'missed'}" if name == "level" else ""))


if __name__ == "__main__":
    main()
