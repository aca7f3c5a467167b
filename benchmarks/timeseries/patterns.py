"""Whether next-pattern surprise finds degradations of the simulated plant sooner, or with fewer false alerts, than the model of the machine alone.

`python benchmarks/timeseries/patterns.py` asks what the plant's row of `factolake models evaluate` asks (`models/evaluation/plant.py`: the same
weeks, alerting and judge) of four contenders, which learn from the same clean weeks: the machine's model, surprise (`pattern_model.py`), both joined,
where the stranger of the two counts and one threshold keeps to the budget of alerts, and the machine's model with rests averaged over as many rows as
surprise is, which tells what is owed to patience alone. `--seeds 1001-1006 --clean 1101-1102` asks others; it takes half a minute of CPU time a seed.
After the figures it tells each degradation's hours ahead, and its pattern in words, as first alerted.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pattern_model import PatternModel, PatternSettings
from pattern_said import LANGUAGES, pattern

from models.evaluation.plant import CLEAN_SEEDS, SEEDS, STAMP, Found, SimulatedPlant, Truth, Warned, alerts_of
from models.evaluation.plant_weeks import BREAKING, Watched
from models.evaluation.suite import Figures, Fold
from models.timeseries.alerting import Channel
from models.timeseries.machine.fit import clean_maxima, learnt_rows
from models.timeseries.signals import Scores, Signals

MACHINE, PATTERNS, JOINED, SLOW = "machine", "patterns", "joined", "slow machine"
CONTENDERS = (MACHINE, PATTERNS, JOINED, SLOW)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the contenders alerted of a machine's week, by their names, and the first alert's pattern in words, by language."""

    truth: Truth
    alerts: Mapping[str, tuple[Warned, ...]]
    words: Mapping[str, str]


def answered(seen: Watched, truth: Truth, settings: PatternSettings) -> Answered:
    """All contenders' answers."""
    machine = settings.machine.fit(seen.history, seen.products)
    patterns = settings.beside(machine, seen.history)
    subject = machine.subject(seen.machine, {name: Channel(name) for name in machine.names}, STAMP)
    old = [model.scorer().score(seen.history) for model in (machine, patterns)]
    new = [model.scorer().score(seen.week) for model in (machine, patterns)]
    first = learnt_rows(seen.history.regimes)
    maxima = clean_maxima(seen.history.seconds[first:], stranger(*old).score[first:], machine.alerting)
    scores = {MACHINE: new[0], PATTERNS: new[1], JOINED: scaled(stranger(*new), settings.machine.threshold(maxima))}
    slow = replace(settings.machine, memory_rows=min(settings.surprise_rows, 1000.0)).fit(seen.history, seen.products)
    scores[SLOW] = slow.scorer().score(seen.week)
    alerts = {name: alerts_of(machine.alerting, replace(subject, clean=None), seen.week, one) for name, one in scores.items()}
    return Answered(truth, alerts, told(patterns, seen.week, alerts[PATTERNS], truth))


def stranger(one: Scores, other: Scores) -> Scores:
    """Row by row the higher of two scores with its parts; a row that either cannot judge has that of the one that can."""
    is_other = np.isnan(one.score) | (other.score > one.score)
    return Scores(
        np.where(is_other, other.score, one.score),
        np.where(is_other, other.why, one.why),
        np.where(is_other[:, None], other.parts, one.parts),
    )


def scaled(scores: Scores, threshold: float) -> Scores:
    """In units of `threshold`."""
    return Scores(scores.score / threshold, scores.why, scores.parts / threshold)


def told(model: PatternModel, week: Signals, alerts: Sequence[Warned], truth: Truth) -> dict[str, str]:
    """The pattern of the first alert after the onset, of the signal that it names first; empty without one."""
    if truth.degraded is None:
        return {}
    within = [one for one in alerts if one.told and one.at_s >= truth.degraded.onset_ts.timestamp()]
    if not within or within[0].signal not in model.names:
        return {}
    words = model.scorer().follow(week).words[:, int(np.searchsorted(week.seconds, within[0].at_s))]
    chances = model.chances[model.names.index(within[0].signal)]
    word, partner = int(words[model.names.index(within[0].signal)]), chances.partner
    beside, beside_word = (None, 0) if partner < 0 else (model.names[partner], int(words[partner]))
    return {code: pattern(chances, within[0].signal, word, beside, beside_word, language).text for code, language in LANGUAGES.items()}


def measured(folds: Iterable[Fold[Watched, Truth]], settings: PatternSettings) -> list[Answered]:
    """Every machine-week's answers, one after the other."""
    return [answered(fold.seen, fold.truth, settings) for fold in folds if fold.truth is not None]


def figures(found: Sequence[Answered]) -> dict[str, Figures]:
    """By contender: those of the plant's row, the median lead over all kinds, and the share of alerts that tell of a degradation."""
    benchmark, judged = SimulatedPlant(), {name: [(one.truth, one.alerts[name]) for one in found] for name in CONTENDERS}
    return {name: {**benchmark.figures(mine), **_over_all(mine)} for name, mine in judged.items()}


def _over_all(judged: Sequence[tuple[Truth, tuple[Warned, ...]]]) -> Figures:
    hits = [(truth.degraded, Found.of(truth.degraded, alerts)) for truth, alerts in judged if truth.degraded is not None]
    leads = [hit.left_s / 3600 for one, hit in hits if one.kind in BREAKING]
    alerts = sum(one.told for _, mine in judged for one in mine)
    within = sum(_is_within(one, truth) for truth, mine in judged for one in mine if one.told)
    return {
        "lead_h": float(np.median(leads)) if leads else float("nan"),
        "alerts": float(alerts),
        "precision": within / alerts if alerts else float("nan"),
    }


def _is_within(alert: Warned, truth: Truth) -> bool:
    degraded = truth.degraded
    if degraded is None:
        return False
    end = degraded.failure_ts or degraded.reset_ts
    return degraded.onset_ts.timestamp() <= alert.at_s <= (end.timestamp() if end else np.inf)


def shown(found: Sequence[Answered]) -> str:
    """A line a figure, a column a contender; then a line a breakdown with hours ahead, and its words."""
    by_name = figures(found)
    names = tuple(by_name)
    lines = [f"{'':32}" + "".join(f"{name:>14}" for name in names)]
    lines += [f"{key:32}" + "".join(f"{by_name[name][key]:>14.3f}" for name in names) for key in by_name[names[0]]]
    for one in found:
        degraded = one.truth.degraded
        if degraded is not None:
            hits = [Found.of(degraded, one.alerts[name]) for name in names]
            hours = "".join(f"{hit.left_s / 3600:>12.1f}{' ' if hit.is_right else '!'} " for hit in hits)
            lines.append(f"{degraded.kind:15}{degraded.signals[0]:17}{hours} {one.words.get('en', '')}")
    return "\n".join(lines)


def _numbers(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    return tuple(range(int(first), int(last or first) + 1)) if text else ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=_numbers, default=SEEDS, help="FIRST-LAST: weeks with a degradation")
    parser.add_argument("--clean", type=_numbers, default=CLEAN_SEEDS, help="FIRST-LAST: weeks without")
    given = parser.parse_args()
    print(shown(measured(SimulatedPlant(given.seeds, given.clean).folds(Path()), PatternSettings())))


if __name__ == "__main__":
    main()
