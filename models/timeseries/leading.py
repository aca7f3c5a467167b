"""Which signal has the largest part in each row's score."""

from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats, Numbers, Scores


@dataclass(frozen=True, slots=True)
class Leading:
    """By row: the place of the signal with the largest part, -1 where no part is known, and its share of all parts (NaN there)."""

    place: Numbers
    share: Floats


def leading(scores: Scores) -> Leading:
    """Of each row with a score; a part below nothing counts as none, and of equal parts the first signal leads.

    >>> scores = Scores(np.array([1.0, np.nan]), np.array([0, 2]), np.array([[1.0, 3.0], [np.nan, np.nan]]))
    >>> leading(scores)
    Leading(place=array([ 1, -1]), share=array([0.75,  nan]))
    """
    parts = np.where(np.isfinite(scores.parts), np.maximum(scores.parts, 0.0), 0.0)
    total = np.zeros(len(parts))
    for column in parts.T:  # one after the other, so that a row alone has the bits it has in a block
        total = total + column
    known = ~np.isnan(scores.score) & (total > 0)
    place = np.where(known, parts.argmax(axis=1), -1).astype(np.int64)
    share = np.divide(parts.max(axis=1, initial=0.0), total, out=np.full(len(parts), np.nan), where=known)
    return Leading(place, share)
