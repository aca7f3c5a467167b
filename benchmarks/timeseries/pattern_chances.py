"""How likely a signal's next word is, given its word before and what the signal that tells most about it does now, counted in the fit.

Counts back off to shorter contexts by additive smoothing (MacKay and Peto, Natural Language Engineering 1, 1995): of a context seen `n` times the
chance is `(count + kappa * shorter) / (n + kappa)`. Minutes are alike, so `kappa` is as many of them as tell about as much as one.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.timeseries.signals import Floats, Numbers

HALF_ROWS = 1440
"""Partners are chosen by every other so many rows, and tried on those between."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Of one signal: how often each `key`, (before x `words` + partner's) x `words` + now, was seen; `partner` -1: none tells anything."""

    partner: int
    words: int
    kappa: float
    key: Floats
    count: Floats

    @classmethod
    def of(cls, before: Numbers, beside: Numbers | None, now: Numbers, partner: int, words: int, kappa: float) -> Self:
        """Counted; `beside` are the partner's words."""
        key, count = np.unique((before * words + (0 if beside is None else beside)) * words + now, return_counts=True)
        return cls(partner, words, kappa, key.astype(np.float64), count.astype(np.float64))

    def table(self) -> Floats:
        """Chances by context and word, contexts x words; contexts are the word before, with the partner's where there is one."""
        words = self.words
        seen = np.zeros((words, words, words))
        seen.reshape(-1)[self.key.astype(np.int64)] = self.count
        alone = _smoothed(seen.sum(axis=(0, 1))[None], np.full((1, words), 1 / words), float(words))
        after = _smoothed(seen.sum(axis=1), alone, self.kappa)
        return after if self.partner < 0 else _smoothed(seen, after[:, None], self.kappa).reshape(-1, words)

    def context(self, before: Numbers, beside: Numbers) -> Numbers:
        """Rows of `table`."""
        return before if self.partner < 0 else before * self.words + beside

    def beside(self, word: int) -> Floats:
        """How often each word was seen while the partner's was `word`; without a partner, at all."""
        seen = np.zeros((self.words, self.words, self.words))
        seen.reshape(-1)[self.key.astype(np.int64)] = self.count
        return np.asarray(seen.sum(axis=(0, 1)) if self.partner < 0 else seen[:, word].sum(axis=0))


def partner_of(place: int, now: Numbers, words: int, kappa: float) -> int:
    """The signal whose word tells most about that of the signal at `place` in rows that it was not counted in; -1: none does."""
    tried = np.arange(now.shape[1]) // HALF_ROWS % 2 == 1
    own, found, most = now[place], -1, 0.0
    if tried.all() or not tried.any():
        return found
    alone = _smoothed(np.bincount(own, minlength=words)[None].astype(np.float64), np.full((1, words), 1 / words), float(words))
    for other in range(len(now)):
        seen = np.bincount(now[other][~tried] * words + own[~tried], minlength=words * words).reshape(words, words).astype(np.float64)
        told = _smoothed(seen, alone, kappa)[now[other][tried], own[tried]]
        gain = float(np.mean(np.log2(told) - np.log2(alone[0, own[tried]])))
        if other != place and gain > most:
            found, most = other, gain
    return found


def _smoothed(seen: Floats, shorter: Floats, kappa: float) -> Floats:
    return np.asarray((seen + kappa * shorter) / (seen.sum(axis=-1, keepdims=True) + kappa))
