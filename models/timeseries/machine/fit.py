"""A machine's model from its own history: what signals should be from the first two thirds of its running, thresholds from the rest.

The history is taken for usual; known stops, true alerts and days that somebody names are taken out before (`models/timeseries/usable.py`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from factolake.domain.alert import AlertKind
from models.timeseries.alerting import AlertingSettings
from models.timeseries.canonical import held_limit
from models.timeseries.clean import Clean, usual_bands
from models.timeseries.conformal import WEEK_S
from models.timeseries.machine.expected import Expected, expected, unlearnt
from models.timeseries.machine.following import Following
from models.timeseries.machine.model import MachineModel, settling_rows, together
from models.timeseries.machine.running import FEATURES
from models.timeseries.pca import FITTED_SHARE, PcaSettings
from models.timeseries.rows import columns
from models.timeseries.signals import CannotLearn, Floats, Numbers, Signals, Unscored

FEWEST_ROWS = 10 * FEATURES
"""Of a regime, to say how its signals follow the numbers of its running."""
BLOCK_S = 3600.0
ALERTING = AlertingSettings()


@dataclass(frozen=True, slots=True)
class MachineSettings:
    """How a machine is judged. Raises ValueError.

    `memory_rows`: over how many running rows rests are averaged, 1 to 1000. `variance`: share of it that the usual ways of moving together hold, 0.1
    to 0.999. `alarms_a_week`: blocks of an hour of a healthy week that may be as strange as the strangest usual, 0.01 to 100; `margin`: so many times
    as strange the threshold is, 1 to 10. `alerting`: when there is an alert.
    """

    # Chosen on simulated plants of the seeds 1001 to 1009 (docs/benchmarks.md): with a margin of 1.2 there were 3 false alerts in 78 weeks of healthy
    # machines, from 1.35 on none; up to 2 the same nine breakdowns are warned of, days ahead, with 2 about a day later than with 1.2.
    memory_rows: float = 30.0
    variance: float = 0.9
    alarms_a_week: float = 2.0
    margin: float = 1.35
    alerting: AlertingSettings = ALERTING

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("memory_rows", self.memory_rows, 1, 1000),
            ("variance", self.variance, 0.1, 0.999),
            ("alarms_a_week", self.alarms_a_week, 0.01, 100),
            ("margin", self.margin, 1, 10),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals, products: Sequence[str] = ()) -> MachineModel:
        """A model of the regimes that have rows enough; `products` by the number of their regime. Raises ValueError where none has."""
        names, settling = tuple(sorted(signals.names)), settling_rows(signals.seconds)
        first = learnt_rows(signals.regimes)
        regimes = _expected(signals, names, settling, first)
        weight = 1.0 - math.exp(-1.0 / self.memory_rows)
        smoothed, _ = Following(names, regimes, weight, settling).rests(signals)
        strange = PcaSettings(lags_rows=1, variance=self.variance).fit(together(names, smoothed, signals.seconds))
        clean, bands = Clean(BLOCK_S, (1.0,)), usual_bands(signals)
        model = MachineModel(names, regimes, weight, settling, strange, 1.0, tuple(products), bands, clean, self.alerting, AlertKind.UNUSUAL)
        score = model.scorer().score(signals).score
        maxima = clean_maxima(signals.seconds[first:], score[first:], self.alerting)
        threshold = self.threshold(maxima)
        return replace(model, threshold=threshold, clean=Clean(BLOCK_S, tuple(one / threshold for one in maxima)))

    def threshold(self, maxima: Sequence[float]) -> float:
        """`margin` times what hours of a healthy week keep to, but for `alarms_a_week` of them; of too few hours, the largest."""
        kept = held_limit(np.array(maxima), min(self.alarms_a_week * BLOCK_S / WEEK_S, 0.5))
        return max(self.margin * kept, 1e-9)


def clean_maxima(seconds: Floats, score: Floats, alerting: AlertingSettings) -> tuple[float, ...]:
    """The largest score of each hour that was held as long as an alert asks for, rising; of a short recording, held for a quarter of it."""
    persistence_s = min(alerting.persistence_s, float(seconds[-1] - seconds[0]) / 4)
    quiet = np.zeros(len(score), dtype=np.bool_)
    return Clean.of(seconds, score, quiet, persistence_s, alerting.longest_step_s, BLOCK_S).maxima


def learnt_rows(regimes: Numbers) -> int:
    """So many rows hold the first two thirds of the running ones: from these signals are learnt, by those after them thresholds are set."""
    ran = np.flatnonzero(regimes >= 0)
    return int(ran[round(len(ran) * FITTED_SHARE) - 1]) + 1 if len(ran) else 0


def _expected(signals: Signals, names: tuple[str, ...], settling: int, first: int) -> dict[int, Expected]:
    """By regime, from the rows before `first`. Raises CannotLearn where none has enough."""
    seen = signals.rows(0, first)
    values = np.take(seen.values.T, columns(seen.names, names), axis=0)
    numbers = [int(one) for one in np.unique(seen.regimes) if one >= 0]
    features, why = Following(names, dict.fromkeys(numbers, unlearnt(len(names))), 1.0, settling).features(seen)
    rows = {regime: np.flatnonzero((why == Unscored.SCORED) & (seen.regimes == regime)) for regime in numbers}
    kept = {regime: found for regime, found in rows.items() if len(found) >= FEWEST_ROWS}
    if not kept:
        most = max((len(found) for found in rows.values()), default=0)
        raise CannotLearn(
            f"no regime has {FEWEST_ROWS} whole rows in the first two thirds of {len(signals.seconds)}, the longest has {most}; give more, best two"
            " weeks of minutes"
        )
    return {regime: expected(values[:, found], features[:, found]) for regime, found in kept.items()}
