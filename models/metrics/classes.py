"""How answers of one class each stand to the true classes: accuracy, recall of a class, and F1 averaged over classes."""

import math

import numpy as np
from numpy.typing import NDArray

Names = NDArray[np.str_]


def accuracy(truth: Names, given: Names) -> float:
    """Share of answers that are true, 0 to 1; NaN where there are none.

    >>> accuracy(np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"]))
    0.75
    """
    return float(np.mean(truth == given)) if len(truth) else math.nan


def recall(truth: Names, given: Names, name: str) -> float:
    """Share of what truly is `name` that is answered so, 0 to 1; NaN where nothing is.

    >>> recall(np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"]), "a")
    0.5
    """
    return accuracy(truth[truth == name], given[truth == name])


def f1(truth: Names, given: Names, name: str) -> float:
    """Harmonic mean of precision and recall of one class, `2 hits / (true + answered)`, 0 to 1; NaN where nothing is it and nothing is called so."""
    hits = int(np.sum((truth == name) & (given == name)))
    named = int(np.sum(truth == name) + np.sum(given == name))
    return 2 * hits / named if named else math.nan


def macro_f1(truth: Names, given: Names) -> float:
    """Mean F1 of all classes that are true or answered anywhere, each weighing the same, 0 to 1; NaN where there are no answers.

    >>> round(macro_f1(np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"])), 4)
    0.7333
    """
    names = np.union1d(truth, given)
    return float(np.mean([f1(truth, given, str(name)) for name in names])) if len(names) else math.nan
