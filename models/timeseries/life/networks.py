"""A small neural network as plain arrays: scikit-learn fits it, three lines of numpy answer, and it is stored as lists of numbers."""

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.timeseries.signals import Floats


@dataclass(frozen=True, slots=True)
class Network:
    """Rectified linear layers: `layers` are weights, inputs x outputs, with the biases as their last row; inputs and answer are normalised."""

    means: Floats
    spreads: Floats
    layers: tuple[Floats, ...]
    middle: float
    spread: float

    @classmethod
    def fit(cls, features: Floats, wanted: Floats, hidden: tuple[int, ...], penalty: float, epochs: int, seed: int) -> Self:
        """Least squares with a `penalty` on squared weights, by Adam in `epochs` passes over the rows."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        means, spreads = features.mean(axis=0), features.std(axis=0)
        spreads[spreads == 0] = 1.0
        middle, spread = float(wanted.mean()), float(wanted.std()) or 1.0
        model = MLPRegressor(
            hidden_layer_sizes=hidden, alpha=penalty, max_iter=epochs, learning_rate_init=3e-3, batch_size=min(128, len(wanted)), random_state=seed
        )
        # A fixed number of passes is the plan, not a failure to converge.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((features - means) / spreads, (wanted - middle) / spread)
        layers = tuple(np.vstack([weights, biases]) for weights, biases in zip(model.coefs_, model.intercepts_, strict=True))
        return cls(means, spreads, layers, middle, spread)

    def predict(self, features: Floats) -> Floats:
        """An answer for each row."""
        values = (features - self.means) / self.spreads
        for number, layer in enumerate(self.layers):
            values = (values if number == 0 else np.maximum(values, 0.0)) @ layer[:-1] + layer[-1]
        return np.asarray(values[:, 0] * self.spread + self.middle)
