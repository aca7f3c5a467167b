"""Two things that follow a score row by row: the level it has kept for a time, and since when it has been other than usual.

Both are a few numbers that can be put down and taken up again. What is made of them is in `models/timeseries/alerting.py`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

NEARLY_S = 1e-6
"""Steps of a tenth of a second do not add up to whole minutes in binary."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A score, and how long the machine had been judged when it came."""

    ran_s: float
    score: float


class Held:
    """The least score of the last `persistence_s`: what the score has kept above, all that time.

    >>> held = Held(persistence_s=120.0)
    >>> [held.add(step_s, score) for step_s, score in ((0.0, 3.0), (60.0, 1.5), (60.0, 9.0), (60.0, 2.0), (60.0, 2.5))]
    [None, None, 1.5, 1.5, 2.0]
    """

    def __init__(self, persistence_s: float, ran_s: float = 0.0, window: Iterable[Kept] = ()) -> None:
        self._persistence_s = persistence_s
        self.ran_s = ran_s
        self._window = deque(window)

    def add(self, step_s: float, score: float) -> float | None:
        """The row's held score, None while fewer than `persistence_s` have been judged; `step_s`: judged since the row before."""
        self.ran_s += step_s
        while self._window and self._window[-1].score >= score:
            self._window.pop()
        self._window.append(Kept(self.ran_s, score))
        while self._window[0].ran_s < self.ran_s - self._persistence_s - NEARLY_S:
            self._window.popleft()
        return self._window[0].score if self.ran_s >= self._persistence_s - NEARLY_S else None

    def clear(self) -> None:
        """Begin anew."""
        self.ran_s = 0.0
        self._window.clear()

    @property
    def window(self) -> tuple[Kept, ...]:
        """Rows that may yet be the least; all that has to be kept."""
        return tuple(self._window)


class Left:
    """When a score left its usual range: the row after the last on which the sum of its excess over `usual` was nothing.

    That is where the change most likely was (Page, Continuous inspection schemes, Biometrika 41, 1954). A row adds no more than `most`, so
    that one spike is soon forgotten.

    >>> left = Left(usual=0.5)
    >>> for second, score in enumerate((0.2, 9.0, 0.1, 0.0, 0.0, 0.0, 0.7, 0.4, 0.9, 1.2)):
    ...     left.add(float(second), score)
    >>> left.since_s
    6.0
    """

    def __init__(self, usual: float, total: float = 0.0, since_s: float | None = None, most: float = 1.5) -> None:
        self._usual, self._most = usual, most
        self.total, self.since_s = total, since_s

    def add(self, now_s: float, score: float) -> None:
        """A row."""
        self.total = max(0.0, self.total + min(score - self._usual, self._most))
        if self.total == 0.0:
            self.since_s = None
        elif self.since_s is None:
            self.since_s = now_s

    def clear(self) -> None:
        """All is as usual."""
        self.total, self.since_s = 0.0, None
