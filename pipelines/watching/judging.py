"""One machine judged by one model: minutes into rows, rows into scores, scores into events.

A scorer remembers rows, and nobody can write down what: so with every UTC day it begins anew and reads the day before again. That way it says the
same whether the process was started anew or not. A machine that stood for the whole of a minute is not judged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from factolake.domain.alert import AlertKind, DataVersion, ModelStamp
from factolake.features.windows import US_PER_S
from models.contract import Scorer
from models.registry.catalogue import Verified
from models.timeseries.alert_events import NEW, AlertingState, Event
from models.timeseries.alerting import EPOCH, Alerting, AlertingSettings, Channel, Subject
from models.timeseries.guarded import scores_of
from models.timeseries.machine.model import MachineModel
from models.timeseries.machine.rows import numbers, shares
from models.timeseries.signals import Scores, Signals, Unscored
from pipelines.watching.journal import first_of
from pipelines.watching.minutes import Minute
from pipelines.watching.state import Judged

Happened = tuple[Event, datetime]
MINUTE_LIMIT_S = 5.0
"""A minute takes a model a thousandth of it; others wait meanwhile."""
BEGIN_LIMIT_S = 120.0
"""For the minutes since the day before, with which a scorer begins, and for the first of its own: machine code may have to be made."""


class Judge:
    """`model` at work on the machine at `path`; `names` are the signals of its minutes, `channels` what people call them."""

    def __init__(self, model: Verified, path: str, names: Sequence[str], channels: Mapping[str, Channel], before: Judged | None = None) -> None:
        self.model = model
        self._names = tuple(signal.name for signal in model.bundle.signals)
        self._columns = np.array([tuple(names).index(name) for name in self._names], dtype=np.intp)
        of_machine = model.bundle.model if isinstance(model.bundle.model, MachineModel) else None
        self._products = of_machine.products if of_machine else ()
        settings = of_machine.alerting if of_machine else AlertingSettings()
        subject = subject_of(model, path, {name: channels[name] for name in self._names})
        self._alerting = Alerting(settings, subject, _remembered(model, before))
        self._scorer: Scorer | None = None
        self._since_us = 0
        self._limit_s = BEGIN_LIMIT_S
        self.failed_minutes = 0

    def judged(self) -> Judged:
        """What has to be kept over a restart."""
        return Judged(self.model.bundle.name, self.model.version, self.model.sha256, self._alerting.snapshot())

    def feed(self, minute: Minute, past: Sequence[Minute]) -> list[Happened]:
        """What there is to tell of `minute`, with the time of its row; `past` are the minutes before it. Raises CannotScore.

        `failed_minutes` counts those in a row up to this one for which the model gave no number that is a score.
        """
        if self._scorer is None or self._since_us != first_of(minute.window_us):
            self._begin(minute, past)
        signals = self._rows([minute])
        at_ts = EPOCH + timedelta(microseconds=minute.window_us)
        return [(event, at_ts) for event in self._alerting.feed(signals, self._scores(signals), np.array([minute.running_s == 0]))]

    def _begin(self, minute: Minute, past: Sequence[Minute]) -> None:
        self._scorer, self._since_us, self._limit_s = self.model.bundle.model.scorer(), first_of(minute.window_us), BEGIN_LIMIT_S
        held = [one for one in past if self._since_us <= one.window_us < minute.window_us]
        if held:
            scores_of(self._scorer, self._rows(held), BEGIN_LIMIT_S)

    def _rows(self, minutes: Sequence[Minute]) -> Signals:
        values = np.stack([minute.means[self._columns] for minute in minutes])
        seconds = np.array([minute.window_us for minute in minutes], dtype=np.int64) / US_PER_S
        running_s = np.array([minute.running_s for minute in minutes])
        regimes = numbers(running_s, [minute.product for minute in minutes], self._products)
        return Signals(self._names, values, seconds, regimes, shares(running_s))

    def _scores(self, signals: Signals) -> Scores:
        assert self._scorer is not None
        found, self._limit_s = scores_of(self._scorer, signals, self._limit_s), MINUTE_LIMIT_S
        self.failed_minutes = self.failed_minutes + 1 if (found.why == Unscored.MODEL_FAILED).any() else 0
        return Scores(found.score / self.model.bundle.threshold, found.why, found.parts / self.model.bundle.threshold)


def subject_of(model: Verified, path: str, channels: Mapping[str, Channel]) -> Subject:
    """The machine and the model as alerts name them; a model of another kind than a machine's knows no bands, and all products are one to it."""
    bundle = model.bundle
    data = tuple(DataVersion(table, version) for table, version in sorted(bundle.trained_on.items()))
    stamp = ModelStamp(bundle.name, str(model.version))
    if isinstance(bundle.model, MachineModel):
        return bundle.model.subject(path, channels, stamp, data)
    return Subject(path, AlertKind.UNUSUAL, stamp, channels, {}, {}, None, data)


def _remembered(model: Verified, before: Judged | None) -> AlertingState:
    """All of it where the same model goes on; of another one's only which alerts stand in the week."""
    if before is None:
        return NEW
    if (before.model, before.version, before.sha256) == (model.bundle.name, model.version, model.sha256):
        return before.alerting
    return AlertingState(standing=before.alerting.standing)
