"""PRONOSTIA bearings: one is left out, and asked at 10, 20 ... 90 % of its life how long it will last, by the score of the PHM 2012 challenge.

Each question is a fold of its own and shows the snapshots up to that moment alone: neither the length of the life nor the other questions of the same
bearing, which together would tell it. The law is in `models/timeseries/scored_life.py`, health in `models/timeseries/health.py`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from models.evaluation.reading import numbers, once, table
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics.life import phm12
from models.timeseries.health import HealthSettings
from models.timeseries.scored_life import Life, ScoredLife, ScoredLifeSettings
from models.timeseries.signals import Floats

STEP_S = 10.0
"""A snapshot is taken so often."""
PERCENTS = tuple(range(10, 100, 10))
FEWEST_SNAPSHOTS = 10
"""With fewer, two of the percents would be one moment, or there would be nothing left at the last."""
LEARNED_SHARES = np.linspace(0.05, 0.95, 46)
"""Where training bearings are looked at: all over their lives, more closely than they are asked."""
INDICES = {
    "loudness": ("h_rms", "v_rms"),
    "impacts": ("h_kurtosis", "v_kurtosis"),
    "bands": tuple(f"{axis}_b{band}" for axis in "hv" for band in ("0_1k", "1_2k", "2_4k", "4_6k", "6_9k", "9_12k8")),
}
"""Health indices that are tried, with the features of each."""
SMALLEST = 1e-6
"""Of an amplitude in g: a sensor that is off reads as very quiet."""
MEDIAN, CONSTANT, SHARE = "median_life", "constant", "share_of_age"
_FILE = re.compile(r"Bearing(\d+_\d+)_features\.csv(\.gz)?")


@dataclass(frozen=True, slots=True)
class Bearing:
    """Snapshots from the first on: features by name, a value a snapshot."""

    features: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(next(iter(self.features.values())))

    def until(self, snapshots: int) -> "Bearing":
        """Its first `snapshots`."""
        return Bearing({name: values[:snapshots].copy() for name, values in self.features.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Bearings that ran to failure: the last snapshot of each is its end."""

    bearings: tuple[Bearing, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What was learned from, and what is there of the bearing that is asked."""

    known: Known
    asked: Bearing


@dataclass(frozen=True, slots=True)
class Truth:
    """Which bearing it was, at which percent of its life, and the seconds that were left."""

    bearing: str
    percent: int
    left_s: float


class Pronostia:
    """The benchmark: an answer is the remaining life in seconds."""

    name = "pronostia"
    folder = "pronostia_bearing"

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Question, Truth]]:
        """Nine questions for each bearing, learned from all others. Raises `DataMissing` where there are fewer than two, and `DataDamaged`."""
        files = {match[1]: path for path in once(list(folder.glob("Bearing*_features.csv*"))) if (match := _FILE.fullmatch(path.name))}
        if len(files) < 2:
            raise DataMissing(f"{folder} holds {len(files)} files like Bearing1_1_features.csv.gz; give two bearings or more")
        bearings = {name: _bearing(path) for name, path in files.items()}
        for name, bearing in bearings.items():
            known = Known(tuple(other for of, other in bearings.items() if of != name))
            for percent in PERCENTS:
                snapshot = max(1, round(len(bearing) * percent / 100))
                yield Fold(Question(known, bearing.until(snapshot)), Truth(name, percent, STEP_S * (len(bearing) - snapshot)))

    def contenders(self) -> Mapping[str, Callable[[Question], float]]:
        """Ours, what is left of the median life, one number for all, and a share of the age."""
        return {OWN: answer, MEDIAN: median_life, CONSTANT: constant, SHARE: share_of_age}

    def figures(self, judged: Sequence[tuple[Truth, float]]) -> Figures:
        """The mean `score`, how often an answer was too long (`late`), and the score by bearing and by percent of life."""
        left = np.array([truth.left_s for truth, _ in judged])
        given = np.array([seconds for _, seconds in judged])
        scores = phm12(given, left)
        parts = {f"score_{name}": _mean(scores, [truth.bearing == name for truth, _ in judged]) for name in sorted({t.bearing for t, _ in judged})}
        times = {f"score_at_{percent}": _mean(scores, [truth.percent == percent for truth, _ in judged]) for percent in PERCENTS}
        return {"score": float(scores.mean()), "late": float((given > left).mean()), **parts, **times}

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """A score 1.3 times that of the best peer."""
        return (Bar("score", figures[OWN]["score"], at_least=1.3 * max(figures[peer]["score"] for peer in (MEDIAN, CONSTANT, SHARE))),)


BENCHMARK = Pronostia()


def answer(question: Question) -> float:
    """Ours, with its settings as they come."""
    return float(fitted(question.known, ScoredLifeSettings()).left(life(question.asked, np.array([len(question.asked)])))[0])


@lru_cache(maxsize=2)
def fitted(known: Known, settings: ScoredLifeSettings) -> ScoredLife:
    """The law of the known bearings; the nine questions of a bearing share it."""
    snapshots = [_looked_at(bearing) for bearing in known.bearings]
    lives = [life(bearing, at) for bearing, at in zip(known.bearings, snapshots, strict=True)]
    left = [STEP_S * (len(bearing) - at) for bearing, at in zip(known.bearings, snapshots, strict=True)]
    return settings.fit(lives, left, phm12)


def life(bearing: Bearing, snapshots: Floats) -> Life:
    """A bearing at some of its `snapshots`, counted from 1; what came later does not matter."""
    rows = snapshots.astype(np.int64) - 1
    columns = {name: np.maximum(np.column_stack([bearing.features[feature] for feature in of]), SMALLEST) for name, of in INDICES.items()}
    return Life(STEP_S * snapshots, {name: HealthSettings().index(values)[rows] for name, values in columns.items()})


def median_life(question: Question) -> float:
    """Peer: the median life of the known bearings less the age, never below 0."""
    return max(0.0, STEP_S * float(np.median([len(bearing) for bearing in question.known.bearings]) - len(question.asked)))


def constant(question: Question) -> float:
    """Peer: the number of seconds that scores best on the known bearings, asked as this one is."""
    _, left = _asked(question.known)
    return float(max(np.unique(left), key=lambda seconds: phm12(np.full_like(left, seconds), left).mean()))


def share_of_age(question: Question) -> float:
    """Peer: the age times the number that scores best on the known bearings, asked as this one is."""
    ages, left = _asked(question.known)
    return STEP_S * len(question.asked) * float(max(np.unique(left / ages), key=lambda share: phm12(share * ages, left).mean()))


def _asked(known: Known) -> tuple[Floats, Floats]:
    """Ages and what was left, in seconds, at the same percents of known lives."""
    lengths = np.array([len(bearing) for bearing in known.bearings])[:, None]
    snapshots = np.maximum(1.0, np.round(lengths * np.array(PERCENTS) / 100))
    return STEP_S * snapshots.ravel(), STEP_S * (lengths - snapshots).ravel()


def _looked_at(bearing: Bearing) -> Floats:
    return np.unique(np.clip(np.round(len(bearing) * LEARNED_SHARES), 1, len(bearing) - 1))


def _mean(scores: Floats, of: list[bool]) -> float:
    return float(scores[np.array(of)].mean())


def _bearing(path: Path) -> Bearing:
    wanted = sorted({feature for of in INDICES.values() for feature in of})
    values = numbers(path, table(path, wanted)[wanted])
    if len(values) < FEWEST_SNAPSHOTS:
        raise DataDamaged(f"{path} has {len(values)} snapshots; a life needs {FEWEST_SNAPSHOTS} or more")
    return Bearing({name: values[:, place].copy() for place, name in enumerate(wanted)})
