"""The simulated plant: breakdowns foretold, drifts and wrong settings found, and how often a healthy machine is alerted.

Nothing is read: the weeks are made by seeds (`plant_weeks.py`), 20 with a breakdown, the same with a drifting sensor or a wrong setting, and clean
weeks of four others. A model is fitted to the two clean weeks before and told no label; `models/timeseries/alerting.py` makes the alerts of every
contender. A breakdown is warned of if the first alert that is raised after its onset comes half an hour before the failure or sooner; the signal
that it names first is right if the degradation, at its worst, moves it by four times its noise or more (`right_signals`). Settings were chosen on
seeds from 1001 on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from factolake.domain.alert import AlertKind, ModelStamp
from factolake.plant.behaviour import BEHAVIOURS, effects_of
from factolake.plant.truth import Degraded
from models.evaluation.plant_weeks import BREAKING, HARMLESS_KINDS, Plant, Watched, happened
from models.evaluation.suite import OWN, Bar, Figures, Fold
from models.timeseries.alert_events import HeldBack, Raised
from models.timeseries.alerting import Alerting, AlertingSettings, Channel, Subject
from models.timeseries.machine.fit import MachineSettings, clean_maxima
from models.timeseries.pca import FITTED_SHARE
from models.timeseries.signals import Floats, Scores, Signals, Unscored

SEEDS = tuple(range(1, 21))
CLEAN_SEEDS = (101, 102, 103, 104)
LEAST_LEAD_S = 1800.0
RIGHT_NOISES = 4.0
SETPOINT = "speed_setpoint"
STAMP = ModelStamp("plant", "1")


@dataclass(frozen=True, slots=True)
class Warned:
    """An alert: when, the signal it names first, and whether people were told or it was held back for stronger ones."""

    at_s: float
    signal: str
    told: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What became of a machine in its week; None: it stayed healthy."""

    degraded: Degraded | None


class SimulatedPlant:
    """The benchmark: an answer is the alerts of one machine's week."""

    name = "plant"
    folder = "plant"

    def __init__(self, seeds: Sequence[int] = SEEDS, clean_seeds: Sequence[int] = CLEAN_SEEDS) -> None:
        self._seeds, self._clean_seeds = seeds, clean_seeds

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Watched, Truth]]:
        """A question for each machine-week; `folder` is not looked at. Raises `DataMissing` outside a checkout."""
        for seed in self._seeds:
            yield from _degrading(Plant.of(seed), labels=labels)
        for seed in self._clean_seeds:
            plant = Plant.of(seed)
            history, week = plant.clean(), plant.degrading(())
            for machine in plant.machines:
                yield Fold(plant.watched(history, week, machine), Truth(None) if labels else None)

    def contenders(self) -> Mapping[str, Callable[[Watched], tuple[Warned, ...]]]:
        """Ours, limits that are fixed by the mean and spread of each signal, and those of the plant file."""
        return {OWN: machine_model, "fixed-limits": fixed_limits, "plant-file-limits": plant_file_limits}

    def figures(self, judged: Sequence[tuple[Truth, tuple[Warned, ...]]]) -> Figures:
        """Breakdowns warned of, what else was found, alerts a week of healthy machines, and hours ahead by kind."""
        found = [(truth.degraded, Found.of(truth.degraded, alerts)) for truth, alerts in judged if truth.degraded is not None]
        breaks = [(one, hit) for one, hit in found if one.failure_ts is not None]
        others = [(one, hit) for one, hit in found if one.failure_ts is None]
        healthy = np.array([len(alerts) for truth, alerts in judged if truth.degraded is None], dtype=np.float64)
        in_time = [hit for _, hit in breaks if hit.left_s >= LEAST_LEAD_S]
        return {
            "breakdowns": float(len(breaks)),
            "warned": float(len(in_time)),
            "warned_right_signal_first": float(sum(hit.is_right for hit in in_time)),
            "warned_telling_signal_first": float(sum(hit.is_telling for hit in in_time)),
            **_of_kind("sensor_drift", others),
            **_of_kind("setpoint_error", others),
            "others_right_signal_first": float(sum(hit.is_right for _, hit in others)),
            "healthy_machine_weeks": float(len(healthy)),
            "alerts_a_healthy_week": float(healthy.mean()) if len(healthy) else float("nan"),
            "alerts_a_healthy_week_worst": float(healthy.max(initial=0.0)),
            "false_alerts_beside": float(sum(hit.beside for _, hit in found)),
            "lead_h_least": min((hit.left_s / 3600 for hit in in_time), default=float("nan")),
            **{f"lead_h {kind}": _median([hit.left_s / 3600 for one, hit in breaks if one.kind == kind and hit.was_found]) for kind in BREAKING},
            **{
                f"delay_h {kind}": _median([hit.after_s / 3600 for one, hit in others if one.kind == kind and hit.was_found])
                for kind in HARMLESS_KINDS
            },
        }

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """Nine of ten breakdowns, half an hour ahead and by a right signal; two alerts in any healthy week at most."""
        own = figures[OWN]
        return (
            Bar("warned_right_signal_first", own["warned_right_signal_first"], at_least=0.9 * own["breakdowns"]),
            Bar("alerts_a_healthy_week_worst", own["alerts_a_healthy_week_worst"], at_most=2),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """How a degradation was found: how long before its end and after its onset the first alert within it came (minus infinity and NaN: none did),
    whether that named a right signal first, and the one that tells most; `beside`: alerts before the onset and after the end.
    """

    left_s: float
    after_s: float
    is_right: bool
    is_telling: bool
    beside: int

    @classmethod
    def of(cls, degraded: Degraded, alerts: Sequence[Warned]) -> "Found":
        """Of all alerts of its week."""
        onset_s, end = degraded.onset_ts.timestamp(), degraded.failure_ts or degraded.reset_ts
        end_s = end.timestamp() if end else np.inf
        beside = sum(not onset_s <= one.at_s <= end_s for one in alerts)
        within = [one for one in alerts if one.told and onset_s <= one.at_s <= end_s]
        if not within:
            return cls(-np.inf, np.nan, False, False, beside)
        first = within[0]
        return cls(end_s - first.at_s, first.at_s - onset_s, first.signal in right_signals(degraded), first.signal == degraded.signals[0], beside)

    @property
    def was_found(self) -> bool:
        """Whether there was an alert within."""
        return self.left_s >= 0


def right_signals(degraded: Degraded) -> tuple[str, ...]:
    """Signals that an alert may name first, by the effects in `factolake/plant/behaviour.py`: those that full severity moves by `RIGHT_NOISES` or
    more of their own noise, and the speed setpoint where that was set wrong.
    """
    effects = effects_of(degraded.kind, degraded.signals[0])
    sizes = {one.signal: abs(one.share * BEHAVIOURS[one.signal].span + one.offset) / BEHAVIOURS[one.signal].noise for one in effects}
    moved = tuple(signal for signal, noises in sizes.items() if noises >= RIGHT_NOISES)
    return (*moved, SETPOINT) if degraded.kind == "setpoint_error" and "motor_speed" in moved else moved


def machine_model(seen: Watched) -> tuple[Warned, ...]:
    """Ours, with its settings as they come."""
    model = MachineSettings().fit(seen.history, seen.products)
    subject = model.subject(seen.machine, {name: Channel(name) for name in model.names}, STAMP)
    return alerts_of(model.alerting, subject, seen.week, model.scorer().score(seen.week))


def fixed_limits(seen: Watched) -> tuple[Warned, ...]:
    """Peer: of each signal its mean and so many standard deviations of it, as many for all signals as keep to the budget of ours, with no margin."""
    settings = MachineSettings(margin=1.0)
    ran = seen.history.regimes >= 0
    middle, spread = seen.history.values[ran].mean(axis=0), seen.history.values[ran].std(axis=0)
    spread = np.where(spread > 0, spread, np.abs(middle) * 0.01 + 1e-9)
    first = round(len(ran) * FITTED_SHARE)
    held_out = _far(seen.history.rows(first, len(ran)), middle, spread)
    many = settings.threshold(clean_maxima(seen.history.seconds[first:], held_out.score, settings.alerting))
    scores = _far(seen.week, middle, spread * many)
    return alerts_of(settings.alerting, _plain(seen), seen.week, scores)


def plant_file_limits(seen: Watched) -> tuple[Warned, ...]:
    """Peer: between which values a signal may be at all, as the plant file says."""
    low, high = (np.array([seen.limits[name][side] for name in seen.week.names]) for side in (0, 1))
    wide = np.isfinite(low) & np.isfinite(high)
    middle = np.where(wide, (low + high) / 2, 0.0)
    return alerts_of(AlertingSettings(), _plain(seen), seen.week, _far(seen.week, middle, np.where(wide, (high - low) / 2, np.inf)))


def _far(signals: Signals, middle: Floats, half: Floats) -> Scores:
    """1 where a signal is at the edge of its limits; of rows in which the machine ran."""
    parts = np.abs(signals.values - middle) / half
    parts[signals.regimes < 0] = np.nan
    why = np.where(signals.regimes < 0, int(Unscored.NOT_RUNNING), int(Unscored.SCORED))
    return Scores(parts.max(axis=1), why, parts)


def _plain(seen: Watched) -> Subject:
    return Subject(seen.machine, AlertKind.UNUSUAL, STAMP, {name: Channel(name) for name in seen.week.names}, {}, {})


def alerts_of(settings: AlertingSettings, subject: Subject, week: Signals, scores: Scores) -> tuple[Warned, ...]:
    """Every episode: told when it is raised; held back, once, where the week's budget was used up."""
    found: dict[str, Warned] = {}
    for event in Alerting(settings, subject).feed(week, scores, np.zeros(len(week.seconds), dtype=np.bool_)):
        if isinstance(event, Raised | HeldBack):
            alert = event.alert
            first = alert.contributions[0].signal if alert.contributions else ""
            found[alert.alert_id] = Warned(alert.raised_ts.timestamp(), first, isinstance(event, Raised))
    return tuple(found.values())


def _degrading(plant: Plant, *, labels: bool) -> Iterator[Fold[Watched, Truth]]:
    """The machine that breaks down, the healthy one after it in the flow, and one whose sensor drifts or that was set wrong."""
    week, other = plant.degrading(BREAKING), plant.degrading(HARMLESS_KINDS)
    breaks, drifts = happened(week), happened(other)
    beside = plant.machines[(plant.machines.index(breaks.machine) + 1) % len(plant.machines)]
    history = plant.clean(tuple(dict.fromkeys((breaks.machine, beside, drifts.machine))))
    for line, machine, degraded in ((week, breaks.machine, breaks), (week, beside, None), (other, drifts.machine, drifts)):
        yield Fold(plant.watched(history, line, machine), Truth(degraded) if labels else None)


def _of_kind(kind: str, found: Sequence[tuple[Degraded, Found]]) -> dict[str, float]:
    mine = [hit for one, hit in found if one.kind == kind]
    return {f"{kind}s": float(len(mine)), f"{kind}s_found": float(sum(hit.was_found for hit in mine))}


def _median(hours: Sequence[float]) -> float:
    return float(np.median(hours)) if hours else float("nan")


BENCHMARK = SimulatedPlant()
