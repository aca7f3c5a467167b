"""What every detector keeps to, whatever its idea: settings fit a model, a model scores blocks or a stream, and both give the same bits.

Laws in `tests/models/timeseries/test_laws.py` hold each of them to it: rows that come later change no score (nothing sees the future), blocks of any
size give the same bits, the order of signals does not matter, inputs stay as they are, the same data fit the same model, and a model
written as JSON and read again scores the same.
"""

from typing import Protocol, Self

from models.timeseries.signals import Scores, Signals


class Scorer(Protocol):
    """A model at work on one asset's rows as they come; it remembers what it needs of the rows before."""

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before."""
        ...


class Detector(Protocol):
    """A fitted model: arrays and numbers, no more."""

    def scorer(self) -> Scorer:
        """A new beginning, with no rows before."""
        ...

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON; numbers keep every bit."""
        ...

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        ...


class Settings(Protocol):
    """What a detector is fitted with: a frozen value with a range in words and in a check for each number."""

    def fit(self, signals: Signals) -> Detector:
        """A detector that takes `signals` for usual. Raises ValueError where they are too few, and says how many it needs."""
        ...
