"""Skoltech anomaly benchmark: a pump's test bench, a file an experiment; which rows are strange, and where the state of the machine changes.

A file's first 400 rows are given to fit, the rest is scored as a stream; figures are pooled over all files of all folders but `anomaly-free`. In
nearly all files the fault is on in the same rows, so a clock scores well; therefore each file is answered a second time, with its usual rows after
the first 400 reflected to three times their length. Settings of ours were chosen on the files of `valve1` and are the defaults of the models.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.evaluation import skab_peers as peers
from models.evaluation.reading import numbers, once, seconds, table
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics.changepoints import LOW_FALSE, LOW_MISSED, STANDARD, nab_score
from models.metrics.detection import points, vus_pr
from models.timeseries.level import LevelSettings
from models.timeseries.moves import MoveSettings
from models.timeseries.signals import Floats, Signals

FITTED_ROWS = 400
LABELS = ("anomaly", "changepoint")
USUAL_FOLDER = "anomaly-free"
FOLDER = "skab"

Scorer = Callable[[Signals, int], Floats]
"""Of a whole recording and how many of its rows may be fitted: the score of each row after them, 1 or above in alarm."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A recording of which the first 400 rows may be fitted, and the same with its usual rows reflected, None where no labels tell which they are."""

    plain: Signals
    reflected: Signals | None


@dataclass(frozen=True, slots=True)
class Strange:
    """Which rows after the first 400 are labelled, in the plain and in the reflected recording."""

    plain: NDArray[np.bool_]
    reflected: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Changes:
    """Seconds of the rows after the first 400, and of the change points among them."""

    seconds: Floats
    changes_s: Floats


class Outlier:
    """Which rows are strange: an answer is the scores of the plain and of the reflected recording."""

    name = "skab-outlier"
    folder = FOLDER

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Experiment, Strange]]:
        """A question a file. Raises `DataMissing` and `DataDamaged`."""
        for signals, marks in _experiments(folder, labels=labels):
            if marks is None:
                yield Fold(Experiment(signals, None), None)
                continue
            strange = marks[:, 0]
            rows = reflection(strange)
            reflected = Signals(signals.names, signals.values[rows], np.arange(len(rows), dtype=np.float64), signals.regimes[rows])
            yield Fold(Experiment(signals, reflected), Strange(strange[FITTED_ROWS:], strange[rows][FITTED_ROWS:]))

    def contenders(self) -> Mapping[str, Callable[[Experiment], tuple[Floats, Floats]]]:
        """Ours, two published peers, and two that look at nothing."""
        by_name: dict[str, Scorer] = {
            OWN: level,
            "t2-q": peers.t2_q,
            "isolation-forest": peers.isolation_forest,
            "always": peers.always,
            "clock": peers.clock,
        }
        return {name: _answering(scored) for name, scored in by_name.items()}

    def figures(self, judged: Sequence[tuple[Strange, tuple[Floats, Floats]]]) -> Figures:
        """Points over all files, plain and reflected, and the mean VUS-PR of the plain ones."""
        plain = points((truth.plain, scores[0] >= 1) for truth, scores in judged)
        reflected = points((truth.reflected, scores[1] >= 1) for truth, scores in judged)
        volumes = np.array([vus_pr(truth.plain, scores[0]) for truth, scores in judged])
        return {
            "f1": plain.f1,
            "false_alarms_percent": 100 * plain.false_alarms,
            "missed_alarms_percent": 100 * plain.missed_alarms,
            "vus_pr": float(np.nanmean(volumes)) if np.isfinite(volumes).any() else float("nan"),
            "f1_reflected": reflected.f1,
            "false_alarms_reflected_percent": 100 * reflected.false_alarms,
            "missed_alarms_reflected_percent": 100 * reflected.missed_alarms,
        }

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """F1 0.80 or more with at most 20 % false and 25 % missed, and no more than 3 points worse where the onset is not at a fixed row."""
        own = figures[OWN]
        rises = {kind: own[f"{kind}_reflected_percent"] - own[f"{kind}_percent"] for kind in ("false_alarms", "missed_alarms")}
        return (
            Bar("f1", own["f1"], at_least=0.80),
            Bar("false_alarms_percent", own["false_alarms_percent"], at_most=20),
            Bar("missed_alarms_percent", own["missed_alarms_percent"], at_most=25),
            *(Bar(f"{kind}_rise_points", rise, at_most=3) for kind, rise in rises.items()),
        )


class ChangePoint:
    """Where the state changes: an answer is for each row after the first 400 whether a change point is detected in it."""

    name = "skab-change-point"
    folder = FOLDER

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Signals, Changes]]:
        """A question a file. Raises `DataMissing` and `DataDamaged`."""
        for signals, marks in _experiments(folder, labels=labels):
            scored_s = signals.seconds[FITTED_ROWS:]
            yield Fold(signals, None if marks is None else Changes(scored_s, scored_s[marks[FITTED_ROWS:, 1]]))

    def contenders(self) -> Mapping[str, Callable[[Signals], NDArray[np.bool_]]]:
        """Ours, two published peers, of which each turn of the alarm is a detection, and a metronome that beats as often as ours."""
        return {
            OWN: moves,
            "t2-q": lambda signals: peers.turns(peers.t2_q(signals, FITTED_ROWS)),
            "isolation-forest": lambda signals: peers.turns(peers.isolation_forest(signals, FITTED_ROWS)),
            "metronome": lambda signals: peers.metronome(len(signals.seconds) - FITTED_ROWS, int(moves(signals).sum())),
        }

    def figures(self, judged: Sequence[tuple[Changes, NDArray[np.bool_]]]) -> Figures:
        """The three scores of the set's own rule, windows of 60 s to the right, and how many detections a file has."""
        times = [(truth.changes_s, truth.seconds[detected]) for truth, detected in judged]
        return {
            "nab_standard": nab_score(times, STANDARD),
            "nab_low_fp": nab_score(times, LOW_FALSE),
            "nab_low_fn": nab_score(times, LOW_MISSED),
            "detections_a_file": float(np.mean([len(detections) for _, detections in times])),
        }

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """A score of 36 or more with at most 6 detections a file."""
        own = figures[OWN]
        return (Bar("nab_standard", own["nab_standard"], at_least=36), Bar("detections_a_file", own["detections_a_file"], at_most=6))


def level(signals: Signals, fitted_rows: int) -> Floats:
    """Ours for outliers: how far a signal has left its own level."""
    return LevelSettings().fit(signals.rows(0, fitted_rows)).scorer().score(signals).score[fitted_rows:]


def moves(signals: Signals) -> NDArray[np.bool_]:
    """Ours for change points: where moves begin and are over."""
    return MoveSettings().fit(signals.rows(0, FITTED_ROWS)).scorer().score(signals).score[FITTED_ROWS:] >= 1


def reflection(strange: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which rows to take so that each run of usual rows after the first 400 comes forwards, backwards and forwards again."""
    ends = FITTED_ROWS + np.flatnonzero(np.diff(strange[FITTED_ROWS:])) + 1
    runs = np.split(np.arange(FITTED_ROWS, len(strange)), ends - FITTED_ROWS)
    taken = [run if strange[run[0]] else np.concatenate((run, run[::-1], run)) for run in runs]
    return np.concatenate((np.arange(FITTED_ROWS), *taken))


def _answering(scored: Scorer) -> Callable[[Experiment], tuple[Floats, Floats]]:
    def answer(seen: Experiment) -> tuple[Floats, Floats]:
        plain = scored(seen.plain, FITTED_ROWS)
        return plain, plain if seen.reflected is None else scored(seen.reflected, FITTED_ROWS)

    return answer


def _experiments(folder: Path, *, labels: bool) -> Iterator[tuple[Signals, NDArray[np.bool_] | None]]:
    """Every recording that has rows to score, with rows x labels, None where it holds none or they are not asked for.

    Raises `DataMissing` and `DataDamaged`.
    """
    there = [path for path in folder.glob("*/*.csv*") if path.name.endswith((".csv", ".csv.gz")) and path.parent.name != USUAL_FOLDER]
    tables = [(path, table(path, ("datetime",), separator=";")) for path in sorted(once(there), key=_by_number)]
    long = [(path, read) for path, read in tables if len(read) > FITTED_ROWS]
    if not long:
        what = f"none of {len(tables)} files has more than {FITTED_ROWS} rows" if tables else "there is no file valve1/0.csv, other/1.csv.gz or so"
        raise DataMissing(f"{folder}: {what}; give the folder of the SKAB recordings")
    for path, read in long:
        is_labelled = labels and set(LABELS) <= set(read.columns)
        yield _signals(path, read), numbers(path, read[list(LABELS)]) > 0 if is_labelled else None


def _signals(path: Path, read: pd.DataFrame) -> Signals:
    names = tuple(str(name) for name in read.columns if name not in (*LABELS, "datetime"))
    if not names:
        raise DataDamaged(f"{path} has no column of a signal; give the file as it was published")
    at_s = seconds(path, read, "datetime")
    return Signals(names, numbers(path, read[list(names)]), at_s - at_s[0], np.zeros(len(read), dtype=np.int64))


def _by_number(path: Path) -> tuple[str, int, str]:
    number = re.match(r"\d+", path.name)
    return path.parent.name, int(number.group()) if number else -1, path.name


OUTLIER = Outlier()
CHANGE_POINT = ChangePoint()
