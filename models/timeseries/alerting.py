"""Scores into few alerts: one for each episode of a machine, told when it is sure and taken back for none but a stronger one.

An episode opens when the score has stayed at 1 or above for the persistence, goes on over shorter calms, and closes after a long one. Known stops and
setups are not judged. Time comes from the rows alone, and all that is remembered is a value: a restart anywhere changes nothing. Similar events,
checks and minutes are added afterwards (`models/timeseries/similar.py`); words are in `models/timeseries/words`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from factolake.domain.alert import WEEK_BUDGET, Alert, AlertKind, Band, Contribution, DataVersion, ModelStamp, Regime, Severity
from models.timeseries.alert_events import NEW, AlertingState, Closed, Episode, Event, HeldBack, Raised, Withdrawn, Worsened
from models.timeseries.clean import Clean, Flags
from models.timeseries.held import Held, Left
from models.timeseries.rows import columns
from models.timeseries.signals import Floats, Scores, Signals
from models.timeseries.week_budget import Standing, of_last_week, ruling

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST = 1e6
"""A score is taken for no more than this: some detectors divide by a spread that can be nothing."""


@dataclass(frozen=True, slots=True)
class AlertingSettings:
    """When there is an alert. Raises ValueError.

    `persistence_s`: so long the score stays at 1 or above before one is raised, 0 to a day. `back`: below this score it is calm, 0 to 1. `calm_s`: an
    episode closes after so much calm running, 1 s to 30 days; what comes sooner belongs to it. `forget_s`: it also closes, and all that was seen
    is forgotten, where nothing could be judged for longer, 60 s to 90 days. `longest_step_s`: a longer step between rows counts as that much.
    `usual`: up to this score all is usual, for the onset, 0 to 0.99. `week_budget`: alerts of a machine that may stand in any seven
    days, 0 to 1000. `medium`, `high`: strengths from which on an alert is that severe, 1 or above and rising. `least_share`, `most_signals`: which
    contributions are named.
    """

    persistence_s: float = 600.0
    back: float = 0.8
    calm_s: float = 3600.0
    forget_s: float = 86_400.0
    longest_step_s: float = 900.0
    usual: float = 0.5
    week_budget: int = WEEK_BUDGET
    medium: float = 1.5
    high: float = 3.0
    least_share: float = 0.05
    most_signals: int = 5

    def __post_init__(self) -> None:
        for name, low, most in (
            ("persistence_s", 0, 86_400),
            ("back", 0, 1),
            ("calm_s", 1, 30 * 86_400),
            ("forget_s", 60, 90 * 86_400),
            ("longest_step_s", 0.001, 86_400),
            ("usual", 0, 0.99),
            ("week_budget", 0, 1000),
            ("medium", 1, 1e6),
            ("high", self.medium, 1e6),
            ("least_share", 0, 1),
            ("most_signals", 1, 100),
        ):
            if not low <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; give {low} to {most}")

    def severity(self, strength: float) -> Severity:
        """How severe an alert of that strength is."""
        return Severity.HIGH if strength >= self.high else Severity.MEDIUM if strength >= self.medium else Severity.LOW


@dataclass(frozen=True, slots=True)
class Channel:
    """What people call a signal, and the UNECE Rec 20 code of its unit."""

    label: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The machine that is watched and the model that watches it.

    `channels`: by signal. `bands`: by regime and signal, where known. `products`: by regime, where known. `began`: when second 0 of the rows is.
    """

    path: str
    kind: AlertKind
    model: ModelStamp
    channels: Mapping[str, Channel]
    bands: Mapping[int, Mapping[str, Band]]
    products: Mapping[int, str]
    clean: Clean | None = None
    data: tuple[DataVersion, ...] = ()
    began: datetime = EPOCH

    @property
    def names(self) -> tuple[str, ...]:
        """Signals in an order of their own, so that the order in which they come does not matter."""
        return tuple(sorted(self.channels))


class Alerting:
    """Follows one machine. `snapshot` and the same settings and subject make one that goes on as if nothing had happened."""

    def __init__(self, settings: AlertingSettings, subject: Subject, state: AlertingState = NEW) -> None:
        if len(state.above_parts) not in (0, len(subject.channels)):
            raise ValueError(f"{subject.path}: the state is of {len(state.above_parts)} signals, not of {len(subject.channels)}; begin without one")
        self._settings, self._subject = settings, subject
        self._held = Held(settings.persistence_s, state.ran_s, state.window)
        self._left = Left(settings.usual, state.left_total, state.left_s)
        self._last_s, self._judged_s, self._paused = state.last_s, state.judged_s, state.paused
        self._above_rows = state.above_rows
        self._above_parts = np.array(state.above_parts or (0.0,) * len(subject.channels))
        self._episode, self._standing, self._counts = state.episode, state.standing, state.counts

    def snapshot(self) -> AlertingState:
        """What has to be kept over a restart; it never changes afterwards."""
        return AlertingState(
            self._last_s,
            self._judged_s,
            self._paused,
            self._held.ran_s,
            self._held.window,
            self._left.total,
            self._left.since_s,
            self._above_rows,
            tuple(self._above_parts.tolist()),
            self._episode,
            self._standing,
            self._counts,
        )

    def feed(self, signals: Signals, scores: Scores, quiet: Flags) -> list[Event]:
        """What there is to tell of the rows that follow; `quiet`: a known stop or setup ran.

        Raises ValueError where time goes back or a signal is missing.
        """
        order = columns(signals.names, self._subject.names)
        values, parts = signals.values[:, order], np.nan_to_num(scores.parts[:, order])
        rows = zip(signals.seconds.tolist(), scores.score.tolist(), quiet.tolist(), signals.regimes.tolist(), strict=True)
        events: list[Event] = []
        for row, (now_s, score, still, regime) in enumerate(rows):
            if self._last_s is not None and now_s < self._last_s:
                raise ValueError(f"{self._subject.path}: a row at {now_s} s follows one at {self._last_s} s; give rows in order of time, each once")
            self._last_s = now_s
            if self._judged_s is not None and now_s - self._judged_s > self._settings.forget_s:
                events += self._forget(now_s)
            if still:
                self._pause()
            elif score == score and regime >= 0:
                events += self._judge(now_s, min(score, MOST), regime, values[row], np.maximum(parts[row], 0.0))
        return events

    def _pause(self) -> None:
        """What was above before a stop is no persistence after it; an episode waits."""
        self._paused = True
        self._held.clear()
        self._begin_above()

    def _forget(self, now_s: float) -> list[Event]:
        """Nothing could be judged for long: what comes is a machine of which nothing is known."""
        events: list[Event] = [self._close(self._episode, now_s)] if self._episode else []
        self._pause()
        self._left.clear()
        self._judged_s = None
        return events

    def _judge(self, now_s: float, score: float, regime: int, values: Floats, parts: Floats) -> Iterator[Event]:
        fresh = self._paused or self._judged_s is None
        step_s = 0.0 if fresh or self._judged_s is None else min(now_s - self._judged_s, self._settings.longest_step_s)
        self._judged_s, self._paused = now_s, False
        held = self._held.add(step_s, score)
        self._left.add(now_s, score)
        if score >= 1:
            self._above_rows += 1
            self._above_parts = self._above_parts + parts
        else:
            self._begin_above()
        if self._episode is None and held is not None and held >= 1:
            self._episode = Episode(self._alert(now_s, held, regime, values), held)
            self._counts = replace(self._counts, opened=self._counts.opened + 1)
            yield from self._told(self._episode, now_s, opened=True)
        elif self._episode is not None:
            yield from self._go_on(self._episode, now_s, step_s, score, held)

    def _begin_above(self) -> None:
        if self._above_rows:
            self._above_rows, self._above_parts = 0, np.zeros_like(self._above_parts)

    def _go_on(self, episode: Episode, now_s: float, step_s: float, score: float, held: float | None) -> Iterator[Event]:
        """A row of an open episode: it grows, calms down or closes."""
        calm_s = 0.0 if score >= 1 else episode.calm_s + (step_s if score < self._settings.back else 0.0)
        self._episode = episode = replace(episode, strength=max(episode.strength, held or 0.0), calm_s=calm_s)
        if calm_s >= self._settings.calm_s:
            yield self._close(episode, now_s)
        elif episode.raised:
            yield from self._grown(episode)
        elif score >= 1:
            yield from self._told(episode, now_s, opened=False)

    def _told(self, episode: Episode, now_s: float, *, opened: bool) -> Iterator[Event]:
        """Raise the episode if the budget lets it."""
        self._standing = of_last_week(self._standing, now_s)
        decided = ruling(self._standing, self._settings.week_budget, now_s, episode.strength)
        if not decided.raised:
            if opened:
                self._counts = replace(self._counts, held_back=self._counts.held_back + 1)
                yield HeldBack(episode.alert)
            return
        alert = self._stronger(replace(episode.alert, raised_ts=self._ts(now_s)), episode.strength)
        kept = tuple(one for one in self._standing if one != decided.withdrawn)
        self._standing = (*kept, Standing(alert.alert_id, now_s, episode.strength))
        self._episode = replace(episode, alert=alert, raised=True)
        self._counts = replace(self._counts, raised=self._counts.raised + 1)
        if decided.withdrawn:
            self._counts = replace(self._counts, withdrawn=self._counts.withdrawn + 1)
            yield Withdrawn(decided.withdrawn.alert_id, alert.raised_ts, alert.alert_id)
        yield Raised(alert)

    def _grown(self, episode: Episode) -> Iterator[Event]:
        self._standing = tuple(replace(one, strength=episode.strength) if one.alert_id == episode.alert.alert_id else one for one in self._standing)
        if self._settings.severity(episode.strength) != episode.alert.severity:
            self._episode = replace(episode, alert=self._stronger(episode.alert, episode.strength))
            yield Worsened(self._episode.alert)

    def _close(self, episode: Episode, now_s: float) -> Event:
        self._left.clear()
        self._episode = None
        unseen = self._counts.unseen + (not episode.raised)
        self._counts = replace(self._counts, closed=self._counts.closed + 1, unseen=unseen)
        return Closed(episode.alert.alert_id, self._ts(now_s), episode.strength, episode.raised)

    def _alert(self, now_s: float, strength: float, regime: int, values: Floats) -> Alert:
        """What is known when an episode opens; the onset looks back, never on."""
        subject = self._subject
        since_s = now_s if self._left.since_s is None else self._left.since_s
        return Alert(
            kind=subject.kind,
            severity=self._settings.severity(strength),
            path=subject.path,
            onset_ts=self._ts(since_s),
            raised_ts=self._ts(now_s),
            strength=strength,
            regime=Regime(regime, subject.products.get(regime)),
            contributions=self._contributions(regime, values),
            model=subject.model,
            data=subject.data,
            sureness=subject.clean.sureness(strength) if subject.clean else None,
        )

    def _contributions(self, regime: int, values: Floats) -> tuple[Contribution, ...]:
        """The signals that added most since the score came to 1, as far as their values are known."""
        total = float(self._above_parts.sum())
        found = []
        for name, value, part in zip(self._subject.names, values.tolist(), self._above_parts.tolist(), strict=True):
            if part > 0 and part >= self._settings.least_share * total and np.isfinite(value):
                channel, band = self._subject.channels[name], self._subject.bands.get(regime, {}).get(name)
                found.append(Contribution(name, channel.label, value, channel.unit, band, min(part / total, 1.0)))
        return tuple(sorted(found, key=lambda one: (-one.share, one.signal))[: self._settings.most_signals])

    def _stronger(self, alert: Alert, strength: float) -> Alert:
        clean = self._subject.clean
        return replace(
            alert, strength=strength, severity=self._settings.severity(strength), sureness=clean.sureness(strength) if clean else alert.sureness
        )

    def _ts(self, seconds: float) -> datetime:
        return self._subject.began + timedelta(seconds=seconds)
