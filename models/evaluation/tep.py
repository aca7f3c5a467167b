"""Tennessee Eastman process: learn from a normal recording, take the threshold from a second one, then watch recordings in which a fault begins.

`d00.dat` is fitted, `d00_te.dat` sets every contender's threshold (99 % of its rows are below), and each `dNN_te.dat` is scored as a stream; which
fault is in it and that it begins after row 160 is known to the judge alone. Files may be gzipped. Faults 3, 9 and 15 hardly show in any signal; they
are in the figures, not in the bar.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.evaluation.reading import matrix, once
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics import alarms
from models.timeseries.canonical import CanonicalSettings, held_limit
from models.timeseries.signals import Floats, Signals

NAMES = tuple(f"XMEAS({number})" for number in range(1, 42)) + tuple(f"XMV({number})" for number in range(1, 12))
STEP_S = 180.0
ONSET_ROWS = 160
"""Rows of a test file before its fault begins."""
FALSE_ALARMS = 0.01
BAR_FAULTS = (1, 2, 4, 5, 6, 7, 8, 10)
PCA_COMPONENTS = 17
"""Of the peers: as in the figures that are published with the set."""
_TEST_FILE = re.compile(r"d(\d+)_te\.dat(\.gz)?")


@dataclass(frozen=True, slots=True)
class Process:
    """A normal recording to fit, another one for the threshold, and the recording to watch."""

    usual: Signals
    held: Signals
    watched: Signals


@dataclass(frozen=True, slots=True)
class Fault:
    """Which fault a recording holds, and how many rows come before it."""

    number: int
    onset_rows: int = ONSET_ROWS


class TennesseeEastman:
    """The benchmark: an answer is a score for each row, above 1 in alarm; NaN, where too few rows were there yet, is no alarm."""

    name = "tep"
    folder = "tep"

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Process, Fault]]:
        """A question for each test recording of a fault. Raises `DataMissing` and `DataDamaged`."""
        files = once([path for path in folder.glob("d*_te.dat*") if _TEST_FILE.fullmatch(path.name)])
        faults = [(number, path) for path in files if (number := _fault(path)) > 0]
        if not faults:
            raise DataMissing(f"{folder} holds no file d01_te.dat, d02_te.dat or so; give the folder of the Tennessee Eastman files")
        usual, held = _recording(_found(folder, "d00.dat")), _recording(_found(folder, "d00_te.dat"))
        for number, path in faults:
            yield Fold(Process(usual, held, _recording(path)), Fault(number))

    def contenders(self) -> Mapping[str, Callable[[Process], Floats]]:
        """Ours, and principal components: distance within them and distance from them."""
        return {OWN: canonical, "pca-t2": pca_t2, "pca-spe": pca_spe}

    def figures(self, judged: Sequence[tuple[Fault, Floats]]) -> Figures:
        """`false_alarms` before the faults, `detected` after them: the mean of the bar's faults, of all but 3, 9 and 15, and of each."""
        in_alarm = {fault.number: (fault.onset_rows, score > 1) for fault, score in judged}
        detected = {number: alarms.rate(rows, onset, len(rows)) for number, (onset, rows) in in_alarm.items()}
        delays = {number: alarms.delay_rows(rows, onset) for number, (onset, rows) in in_alarm.items()}
        before = np.concatenate([rows[:onset] for onset, rows in in_alarm.values()])
        return {
            "false_alarms": alarms.rate(before, 0, len(before)),
            "detected": _mean(detected[number] for number in BAR_FAULTS if number in detected),
            "detected_but_3_9_15": _mean(share for number, share in detected.items() if number not in (3, 9, 15)),
            **{f"detected_{number:02}": share for number, share in detected.items()},
            **{f"delay_rows_{number:02}": rows for number, rows in delays.items()},
        }

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """Few false alarms, and nearly all rows of the faults that can be seen."""
        own = figures[OWN]
        return (Bar("false_alarms", own["false_alarms"], at_most=0.02), Bar("detected", own["detected"], at_least=0.97))


BENCHMARK = TennesseeEastman()


def canonical(seen: Process) -> Floats:
    """Ours, with its settings as they come."""
    return CanonicalSettings(false_alarms=FALSE_ALARMS).fitted(seen.usual, seen.held).scorer().score(seen.watched).score


def pca_t2(seen: Process) -> Floats:
    """Peer: how far a row is from the usual within the principal components, each in units of its spread."""
    return _principal(seen, lambda scores, rest, spread: np.sum((scores / spread) ** 2, axis=1))


def pca_spe(seen: Process) -> Floats:
    """Peer: how much of a row the principal components leave unexplained."""
    return _principal(seen, lambda scores, rest, spread: np.sum(rest**2, axis=1))


def _principal(seen: Process, statistic: Callable[[Floats, Floats, Floats], Floats]) -> Floats:
    center, scale = seen.usual.values.mean(axis=0), seen.usual.values.std(axis=0)
    scale[scale == 0] = 1.0
    usual = (seen.usual.values - center) / scale
    _, spread, axes = np.linalg.svd(usual, full_matrices=False)
    kept, spread = axes[:PCA_COMPONENTS].T, spread[:PCA_COMPONENTS] / math.sqrt(len(usual) - 1)

    def of(signals: Signals) -> Floats:
        rows = (signals.values - center) / scale
        scores = rows @ kept
        return statistic(scores, rows - scores @ kept.T, spread)

    scores: Floats = of(seen.watched) / held_limit(of(seen.held), FALSE_ALARMS)
    return scores


def _fault(path: Path) -> int:
    match = _TEST_FILE.fullmatch(path.name)
    return int(match.group(1)) if match else 0


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise DataMissing(f"{folder} holds no {name}; without normal operation there is nothing to learn from")


def _recording(path: Path) -> Signals:
    """A file's rows; a recording that lies on its side, as `d00.dat` does, is set up."""
    values = matrix(path)
    if values.shape[1] != len(NAMES):
        values = values.T
    if values.shape[1] != len(NAMES):
        raise DataDamaged(f"{path} has {values.shape[1]} rows and {values.shape[0]} columns; one of them has to be {len(NAMES)}")
    return Signals.of(NAMES, values, STEP_S)


def _mean(values: Iterator[float]) -> float:
    all_of_them = list(values)
    return math.fsum(all_of_them) / len(all_of_them) if all_of_them else math.nan
