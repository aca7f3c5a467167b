"""Metrics of classes agree with scikit-learn, and say NaN where there is nothing to say."""

import math

import numpy as np
import pytest

from models.metrics import classes


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn.metrics import accuracy_score, f1_score, recall_score

    rng = np.random.default_rng(seed)
    truth, given = rng.choice(["a", "b", "c"], 60), rng.choice(["a", "b", "d"], 60)
    assert classes.accuracy(truth, given) == pytest.approx(accuracy_score(truth, given))
    assert classes.macro_f1(truth, given) == pytest.approx(f1_score(truth, given, average="macro"))
    assert classes.f1(truth, given, "a") == pytest.approx(f1_score(truth, given, average=None, labels=["a"])[0])
    assert classes.recall(truth, given, "b") == pytest.approx(recall_score(truth, given, average=None, labels=["b"])[0])


def test_nothing_is_nan() -> None:
    nothing = np.array([], dtype=np.str_)
    some = np.array(["a"])
    assert math.isnan(classes.accuracy(nothing, nothing))
    assert math.isnan(classes.macro_f1(nothing, nothing))
    assert math.isnan(classes.f1(some, some, "b"))
    assert math.isnan(classes.recall(some, some, "b"))
