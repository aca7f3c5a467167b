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
from models.timeseries.machine.following import Following
from models.timeseries.machine.running import SETTLING_S
from models.timeseries.pca import Pca
from models.timeseries.signals import Floats, Scores, Signals

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


class MachineScorer:
    """A machine's model at work."""

    def __init__(self, model: MachineModel) -> None:
        found = model.strange.regimes[TOGETHER]
        strange = replace(found, both_limit=found.both_limit * model.strange.threshold)
        self._following = Following(model.names, model.regimes, model.weight, model.settling_rows, strange, model.threshold)

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before. Raises ValueError where a signal of the model is missing."""
        return self._following.scores(signals)


def together(names: tuple[str, ...], smoothed: Floats, seconds: Floats) -> Signals:
    """Rests as rows of one regime."""
    regimes = np.where(np.isnan(smoothed[0]), -1, TOGETHER).astype(np.int64)
    return Signals(names, np.ascontiguousarray(smoothed.T), seconds, regimes)


def settling_rows(seconds: Floats) -> int:
    """How many rows make up `SETTLING_S`, but a twentieth of the rows at most: of a short recording the beginning is all there is."""
    steps_s = np.diff(seconds)
    usual_s = float(np.median(steps_s[steps_s > 0])) if (steps_s > 0).any() else SETTLING_S
    return min(int(SETTLING_S // max(usual_s, 1e-3)), len(seconds) // 20)
