"""Bearing faults on the recordings of Case Western Reserve University: which part is damaged, on a diameter of damage that was never seen.

Windows of 1,024 samples that do not overlap, each judged alone; the truth is in the file's name (RPM_fault_diameter_DE12). All windows of one
diameter are left out in turn, classes are judged over all of them together. Random windows of all files are asked besides, for the figure that is
often published: the same record is then in training and test, which leaks. The recording without damage is left out, its rate is in doubt.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factolake.domain.vibration import SKF_6205_2RS
from factolake.features.vibration import bands, shape
from models.evaluation.reading import reading
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics import classes
from models.timeseries.bearing_faults import QUARTERS_HZ, FaultSettings, Windows
from models.timeseries.signals import Floats, Numbers

NAME = re.compile(r"(?P<rpm>[1-9]\d{2,4})_(?P<fault>B|IR|OR)(?:@\d+)?_(?P<diameter>\d+)_DE12")
RATE_HZ = 12_000.0
WINDOW = 1024
SEEDS = (0, 1, 2, 3, 4)
TRAINED_SHARE = 0.75
"""Of the random windows that leak: how many train."""
EIGHTHS_HZ = tuple((750.0 * part, 750.0 * (part + 1)) for part in range(8))
THIRDS_HZ = ((500.0, 2500.0), (2500.0, 4500.0), (4000.0, 6000.0))
SEVEN_HZ = tuple((750.0 * part, 750.0 * part + 1500.0) for part in range(7))
CHOICES = tuple(
    FaultSettings(cut_hz, harmonics, shrinkage=shrinkage)
    for cut_hz in (QUARTERS_HZ, THIRDS_HZ, SEVEN_HZ)
    for harmonics in (2, 3, 4)
    for shrinkage in (0.0, 0.3, 0.6, 0.9, 1.0)
)
"""What `factolake_nested` chooses from in each fold, and what the defaults of `FaultSettings` were chosen from."""
FOREST = "random_forest"
FOREST_ON_RHYTHM = "random_forest_on_rhythm"
NESTED = "factolake_nested"

Names = classes.Names


@dataclass(frozen=True, slots=True)
class Question:
    """Windows to learn from with their `faults` and `diameters`, windows to name, and the seeds to answer with."""

    known: Windows
    faults: Names
    diameters: Numbers
    asked: Windows
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Faults:
    """The true fault of each window asked for; `leaks`: their records were also trained on."""

    faults: Names
    leaks: bool


Answer = list[Names]
"""For each seed, a fault for each window asked for."""


@dataclass(frozen=True, slots=True)
class Record:
    """All windows of one file."""

    samples: Floats
    rpm: float
    fault: str
    diameter: int


def records(folder: Path) -> list[Record]:
    """The files of drive-end faults in `folder`, in the order of their names. Raises `DataMissing` where there are none, and `DataDamaged`."""
    found = [_record(path, match) for path in sorted(folder.glob("*.npz")) if (match := NAME.fullmatch(path.stem))]
    if not found:
        raise DataMissing(f"no file in {folder} is named like 1797_IR_14_DE12.npz; give the folder of the recordings")
    return found


def _record(path: Path, match: re.Match[str]) -> Record:
    with reading(path, "arrays of numpy"), path.open("rb") as opened:
        file = np.load(opened, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it is one array, not arrays by name")
        with file:
            samples = np.asarray(file["DE"], dtype=np.float64).ravel()
    count = len(samples) // WINDOW
    if not count or not np.isfinite(samples).all():
        raise DataDamaged(
            f"{path} has {len(samples)} samples, {int((~np.isfinite(samples)).sum())} of them no number; give {WINDOW} or more, all finite"
        )
    return Record(samples[: count * WINDOW].reshape(count, WINDOW), float(match["rpm"]), match["fault"], int(match["diameter"]))


class Cwru:
    """The benchmark: one fold for each diameter left out, and one for each seed that parts windows at random."""

    name = "cwru"
    folder = "cwru_bearing"

    def folds(self, folder: Path, *, labels: bool = True) -> Iterable[Fold[Question, Faults]]:
        """See the module; the fault in a name is learned from, so that there is no asking without. Raises `DataMissing` and `DataDamaged`.

        A diameter is not asked where those left would not show two faults, and without two diameters or two faults there is nothing to ask.
        """
        found = records(folder)
        counts = [len(record.samples) for record in found]
        windows = Windows(
            np.concatenate([record.samples for record in found]), np.repeat([record.rpm for record in found], counts), RATE_HZ, SKF_6205_2RS
        )
        faults = np.repeat([record.fault for record in found], counts)
        diameters = np.repeat(np.array([record.diameter for record in found], dtype=np.int64), counts)
        if len(np.unique(diameters)) < 2:
            raise DataMissing(f"the files in {folder} are all of the diameter {found[0].diameter}; give two diameters or more")
        asked_diameters = [diameter for diameter in np.unique(diameters) if len(np.unique(faults[diameters != diameter])) > 1]
        if not asked_diameters:
            raise DataMissing(f"the files in {folder} show fewer than two faults, whichever diameter is left out; give more of B, IR and OR")
        for diameter in asked_diameters:
            yield _fold(windows, faults, diameters, diameters == diameter, SEEDS, leaks=False)
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(faults))
            asked = np.zeros(len(faults), dtype=np.bool_)
            asked[order[round(TRAINED_SHARE * len(faults)) :]] = True
            yield _fold(windows, faults, diameters, asked, (seed,), leaks=True)

    def contenders(self) -> Mapping[str, Callable[[Question], Answer]]:
        """Ours; ours with settings chosen anew in each fold; the forest on plain features, and the forest on what ours sees."""
        return {OWN: answer, NESTED: nested_answer, FOREST: forest_answer, FOREST_ON_RHYTHM: forest_answer_on_rhythm}

    def figures(self, judged: Sequence[tuple[Faults, Answer]]) -> Figures:
        """Over all diameters together, the mean of the seeds; and the accuracy of random windows, which leaks."""
        left_out = [(truth.faults, given) for truth, given in judged if not truth.leaks]
        leaking = [classes.accuracy(truth.faults, named) for truth, given in judged if truth.leaks for named in given]
        truth = np.concatenate([faults for faults, _ in left_out])
        by_seed = [np.concatenate([given[number] for _, given in left_out]) for number in range(len(SEEDS))]
        macro = [classes.macro_f1(truth, given) for given in by_seed]
        return {
            "macro_f1": float(np.mean(macro)),
            "macro_f1_lowest_seed": min(macro),
            "accuracy": float(np.mean([classes.accuracy(truth, given) for given in by_seed])),
            **{f"f1_{fault}": float(np.mean([classes.f1(truth, given, fault) for given in by_seed])) for fault in ("B", "IR", "OR")},
            "accuracy_of_random_windows_which_leaks": float(np.mean(leaking)),
        }

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """Macro-F1 of at least 0.60, and 0.08 above the forest on plain features."""
        own, peer = figures[OWN]["macro_f1"], figures[FOREST]["macro_f1"]
        return Bar("macro-F1", own, 0.60), Bar("macro-F1 above the random forest", own - peer, 0.08)


def _fold(
    windows: Windows, faults: Names, diameters: Numbers, asked: NDArray[np.bool_], seeds: tuple[int, ...], *, leaks: bool
) -> Fold[Question, Faults]:
    question = Question(windows.only(~asked), faults[~asked], diameters[~asked], windows.only(asked), seeds)
    return Fold(question, Faults(faults[asked], leaks))


def answer(question: Question) -> Answer:
    """Ours, with its defaults; it draws no random numbers, so seeds agree."""
    return [FaultSettings().fit(question.known, question.faults.tolist()).predict(question.asked)] * len(question.seeds)


def nested_answer(question: Question) -> Answer:
    """Ours, with the settings that name best the diameters of the known windows, each left out in turn."""
    evidence = {choice: replace(choice, shrinkage=0.0).evidence(question.known) for choice in CHOICES if choice.shrinkage == 0.0}
    best = max(CHOICES, key=lambda choice: _inner_f1(choice, evidence[replace(choice, shrinkage=0.0)], question))
    return [best.fit(question.known, question.faults.tolist()).predict(question.asked)] * len(question.seeds)


def _inner_f1(choice: FaultSettings, evidence: Floats, question: Question) -> float:
    named = question.faults.copy()
    for diameter in np.unique(question.diameters):
        out = question.diameters == diameter
        if len(np.unique(question.faults[~out])) < 2:
            return 0.0
        model = choice.fit_evidence(evidence[~out], question.faults[~out])
        named[out] = model.named(model.probabilities_of(evidence[out]))
    return classes.macro_f1(question.faults, named)


def plain_features(windows: Windows) -> Floats:
    """What a forest is given that knows nothing of bearings: figures of the waveform, and powers and shares of eight even bands of the spectrum."""
    powers = bands.powers(windows.samples, windows.rate_hz, EIGHTHS_HZ)
    figures = (shape.rms, shape.peak, shape.skewness, shape.kurtosis, shape.crest, shape.form, shape.impulse, shape.clearance)
    return np.column_stack([*(figure(windows.samples) for figure in figures), powers, powers / powers.sum(axis=1, keepdims=True)])


def forest_answer(question: Question) -> Answer:
    """A random forest with the defaults of scikit-learn on `plain_features`."""
    return _forest(plain_features(question.known), plain_features(question.asked), question)


def forest_answer_on_rhythm(question: Question) -> Answer:
    """The same forest on our evidence: how much of ours is what is looked at, and how much how it is judged."""
    return _forest(FaultSettings().evidence(question.known), FaultSettings().evidence(question.asked), question)


def _forest(known: Floats, asked: Floats, question: Question) -> Answer:
    from sklearn.ensemble import RandomForestClassifier

    return [RandomForestClassifier(random_state=seed).fit(known, question.faults).predict(asked) for seed in question.seeds]


BENCHMARK = Cwru()
