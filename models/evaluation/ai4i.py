"""Machine failure on AI4I 2020, a smoke test: the set is synthetic and its failures follow simple rules, so that a good figure is no evidence.

Three times five stratified folds. What is seen are the kind of product, two temperatures, speed, torque and wear; the numbers of rows and products
and the five columns of failure modes are left out. The peers are gradient boosting of scikit-learn with its defaults, both kinds, on the columns as
they are. Ours is the kind that looks at every value, with its defaults too, on quantities that a process engineer would form of these columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from models.evaluation.reading import numbers, once, table
from models.evaluation.suite import OWN, Bar, DataDamaged, DataMissing, Figures, Fold
from models.metrics import classes
from models.timeseries.signals import Floats, Numbers

COLUMNS = ("Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]")
KIND, FAILED = "Type", "Machine failure"
KINDS = {"L": 0.0, "M": 1.0, "H": 2.0}
"""Grades of the product, low to high: a better one stands more strain."""
FILES = ("ai4i2020.csv", "ai4i2020.csv.gz")
FOLDS, REPEATS = 5, 3
PEERS = ("hist_gradient_boosting", "gradient_boosting")


@dataclass(frozen=True, slots=True)
class Question:
    """Rows that learn with whether they `failed`, rows that are asked, and the seed of the fold; columns: kind, then `COLUMNS`."""

    known: Floats
    failed: Numbers
    asked: Floats
    seed: int


def process_features(rows: Floats) -> Floats:
    """The columns, and what they make together.

    Air cools the process: their difference in K, and with the speed, which drives the flow. Power at the shaft in W, `torque * speed * 2 pi / 60`.
    Strain of the tool in min Nm, `wear * torque`, as it is and less for a better product; each next grade is taken to stand a twelfth more.

    >>> process_features(np.array([[0.0, 300.0, 310.0, 1500.0, 40.0, 100.0]]))[0, 6:].round(1).tolist()
    [10.0, 15000.0, 6283.2, 4000.0, 4000.0]
    """
    kind, air_k, process_k, speed_rpm, torque_nm, wear_min = rows.T
    strain = wear_min * torque_nm
    power_w = torque_nm * speed_rpm * 2 * np.pi / 60
    warmer_k = process_k - air_k
    return np.column_stack([rows, warmer_k, warmer_k * speed_rpm, power_w, strain, strain / (1 + kind / 12)])


class Classifier(Protocol):
    """What is used of a classifier of scikit-learn."""

    def fit(self, rows: Floats, wanted: Numbers) -> Self:
        """Learn."""
        ...

    def predict_proba(self, rows: Floats) -> Floats:
        """Chances of each class, rows x classes."""
        ...


class Ai4i:
    """The benchmark: an answer is a score for each row asked, higher is more likely to fail."""

    name = "ai4i"
    folder = "ai4i2020"

    def folds(self, folder: Path, *, labels: bool = True) -> Iterator[Fold[Question, Numbers]]:
        """Fifteen questions; they show `Machine failure` of rows to learn from, so that there is no asking without.

        Raises `DataMissing` and `DataDamaged`.
        """
        from sklearn.model_selection import RepeatedStratifiedKFold

        files = once([path for path in folder.glob("ai4i2020.csv*") if path.name in FILES])
        if not files:
            raise DataMissing(f"{folder} holds no {' or '.join(FILES)}; give the folder of the AI4I 2020 file")
        rows, failed = _rows(files[0])
        parted = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
        for number, (train, test) in enumerate(parted.split(rows, failed)):
            yield Fold(Question(rows[train], failed[train], rows[test], number), failed[test])

    def contenders(self) -> Mapping[str, Callable[[Question], Floats]]:
        """Ours and both peers."""
        hist, plain = PEERS
        return {OWN: answer, hist: hist_boosted, plain: plain_boosted}

    def figures(self, judged: Sequence[tuple[Numbers, Floats]]) -> Figures:
        """Means over the folds; F1 at even chances."""
        from sklearn.metrics import average_precision_score

        precision = [float(average_precision_score(failed, score)) for failed, score in judged]
        f1 = [classes.f1(failed.astype(np.str_), (score >= 0.5).astype(np.int64).astype(np.str_), "1") for failed, score in judged]
        return {"average_precision": float(np.mean(precision)), "average_precision_lowest": min(precision), "f1": float(np.mean(f1))}

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """Average precision of 0.05 above the stronger peer."""
        peer = max(figures[name]["average_precision"] for name in PEERS)
        return (Bar("average precision above the stronger peer's", figures[OWN]["average_precision"] - peer, 0.05),)


def _rows(path: Path) -> tuple[Floats, Numbers]:
    """Rows x (kind, `COLUMNS`), and which of them failed. Raises `DataDamaged`."""
    read = table(path, (KIND, *COLUMNS, FAILED))
    rows = numbers(path, read[[KIND, *COLUMNS]].assign(**{KIND: read[KIND].map(lambda kind: KINDS.get(kind, kind))}))
    failed = numbers(path, read[[FAILED]])[:, 0]
    counts = [int((failed == value).sum()) for value in (0, 1)]
    if sum(counts) != len(failed) or min(counts) < FOLDS:
        raise DataDamaged(
            f"{path} has {counts[1]} rows with {FAILED} 1 and {counts[0]} with 0, of {len(failed)}; give {FOLDS} or more of each, no other"
        )
    return rows, failed.astype(np.int64)


def answer(question: Question) -> Floats:
    """Ours: boosting with its defaults on `process_features`."""
    return plain_boosted(replace(question, known=process_features(question.known), asked=process_features(question.asked)))


def hist_boosted(question: Question) -> Floats:
    """The peer that bins its columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _chances(HistGradientBoostingClassifier(random_state=question.seed), question)


def plain_boosted(question: Question) -> Floats:
    """The peer that looks at every value."""
    from sklearn.ensemble import GradientBoostingClassifier

    return _chances(GradientBoostingClassifier(random_state=question.seed), question)


def _chances(model: Classifier, question: Question) -> Floats:
    return np.asarray(model.fit(question.known, question.failed).predict_proba(question.asked)[:, 1], dtype=np.float64)


BENCHMARK = Ai4i()
