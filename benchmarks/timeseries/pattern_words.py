"""What a signal does, as one of a few words: where its smoothed rest lies, and where it has been going, by quantiles of the fit.

As in SAX (Lin, Keogh, Wei and Lonardi, Data Mining and Knowledge Discovery 15, 2007), but of rests (`models/timeseries/machine/expected.py`), so that
a word means the same whatever the machine makes. Which words follow which is in `pattern_chances.py`, sentences of them are in `pattern_said.py`.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.timeseries.signals import Floats, Numbers

LEVELS = (0.002, 0.02, 0.15, 0.85, 0.98, 0.998)
SLOPES = (0.02, 0.15, 0.85, 0.98)
WORDS = (len(LEVELS) + 1) * (len(SLOPES) + 1)
"""How many a signal has."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Edges of the bins, signals x edges, of smoothed rests and of their change over `span_rows`.

    >>> rising = np.arange(1000.0)[None]
    >>> alphabet = Alphabet.of(rising, span_rows=1)
    >>> [divmod(int(word), 5) for word in alphabet.words(rising)[0, [0, 500, 998]]]
    [(0, 0), (3, 0), (6, 0)]
    """

    levels: Floats
    slopes: Floats
    span_rows: int

    @classmethod
    def of(cls, smoothed: Floats, span_rows: int) -> Self:
        """By signals x rows on end."""
        change = smoothed[:, span_rows:] - smoothed[:, :-span_rows]
        return cls(np.quantile(smoothed, LEVELS, axis=1).T, np.quantile(change, SLOPES, axis=1).T, span_rows)

    def words(self, smoothed: Floats) -> Numbers:
        """Of all but the first `span_rows` rows, signals x rows: level and slope as one number."""
        now = smoothed[:, self.span_rows :]
        change = now - smoothed[:, : now.shape[1]]
        levels = [np.searchsorted(edges, at) for edges, at in zip(self.levels, now, strict=True)]
        slopes = [np.searchsorted(edges, by) for edges, by in zip(self.slopes, change, strict=True)]
        return np.array(levels, dtype=np.int64) * (len(SLOPES) + 1) + np.array(slopes, dtype=np.int64)
