"""What a benchmark is, and how one is run: every contender, ours and each peer, answers the same folds, and truth is joined afterwards.

A fold parts what may be seen from the truth, so that no contender can read a label. The benchmarks themselves are modules beside this one; `table`
says which there are.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from factolake.errors import Permanent
from models.timeseries.signals import CannotLearn

Seen = TypeVar("Seen")
Truth = TypeVar("Truth")
Answer = TypeVar("Answer")
OWN = "factolake"

Figures = Mapping[str, float]
"""What one contender reached, by the name of the measure. NaN: not measurable with the data that was there."""


@dataclass(frozen=True, slots=True)
class Fold(Generic[Seen, Truth]):
    """One question: `seen` goes to the contenders, `truth` to the judge alone; None where the data hold no labels."""

    seen: Seen
    truth: Truth | None


@dataclass(frozen=True, slots=True)
class Bar:
    """What has to be reached: `value` at least `at_least` and at most `at_most`. A value that is NaN reaches nothing."""

    name: str
    value: float
    at_least: float = -math.inf
    at_most: float = math.inf

    @property
    def is_reached(self) -> bool:
        """Whether the value keeps its limits."""
        return self.at_least <= self.value <= self.at_most


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: every contender's figures and CPU seconds, and the bars of ours."""

    name: str
    cases: int
    figures: Mapping[str, Figures]
    cpu_s: Mapping[str, float]
    bars: tuple[Bar, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def is_reached(self) -> bool:
        """Whether all bars are reached."""
        return bool(self.bars) and all(bar.is_reached for bar in self.bars)


class Benchmark(Protocol[Seen, Truth, Answer]):
    """One set of recorded data with its protocol: `folder` is its place in the folder of all data."""

    name: str
    folder: str

    def folds(self, folder: Path, *, labels: bool = True) -> Iterable[Fold[Seen, Truth]]:
        """The questions that the files in `folder` allow, in the order of their names; without `labels` those of what is asked are not looked at.

        Raises `DataMissing` where there are none and `DataDamaged` where a file is not what it should be.
        """
        ...

    def contenders(self) -> Mapping[str, Callable[[Seen], Answer]]:
        """Who answers: ours by the name `factolake`, and the peers."""
        ...

    def figures(self, judged: Sequence[tuple[Truth, Answer]]) -> Figures:
        """What a contender reached with its answers."""
        ...

    def bars(self, figures: Mapping[str, Figures]) -> tuple[Bar, ...]:
        """What ours has to reach, given every contender's figures."""
        ...


class DataMissing(Exception):
    """A set's files are not where they were looked for, or too few to ask anything."""


class DataDamaged(Permanent):
    """A file of a set is not what it should be: which one, what was seen, what to do."""


def evaluated(benchmark: Benchmark[Seen, Truth, Answer], folder: Path) -> Row:
    """Let every contender answer every fold, then judge. Raises `DataMissing` and `DataDamaged`."""
    folds = [fold for fold in benchmark.folds(folder) if fold.truth is not None]
    if not folds:
        raise DataMissing(f"the files of {benchmark.name} in {folder} hold no labels to judge by; use `factolake models score` for files without")
    figures: dict[str, Figures] = {}
    cpu_s: dict[str, float] = {}
    for name, answer in benchmark.contenders().items():
        began = time.process_time()
        answers = [_answer(benchmark, folder, answer, fold) for fold in folds]
        cpu_s[name] = round(time.process_time() - began, 2)
        figures[name] = benchmark.figures([(fold.truth, given) for fold, given in zip(folds, answers, strict=True) if fold.truth is not None])
    return Row(benchmark.name, len(folds), figures, cpu_s, benchmark.bars(figures))


def answered(benchmark: Benchmark[Seen, Truth, Answer], folder: Path) -> list[Answer]:
    """Our answers to every fold; labels of what is asked are not looked at. Raises `DataMissing` and `DataDamaged`."""
    own = benchmark.contenders()[OWN]
    return [_answer(benchmark, folder, own, fold) for fold in benchmark.folds(folder, labels=False)]


def _answer(benchmark: Benchmark[Seen, Truth, Answer], folder: Path, answer: Callable[[Seen], Answer], fold: Fold[Seen, Truth]) -> Answer:
    try:
        return answer(fold.seen)
    except CannotLearn as error:
        raise DataDamaged(f"the files of {benchmark.name} in {folder} are too little to learn from: {error}") from error
