"""Remaining life of an asset of a certain age, chosen to pay most under a score, learned from few assets that ran to failure.

The law has two or three numbers, `left = age exp(level) (age / typical)^-fade exp(-pull health)`: fade 0 says that an asset lives on for a share of
its age (Lindy), fade 1 that each has as much left as any other. They are the ones that would have scored best on the assets to learn from, looked at
over their whole lives. A health index has a say only where it pays on assets that were left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats

LEVELS = np.round(np.linspace(-3.0, 1.5, 46), 10)
FADES = np.round(np.linspace(-0.5, 3.0, 36), 10)
PULLS = np.round(np.linspace(0.0, 3.0, 13), 10)
"""None below 0: an asset that is worn more has no more life left."""
Score = Callable[[Floats, Floats], Floats]
"""Of predicted and true remaining lives: one value each, higher is better."""


@dataclass(frozen=True, slots=True)
class Life:
    """An asset at `ages` of its life, above 0 in any unit, with its health indices by name at these ages."""

    ages: Floats
    health: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class ScoredLife:
    """A fitted law, `typical` is an age in the middle of those it was learned from; `index` names the health index that has a say, None: none has."""

    typical: float
    level: float
    fade: float
    pull: float = 0.0
    index: str | None = None

    def left(self, life: Life) -> Floats:
        """Remaining life at each age, in the unit of the ages.

        >>> ScoredLife(typical=100.0, level=0.0, fade=0.5).left(Life(np.array([25.0, 100.0]), {}))
        array([ 50., 100.])
        """
        health = life.health[self.index] if self.index else 0.0
        return np.asarray(life.ages * np.exp(self.level - self.fade * np.log(life.ages / self.typical) - self.pull * health))


@dataclass(frozen=True, slots=True)
class ScoredLifeSettings:
    """`breadth`, 0 or more: laws so many steps of the grid around have a vote, so that no law wins by a few lucky hits. `errors`, 0 or more: a health
    index has to better the score of assets left out by so many standard errors of the mean over assets.

    Set beforehand: the smallest breadth there is, and the usual rule of one standard error. On six bearings of PRONOSTIA breadths of 0 to 3, with
    errors of 0 or 1 or no index at all, score 0.13 to 0.20 without any order: that is noise, and none of them was chosen by it.
    """

    breadth: int = 1
    errors: float = 1.0

    def __post_init__(self) -> None:
        if self.breadth < 0 or self.errors < 0:
            raise ValueError(f"breadth and errors must be 0 or more, got {self}")

    def fit(self, lives: Sequence[Life], left: Sequence[Floats], score: Score) -> ScoredLife:
        """The law of `lives`, each with what was `left` at its ages. Raises ValueError where there is none."""
        if not lives:
            raise ValueError("no life was given; give at least one asset that ran to failure")
        # In the middle of the ages a step of `fade` moves the young and the old alike; at their end it would move the young by a factor.
        typical = float(np.exp(np.mean([np.log(life.ages).mean() for life in lives])))
        names = sorted(set.intersection(*(set(life.health) for life in lives)))
        by_age = self._table(lives, left, score, typical, None)
        best, table, most = None, by_age, 0.0
        for name in names if len(lives) > 2 else []:
            found = self._table(lives, left, score, typical, name)
            gain = _unseen(found) - _unseen(by_age)
            sure = float(gain.mean() - self.errors * gain.std(ddof=1) / np.sqrt(len(gain)))
            if sure > most:
                best, table, most = name, found, sure
        level, fade, pull = np.unravel_index(int(table.sum(axis=0).argmax()), table.shape[1:])
        pulls = float(PULLS[pull]) if best else 0.0
        return ScoredLife(typical, float(LEVELS[level]), float(FADES[fade]), pulls, best if pulls else None)

    def _table(self, lives: Sequence[Life], left: Sequence[Floats], score: Score, typical: float, name: str | None) -> Floats:
        """Mean score of each life by each law: lives x levels x fades x pulls."""
        pulls = PULLS if name else np.zeros(1)
        found = np.empty((len(lives), len(LEVELS), len(FADES), len(pulls)))
        for number, (life, rest) in enumerate(zip(lives, left, strict=True)):
            aged = np.log(life.ages) - FADES[:, None, None] * np.log(life.ages / typical)
            logs = aged - pulls[:, None] * (life.health[name] if name else np.zeros(len(life.ages)))
            for place, level in enumerate(LEVELS):
                found[number, place] = score(np.exp(level + logs), rest).mean(axis=-1)
        return _broad(found, self.breadth)


def _unseen(table: Floats) -> Floats:
    """Score of each life by the law that is best for the others."""
    others = (table.sum(axis=0) - table).reshape(len(table), -1)
    return np.asarray(table.reshape(len(table), -1)[np.arange(len(table)), others.argmax(axis=1)])


def _broad(table: Floats, breadth: int) -> Floats:
    """Means over neighbours along each axis of laws; at the edge the law there stands for those beyond it."""
    for axis in range(1, table.ndim):
        if breadth and table.shape[axis] > 1:
            padded = np.pad(table, [(breadth, breadth) if one == axis else (0, 0) for one in range(table.ndim)], mode="edge")
            table = np.lib.stride_tricks.sliding_window_view(padded, 2 * breadth + 1, axis=axis).mean(axis=-1)
    return table
