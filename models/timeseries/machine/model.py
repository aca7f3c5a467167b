"""A machine's model at work: rests of its signals, smoothed, then judged together; and all that an alert about the machine needs to say.

A rest is what a signal is besides what it should be (`expected.py`). Rests are averaged over about half an hour of running, and `strange` (principal
components, `models/timeseries/pca.py`) tells how far they lie out of, or off, the usual ways in which they move together: a warm day moves all
temperatures, a worn tool torque and currents. How one is fitted is in `fit.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from factolake.domain.alert import AlertKind, Band, DataVersion, ModelStamp
from models.timeseries import plain
from models.timeseries.alerting import AlertingSettings, Channel, Subject
from models.timeseries.clean import Clean
from models.timeseries.machine.expected import Expected
from models.timeseries.machine.running import SETTLING_S, Running, on_end
from models.timeseries.pca import Pca
from models.timeseries.rows import columns
from models.timeseries.signals import Floats, Numbers, Scores, Signals, Unscored
from models.timeseries.windows import ewma

TOGETHER = 0
"""The regime of rests: how a machine ran is taken off them already."""


@dataclass(frozen=True, slots=True)
class MachineModel:
    """The score of a row is how far its smoothed rests are out, in units of the threshold: 0 as usual, 1 at the threshold, higher is stranger; it
    grows as a signal moves away, `parts` adds up to it, and may be below nothing for a signal that is nearer to the usual than the others have it.

    `regimes`: what signals should be, by regime. `weight` of a row in the smoothed rests. `settling_rows`: so many rows from the beginning on are
    not scored, nobody knows how the machine ran before. `products`: by the number of their regime. `bands`: usual values by regime and signal.
    """

    names: tuple[str, ...]
    regimes: Mapping[int, Expected]
    weight: float
    settling_rows: int
    strange: Pca
    threshold: float
    products: tuple[str, ...]
    bands: Mapping[int, Mapping[str, Band]]
    clean: Clean
    alerting: AlertingSettings
    kind: AlertKind

    def scorer(self) -> "MachineScorer":
        """A new beginning, with no rows before."""
        return MachineScorer(self)

    def with_threshold(self, threshold: float) -> Self:
        """The same model with another threshold, above 0."""
        return replace(self, threshold=threshold)

    def subject(self, path: str, channels: Mapping[str, Channel], stamp: ModelStamp, data: Sequence[DataVersion] = ()) -> Subject:
        """What alerting needs to know of the machine at `path`; `channels` by signal. Raises ValueError where a signal has none."""
        missing = [name for name in self.names if name not in channels]
        if missing:
            raise ValueError(f"{path}: signals {missing} of the model have no channel; give one for each")
        mine = {name: channels[name] for name in self.names}
        return Subject(path, self.kind, stamp, mine, self.bands, dict(enumerate(self.products)), self.clean, tuple(data))

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of a machine", cls, data)


class Rests:
    """Smoothed rests of one machine as rows come; the fit goes through the same."""

    def __init__(self, names: tuple[str, ...], regimes: Mapping[int, Expected], weight: float, settling_rows: int) -> None:
        self._names, self._regimes, self._weight, self._settling_rows = names, regimes, weight, settling_rows
        self._running = Running(tuple(regimes))
        self._smooth = np.zeros(len(names))
        self._last_s: float | None = None
        self._rows = 0

    def of(self, signals: Signals) -> tuple[Floats, Numbers]:
        """Of the rows that follow: signals x rows, NaN where there is none, and why. Raises ValueError where a signal is missing."""
        values = np.take(signals.values.T, columns(signals.names, self._names), axis=0)
        smoothed, why = np.full(values.shape, np.nan), self._why(values, signals.regimes)
        for first, last, is_new in on_end(signals.seconds, self._last_s):
            piece = signals.rows(first, last)
            if not len(piece.seconds):
                continue
            if is_new:
                self._running.begin(piece)
                self._smooth, self._rows = np.zeros(len(self._names)), 0
            self._piece(piece, values[:, first:last], smoothed[:, first:last], why[first:last])
            self._last_s = float(piece.seconds[-1])
        return smoothed, why

    def _piece(self, signals: Signals, values: Floats, smoothed: Floats, why: Numbers) -> None:
        rests = np.empty(values.shape)
        for regime, features in self._running.features(signals).items():
            rows = np.flatnonzero(signals.regimes == regime)
            rests[:, rows] = self._regimes[regime].rests(values[:, rows], features[:, rows])
        early = max(0, self._settling_rows - self._rows)
        why[:early][why[:early] == Unscored.SCORED] = Unscored.TOO_FEW_ROWS
        self._rows += len(why)
        known = np.flatnonzero(why == Unscored.SCORED)
        if len(known):
            smoothed[:, known] = ewma(rests[:, known], self._smooth, self._weight)
            self._smooth = smoothed[:, known[-1]].copy()

    def _why(self, values: Floats, regimes: Numbers) -> Numbers:
        why = np.where(np.isfinite(values).all(axis=0), int(Unscored.SCORED), int(Unscored.VALUE_MISSING))
        why[~np.isin(regimes, list(self._regimes))] = Unscored.REGIME_UNKNOWN
        why[regimes < 0] = Unscored.NOT_RUNNING
        return why


class MachineScorer:
    """A machine's model at work."""

    def __init__(self, model: MachineModel) -> None:
        self._names, self._threshold = model.names, model.threshold
        self._rests = Rests(model.names, model.regimes, model.weight, model.settling_rows)
        self._strange = model.strange.scorer()

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before. Raises ValueError where a signal of the model is missing."""
        smoothed, why = self._rests.of(signals)
        found = self._strange.score(together(self._names, smoothed, signals.seconds))
        # The statistic is of squares; its root is as far out as the signals are. Less than nothing is nearer than usual.
        root = np.sqrt(np.maximum(found.score, 0.0))
        shares = np.divide(root, found.score, out=np.zeros_like(root), where=found.score > 0)
        parts = found.parts * np.where(np.isnan(root), np.nan, shares)[:, None] / self._threshold
        placed = np.zeros(signals.values.shape)
        placed[np.isnan(root)] = np.nan
        placed[:, columns(signals.names, self._names)] = parts
        return Scores(root / self._threshold, why, placed)


def together(names: tuple[str, ...], smoothed: Floats, seconds: Floats) -> Signals:
    """Rests as rows of one regime."""
    regimes = np.where(np.isnan(smoothed[0]), -1, TOGETHER).astype(np.int64)
    return Signals(names, np.ascontiguousarray(smoothed.T), seconds, regimes)


def settling_rows(seconds: Floats) -> int:
    """How many rows make up `SETTLING_S`, but a twentieth of the rows at most: of a short recording the beginning is all there is."""
    steps_s = np.diff(seconds)
    usual_s = float(np.median(steps_s[steps_s > 0])) if (steps_s > 0).any() else SETTLING_S
    return min(int(SETTLING_S // max(usual_s, 1e-3)), len(seconds) // 20)
