"""Remaining life of turbofans on C-MAPSS: how many cycles a unit has left at the last row it shows, by units that ran to failure.

Each FDnnn found is a question. A life learned is at most 125 cycles, and so is the truth of the figures named capped; older papers ask for the
uncapped truth, which is shown beside. The peer is gradient boosting with its defaults on mean, slope and spread of each sensor over 30 cycles,
sensors normalised by regime; its interval is split-conformal over units. A peer that is told the unit's age besides is shown, not in the bars.
Figures are means over seeds. Settings of ours were chosen on the training units alone.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import splits
from models.evaluation.reading import matrix, numbers, once, table
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics import life as measures
from models.timeseries.life.histories import lines
from models.timeseries.life.intervals import quantile
from models.timeseries.life.regimes import Regimes
from models.timeseries.life.units import Unit
from models.timeseries.remaining_life import Forecast, LifeSettings
from models.timeseries.signals import Floats

CAP_CYCLES = 125.0
LEVEL = 0.8
SEEDS = (0, 1, 2, 3, 4)
PEER = "boosting"
PEER_WITH_AGE = "boosting_with_age"
SPAN_CYCLES = 30
CALIBRATION_PARTS = 4
"""One of so many parts of the units says how wide the peer's interval is."""
COLUMNS = 26
_FILE = re.compile(r"(train|test)_(?P<name>FD\d{3})\.(csv|txt)(\.gz)?")


@dataclass(frozen=True, slots=True)
class Question:
    """Units that ran to failure, units whose last row is asked for, and the seeds to answer with."""

    known: tuple[Unit, ...]
    asked: tuple[Unit, ...]
    seeds: tuple[int, ...] = SEEDS


@dataclass(frozen=True, slots=True)
class Lives:
    """Cycles that each asked unit had left, and the set it is of."""

    name: str
    cycles: Floats


Answer = list[Forecast]
"""For each seed, a forecast of all units asked for."""


class Cmapss:
    """The benchmark: a fold for each set, seeds within it."""

    name = "cmapss"
    folder = "cmapss"

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Question, Lives]]:
        """A question for each set with a training and a test file. Raises `DataMissing` and `DataDamaged`."""
        known, asked = (_files(folder, kind) for kind in ("train", "test"))
        names = [name for name in known if name in asked]
        if not names:
            raise DataMissing(f"{folder} holds no train_FD001.csv.gz with its test_FD001.csv.gz; give the folder of the C-MAPSS files")
        for name in names:
            truth = folder / f"RUL_{name}.txt"
            question = Question(_units(known[name]), _units(asked[name]))
            yield Fold(question, Lives(name, _lives(truth, len(question.asked))) if labels and truth.exists() else None)

    def contenders(self) -> Mapping[str, Callable[[Question], Answer]]:
        """Ours, the peer, and the peer that knows the age."""
        return {OWN: answer, PEER: boosted, PEER_WITH_AGE: lambda seen: boosted(seen, with_age=True)}

    def figures(self, judged: Sequence[tuple[Lives, Answer]]) -> Figures:
        """By set: RMSE, PHM08 score and intervals, means over the seeds; and the intervals of all sets together."""
        figures: dict[str, float] = {}
        for truth, given in judged:
            capped = np.minimum(truth.cycles, CAP_CYCLES)
            figures |= {
                f"rmse_{truth.name}": _mean(measures.rmse(one.life, capped) for one in given),
                f"rmse_uncapped_{truth.name}": _mean(measures.rmse(one.life, truth.cycles) for one in given),
                f"phm08_{truth.name}": _mean(measures.phm08(one.life, capped) for one in given),
                f"phm08_uncapped_{truth.name}": _mean(measures.phm08(one.life, truth.cycles) for one in given),
                f"coverage_{truth.name}": _mean(measures.coverage(one.low, one.high, capped) for one in given),
                f"width_{truth.name}": _mean(measures.width(one.low, one.high) for one in given),
            }
        units = [len(truth.cycles) for truth, _ in judged]
        for measure in ("coverage", "width"):
            figures[measure] = float(np.average([figures[f"{measure}_{truth.name}"] for truth, _ in judged], weights=units))
        return figures

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """RMSE 15 % below the peer's over all sets and 5 % on each; 80 % intervals that hold and are no wider than the peer's."""
        own, peer = figures[OWN], figures[PEER]
        names = [key.removeprefix("rmse_") for key in own if re.fullmatch(r"rmse_FD\d{3}", key)]
        ratios = {name: own[f"rmse_{name}"] / peer[f"rmse_{name}"] if peer[f"rmse_{name}"] > 0 else math.nan for name in names}
        return (
            Bar("capped RMSE to the peer's, mean of sets", float(np.mean(list(ratios.values()))), at_most=0.85),
            *(Bar(f"capped RMSE to the peer's, {name}", ratio, at_most=0.95) for name, ratio in ratios.items()),
            Bar("coverage of 80 % intervals, all units", own["coverage"], 0.75, 0.85),
            *(Bar(f"coverage of 80 % intervals, {name}", own[f"coverage_{name}"], 0.70, 0.90) for name in names),
            Bar("width of intervals to the peer's", own["width"] / peer["width"] if peer["width"] > 0 else math.nan, at_most=1.0),
        )


def answer(question: Question) -> Answer:
    """Ours with its defaults; a seed parts the units and starts the networks."""
    known, asked = list(question.known), list(question.asked)
    return [LifeSettings(cap_cycles=CAP_CYCLES, level=LEVEL, seed=seed).fit(known).last(asked) for seed in question.seeds]


def boosted(question: Question, *, with_age: bool = False) -> Answer:
    """Gradient boosting with its defaults; a seed draws what it stops by, and the units that set its interval."""
    settings = np.concatenate([unit.settings for unit in question.known])
    sensors = np.concatenate([unit.sensors for unit in question.known])
    normal = _Normal(Regimes.fit(settings, sensors), settings, sensors)
    known = [normal.features(unit, with_age=with_age) for unit in question.known]
    asked = np.stack([normal.features(unit, with_age=with_age)[-1] for unit in question.asked])
    wanted = [np.minimum(unit.life, CAP_CYCLES) for unit in question.known]
    return [_boosted(known, wanted, asked, seed) for seed in question.seeds]


class _Normal:
    def __init__(self, regimes: Regimes, settings: Floats, sensors: Floats) -> None:
        of = regimes.of(settings)
        self._regimes = regimes
        self._means = np.stack([sensors[of == one].mean(axis=0) for one in range(len(regimes.centres))])
        spreads = np.stack([sensors[of == one].std(axis=0) for one in range(len(regimes.centres))])
        # A sensor that stands still in a regime would be its rounding errors enlarged.
        self._spreads = np.where(spreads > 1e-6 * np.maximum(1.0, np.abs(self._means)), spreads, np.inf)

    def features(self, unit: Unit, *, with_age: bool) -> Floats:
        of = self._regimes.of(unit.settings)
        values = (unit.sensors - self._means[of]) / self._spreads[of]
        mean, slope, _ = lines(values, SPAN_CYCLES, shrink=0.0)
        squares, _, _ = lines(values**2, SPAN_CYCLES, shrink=0.0)
        age = np.arange(1.0, len(values) + 1)[:, None]
        return np.hstack([mean, slope, np.sqrt(np.maximum(squares - mean**2, 0.0)), *([age] if with_age else [])])


def _boosted(known: list[Floats], wanted: list[Floats], asked: Floats, seed: int) -> Forecast:
    """The whole of the units tells the life; the interval is around what a part of them tells, as wide as the others ask for."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def fitted(units: Sequence[int]) -> HistGradientBoostingRegressor:
        rows, lives = (np.concatenate([given[one] for one in units]) for given in (known, wanted))
        return HistGradientBoostingRegressor(random_state=seed).fit(rows, lives)

    life = np.clip(fitted(range(len(known))).predict(asked), 0.0, CAP_CYCLES)
    split = next(splits.by_asset(len(known), CALIBRATION_PARTS, seed))
    part, held = fitted(split.train.tolist()), split.test.tolist()
    missed = np.concatenate([np.abs(np.clip(part.predict(known[one]), 0.0, CAP_CYCLES) - wanted[one]) for one in held])
    weights = np.concatenate([np.full(len(wanted[one]), 1 / len(wanted[one])) for one in held])
    half = quantile(missed, weights, min(1.0, math.ceil((len(held) + 1) * LEVEL) / len(held)))
    middle = np.clip(part.predict(asked), 0.0, CAP_CYCLES)
    return Forecast(life, np.maximum(middle - half, 0.0), np.minimum(middle + half, CAP_CYCLES))


def _files(folder: Path, kind: str) -> dict[str, Path]:
    """The files of a kind by the name of their set."""
    return {match["name"]: path for path in once(list(folder.glob(f"{kind}_FD*"))) if (match := _FILE.fullmatch(path.name))}


def _units(path: Path) -> tuple[Unit, ...]:
    """Units of a file in the order of their numbers; csv with a header, or the blank-separated text of the original. Raises `DataDamaged`."""
    values = matrix(path) if ".txt" in path.name else numbers(path, table(path))
    if values.shape[1] != COLUMNS:
        raise DataDamaged(f"{path} has {values.shape[1]} columns; give unit, cycle, 3 settings and {COLUMNS - 5} sensors")
    order = np.lexsort((values[:, 1], values[:, 0]))
    values = values[order]
    cuts = np.flatnonzero(np.diff(values[:, 0])) + 1
    return tuple(Unit(rows[:, 2:5], rows[:, 5:]) for rows in np.split(values, cuts))


def _lives(path: Path, units: int) -> Floats:
    lives = matrix(path).ravel()
    if len(lives) != units:
        raise DataDamaged(f"{path} holds {len(lives)} lives for {units} units in its test file; give files that belong together")
    return lives


def _mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))


BENCHMARK = Cmapss()
