"""Splits: no asset is on both sides, nobody learns from what came later."""

import numpy as np
import pytest

from models import splits


@pytest.mark.parametrize(("assets", "parts"), [(2, 2), (7, 3), (260, 5)])
def test_no_asset_is_on_both_sides_and_each_is_asked_once(assets: int, parts: int) -> None:
    found = list(splits.by_asset(assets, parts, seed=3))
    assert len(found) == parts
    for split in found:
        assert not set(split.train) & set(split.test)
        assert sorted({*split.train.tolist(), *split.test.tolist()}) == list(range(assets))
    assert sorted(np.concatenate([split.test for split in found]).tolist()) == list(range(assets))


def test_all_rows_of_an_asset_are_on_one_side() -> None:
    names = np.array(["pump", "saw", "pump", "mill", "saw", "press", "pump"])
    for split in splits.rows_by_asset(names, 2):
        assert not set(names[split.train]) & set(names[split.test])
        assert len(split.train) + len(split.test) == len(names)


def test_another_seed_parts_otherwise_and_the_same_seed_does_not() -> None:
    first, again, other = ([split.test.tolist() for split in splits.by_asset(50, 5, seed)] for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(("assets", "parts"), [(3, 4), (5, 1)])
def test_parts_that_cannot_be_are_refused(assets: int, parts: int) -> None:
    with pytest.raises(ValueError, match="give 2 parts or more"):
        list(splits.by_asset(assets, parts))


def test_nobody_learns_from_what_came_later() -> None:
    seconds = np.array([5.0, 1.0, 9.0, 3.0, 6.0])
    split = splits.by_time(seconds, until_s=5.0, gap_s=1.0)
    assert seconds[split.train].tolist() == [1.0, 3.0]
    assert seconds[split.test].tolist() == [9.0, 6.0]


def test_a_time_without_rows_on_both_sides_is_refused() -> None:
    with pytest.raises(ValueError, match="rows on both sides"):
        splits.by_time(np.arange(3.0), until_s=9.0)
    with pytest.raises(ValueError, match="gap must be"):
        splits.by_time(np.arange(3.0), until_s=1.0, gap_s=-1.0)
