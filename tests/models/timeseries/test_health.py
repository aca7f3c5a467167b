"""A health index begins at 0, never falls, sees no future, and does not mind single peaks or missing values."""

import numpy as np
import pytest

from models.timeseries.health import HealthSettings, trailing_medians
from models.timeseries.signals import Floats


def worn(rows: int = 400, seed: int = 0) -> Floats:
    """Two features with noise; the second doubles over the life and is five times as large at its end."""
    noise = np.exp(0.05 * np.random.default_rng(seed).normal(size=(rows, 2)))
    noise[:, 1] *= np.linspace(1.0, 2.0, rows)
    noise[-20:, 1] *= 2.5
    return noise * [0.3, 7.0]


def test_it_begins_new_never_falls_and_ends_worn() -> None:
    index = HealthSettings().index(worn())
    assert (index[:30] == 0).all() and (np.diff(index) >= 0).all() and index[-1] == 1.0
    assert 0.4 < index[375] < 0.6


def test_no_row_depends_on_a_later_one() -> None:
    features = worn()
    whole = HealthSettings().index(features)
    for rows in (1, 10, 30, 31, 200, 399):
        assert HealthSettings().index(features[:rows]).tobytes() == whole[:rows].tobytes()


def test_what_unit_a_feature_has_does_not_matter() -> None:
    assert np.allclose(HealthSettings().index(worn() * [1000.0, 1e-3]), HealthSettings().index(worn()), atol=1e-12)


def test_a_short_peak_is_no_wear_and_a_lasting_step_is() -> None:
    features = np.ones((200, 1))
    features[100:107] = 50.0
    assert (HealthSettings().index(features) == 0).all()
    features[100:108] = 50.0
    assert HealthSettings().index(features)[[106, 107, 199]].tolist() == [0.0, 1.0, 1.0]


def test_missing_values_keep_the_health_that_was_known() -> None:
    features = worn()
    features[200:230] = np.nan
    index = HealthSettings().index(features)
    assert np.isfinite(index).all() and index[229] == index[214] and index[-1] == 1.0
    features[:, 1] = np.nan
    assert HealthSettings().index(features)[-1] < 0.1
    assert (HealthSettings().index(np.full((40, 2), np.nan)) == 0).all()


def test_no_rows_have_no_health() -> None:
    assert HealthSettings().index(np.empty((0, 2))).tolist() == []


def test_medians_are_those_of_numpy() -> None:
    values = np.random.default_rng(4).normal(size=(60, 3))
    values[np.random.default_rng(5).random(values.shape) < 0.3] = np.nan
    for span in (1, 4, 7):
        for row in (0, 2, 30, 59):
            part = values[max(0, row - span + 1) : row + 1]
            known = np.isfinite(part).any(axis=0)
            assert np.allclose(trailing_medians(values, span)[row, known], np.nanmedian(part[:, known], axis=0), atol=1e-15)


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match=r"feature 1 is -0\.5 in row 2"):
        HealthSettings().index(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, -0.5]]))
    with pytest.raises(ValueError, match="worn_times above 1"):
        HealthSettings(worn_times=1.0)
    with pytest.raises(ValueError, match="must be 1 or more"):
        HealthSettings(span_rows=0)
