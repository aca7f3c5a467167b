"""Whatever a model does, what comes out is scores that can be worked with, or a sentence."""

import signal
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from models.timeseries.guarded import MOST, CannotScore, scores_of, unscored
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import Scores, Signals, Unscored
from models.within import TookTooLong, within

SIGNALS = Signals.of(("a", "b"), np.random.default_rng(1).normal(size=(400, 2)))
FOUR = SIGNALS.rows(0, 4)
PARTS = np.zeros((4, 2))


class Says:
    """A scorer that answers what `answer` makes."""

    def __init__(self, answer: Callable[[], Scores]) -> None:
        self._answer = answer

    def score(self, signals: Signals) -> Scores:
        return self._answer()


def found(score: list[float], why: list[int], parts: object = PARTS) -> Scores:
    return scores_of(Says(lambda: Scores(np.array(score), np.array(why), parts)), FOUR, 5.0)  # type: ignore[arg-type]


def test_sound_scores_come_back_as_they_are() -> None:
    model = PcaSettings(lags_rows=2, false_share=0.05).fit(SIGNALS)
    plain, guarded = model.scorer().score(SIGNALS), scores_of(model.scorer(), SIGNALS, 5.0)
    assert np.isnan(guarded.score[0]) and guarded.why[0] == Unscored.TOO_FEW_ROWS
    for name in ("score", "why", "parts"):
        assert getattr(plain, name).tobytes() == getattr(guarded, name).tobytes()


def test_a_row_without_a_number_is_unscored_and_the_others_keep_theirs() -> None:
    scores = found([0.5, np.nan, -0.1, 0.7], [0, 0, 0, 2])
    assert scores.why.tolist() == [Unscored.SCORED, *[Unscored.MODEL_FAILED] * 3]
    np.testing.assert_array_equal(scores.score, [0.5, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(np.isnan(scores.parts).any(axis=1), [False, True, True, True])


def test_infinity_is_taken_for_the_largest_score_and_a_rounding_below_nothing_for_a_score() -> None:
    scores = found([np.inf, -1e-12, 0.0, 2.0], [0, 0, 0, 0], np.array([[np.inf, -np.inf], [0, 0], [0, 0], [1, 1]]))
    assert scores.score.tolist() == [MOST, -1e-12, 0.0, 2.0] and set(scores.why.tolist()) == {Unscored.SCORED}
    assert scores.parts[0].tolist() == [MOST, -MOST]


@pytest.mark.parametrize(
    ("score", "why", "parts", "says"),
    [
        ([0.1, 0.2], [0, 0], PARTS, r"scores of shape \(2,\)"),
        ([0.1] * 4, [0] * 4, np.zeros((4, 3)), r"parts \(4, 3\) for \(4, 2\)"),
        ([0.1] * 4, [0, 0, 0, 9], PARTS, "reasons from 0 to 9"),
        ([1, 2, 3, 4], [0] * 4, PARTS, "scores of int64"),
        ([0.1] * 4, [0] * 4, None, "AttributeError"),
    ],
)
def test_what_is_no_answer_is_refused_in_a_sentence(score: list[float], why: list[int], parts: object, says: str) -> None:
    with pytest.raises(CannotScore, match=says):
        found(score, why, parts)


def test_an_error_and_a_sleep_become_a_sentence() -> None:
    def raises() -> Scores:
        raise KeyError("a\nb")

    def sleeps() -> Scores:
        time.sleep(60)
        return unscored(FOUR)

    with pytest.raises(CannotScore, match=r"^KeyError 'a\\nb'$"):
        scores_of(Says(raises), FOUR, 5.0)
    with pytest.raises(CannotScore, match=r"^TookTooLong it had not ended after 0\.05 s$"):
        scores_of(Says(sleeps), FOUR, 0.05)


def test_rows_nobody_could_score_say_so() -> None:
    scores = unscored(FOUR)
    assert set(scores.why.tolist()) == {Unscored.MODEL_FAILED} and np.isnan(scores.score).all() and np.isnan(scores.parts).all()


def test_a_limit_leaves_the_one_around_it_and_its_handler_as_they_were() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    around = signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with within(30.0):
            pass
        with pytest.raises(TookTooLong), within(0.02):
            time.sleep(60)
        until = time.monotonic() + 20
        while not rung and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *around)
    assert rung == [signal.SIGALRM]


def test_in_another_thread_nothing_is_limited_and_nothing_fails() -> None:
    said: list[str] = []

    def work() -> None:
        with within(0.001):
            time.sleep(0.02)
            said.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == ["done"]
