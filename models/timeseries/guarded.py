"""Scores that can be worked with, whatever a model does: one that raises, takes too long or answers in another shape is a sentence, and a row that
it has no number for is unscored.

What is sound comes back as it is, bit by bit.
"""

import numpy as np

from models.contract import Scorer
from models.timeseries.alerting import MOST
from models.timeseries.signals import Scores, Signals, Unscored
from models.within import within

_LEAST = -1e-6
"""Sums that come to nothing may end a rounding below it."""


class CannotScore(ValueError):
    """A model raised, took too long, or said no scores at all."""


def scores_of(scorer: Scorer, signals: Signals, limit_s: float) -> Scores:
    """Scores of the rows that follow; one that is called scored and has no number from 0 on, or the other way round, is MODEL_FAILED.

    Raises CannotScore.
    """
    try:
        with within(limit_s):
            found = scorer.score(signals)
        _check_shapes(found, signals)
    except Exception as cause:  # whatever a model says of rows that it cannot take
        raise CannotScore(f"{type(cause).__name__} {' '.join(str(cause).split())[:200]}") from cause
    failed = ~np.where(found.why == Unscored.SCORED, found.score >= _LEAST, np.isnan(found.score))
    if not failed.any() and not np.isposinf(found.score).any():
        return found
    lost = np.where(failed, np.nan, 1.0)
    return Scores(
        np.minimum(found.score, MOST) * lost,
        np.where(failed, int(Unscored.MODEL_FAILED), found.why),
        np.clip(found.parts, -MOST, MOST) * lost[:, None],
    )


def unscored(signals: Signals) -> Scores:
    """Of rows that a model could not score at all."""
    rows = len(signals.seconds)
    return Scores(np.full(rows, np.nan), np.full(rows, int(Unscored.MODEL_FAILED)), np.full(signals.values.shape, np.nan))


def _check_shapes(scores: Scores, signals: Signals) -> None:
    rows = len(signals.seconds)
    if scores.score.shape != (rows,) or scores.why.shape != (rows,) or scores.parts.shape != signals.values.shape:
        raise ValueError(f"scores of shape {scores.score.shape}, reasons {scores.why.shape}, parts {scores.parts.shape} for {signals.values.shape}")
    if scores.score.dtype != np.float64 or scores.parts.dtype != np.float64 or not np.issubdtype(scores.why.dtype, np.integer):
        raise ValueError(f"scores of {scores.score.dtype}, parts of {scores.parts.dtype} and reasons of {scores.why.dtype} are no scores")
    if rows and not 0 <= int(scores.why.min()) <= int(scores.why.max()) <= max(Unscored):
        raise ValueError(f"reasons from {scores.why.min()} to {scores.why.max()}; there are 0 to {max(Unscored):d}")
