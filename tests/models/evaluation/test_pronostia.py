"""The PRONOSTIA benchmark asks each bearing as if it ran, tells nobody how old it gets, and judges as the challenge does."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.evaluation import suite
from models.evaluation.pronostia import BENCHMARK, CONSTANT, INDICES, MEDIAN, SHARE, Question, Truth

LENGTHS = {"1_1": 400, "1_3": 430, "2_1": 380, "4_12": 200}


def write(folder: Path, name: str, snapshots: int, suffix: str = ".csv.gz") -> Path:
    """Noise that grows a little, in the layout of the set."""
    noise = np.random.default_rng(len(name) + snapshots)
    columns = sorted({column for of in INDICES.values() for column in of})
    table = pd.DataFrame(np.exp(0.1 * noise.normal(size=(snapshots, len(columns)))), columns=columns)
    table *= np.linspace(1.0, 1.5, snapshots)[:, None]
    table.insert(0, "clock", "09:39:39")
    table.insert(0, "snapshot", np.arange(1, snapshots + 1))
    path = folder / f"Bearing{name}_features{suffix}"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bearings")
    for name, snapshots in LENGTHS.items():
        write(place, name, snapshots, ".csv" if name == "2_1" else ".csv.gz")
    (place / "Bearing1_1_raw_every20.npz").write_bytes(b"")
    return place


def test_any_bearings_that_are_there_are_asked_nine_times(folder: Path) -> None:
    folds = list(BENCHMARK.folds(folder))
    assert [fold.truth.bearing for fold in folds if fold.truth] == [name for name in LENGTHS for _ in range(9)]
    assert folds[0].truth == Truth("1_1", 10, 3600.0) and folds[35].truth == Truth("4_12", 90, 200.0)
    for fold in folds:
        assert fold.truth is not None
        known = sorted(len(bearing) for bearing in fold.seen.known.bearings)
        assert known == sorted(length for name, length in LENGTHS.items() if name != fold.truth.bearing)
        assert len(fold.seen.asked) == round(LENGTHS[fold.truth.bearing] * fold.truth.percent / 100)


def test_a_question_is_what_was_recorded_until_then_and_no_more(folder: Path) -> None:
    assert {field.name for field in dataclasses.fields(Question)} == {"known", "asked"}
    for fold in BENCHMARK.folds(folder):
        for values in fold.seen.asked.features.values():
            assert values.base is None and len(values) == len(fold.seen.asked)


def test_how_long_the_bearing_will_live_changes_no_answer(folder: Path, tmp_path: Path) -> None:
    for name, snapshots in LENGTHS.items():
        write(tmp_path, name, snapshots)
    path = tmp_path / "Bearing1_3_features.csv.gz"
    pd.read_csv(path).head(387).to_csv(path, index=False)
    whole = next(fold for fold in BENCHMARK.folds(folder) if fold.truth == Truth("1_3", 50, 2150.0))
    cut = next(fold for fold in BENCHMARK.folds(tmp_path) if fold.truth == Truth("1_3", 50, 1930.0))
    shorter = whole.seen.asked.until(len(cut.seen.asked))
    for answer in BENCHMARK.contenders().values():
        assert answer(cut.seen) == answer(dataclasses.replace(whole.seen, asked=shorter))


def test_ours_answers_as_well_as_the_median_where_lives_are_alike(folder: Path) -> None:
    row = suite.evaluated(BENCHMARK, folder)
    assert row.cases == 36 and set(row.figures) == {suite.OWN, MEDIAN, CONSTANT, SHARE}
    alike = {name: np.mean([figures[f"score_{one}"] for one in ("1_1", "1_3", "2_1")]) for name, figures in row.figures.items()}
    assert alike[suite.OWN] > 0.3 and alike[suite.OWN] > 1.3 * max(alike[CONSTANT], alike[SHARE])
    assert row.figures[SHARE]["score_1_1"] > 0.1


def test_peers_by_hand(folder: Path) -> None:
    fold = next(fold for fold in BENCHMARK.folds(folder) if fold.truth == Truth("4_12", 40, 1200.0))
    peers = BENCHMARK.contenders()
    assert peers[MEDIAN](fold.seen) == 10.0 * (400 - 80)
    assert peers[CONSTANT](fold.seen) in {10.0 * (length - round(length * share / 10)) for length in (400, 430, 380) for share in range(1, 10)}
    assert 0.42 < peers[SHARE](fold.seen) / 800.0 < 0.44
    old = next(fold for fold in BENCHMARK.folds(folder) if fold.truth == Truth("1_3", 90, 430.0))
    assert peers[MEDIAN](old.seen) == 0.0


def test_figures_are_those_of_the_challenge_and_the_bar_is_1_3_times_the_best_peer() -> None:
    judged = [(Truth("1_1", 10, 100.0), 80.0), (Truth("1_1", 20, 100.0), 105.0), (Truth("2_1", 10, 50.0), 50.0), (Truth("2_1", 20, 50.0), 0.0)]
    judged += [(Truth("2_1", percent, 50.0), 50.0) for percent in range(30, 100, 10)]
    figures = BENCHMARK.figures(judged)
    assert figures["score_1_1"] == pytest.approx(0.5) and figures["score_at_10"] == pytest.approx(0.75)
    assert figures["score_at_20"] == pytest.approx((0.5 + 1 / 32) / 2) and figures["score"] == pytest.approx((0.5 + 0.5 + 1 + 1 / 32 + 7) / 11)
    assert figures["late"] == 1 / 11
    scores = {suite.OWN: 0.26, MEDIAN: 0.20, CONSTANT: 0.1, SHARE: 0.19}
    for own, reached in ((0.2601, True), (0.2599, False)):
        (bar,) = BENCHMARK.bars({name: {"score": own if name == suite.OWN else score} for name, score in scores.items()})
        assert bar.is_reached is reached


def test_files_that_are_missing_or_of_another_kind_are_named(tmp_path: Path) -> None:
    write(tmp_path, "1_1", 20)
    with pytest.raises(suite.DataMissing, match="holds 1 files like"):
        list(BENCHMARK.folds(tmp_path))
    pd.DataFrame({"h_rms": [1.0]}).to_csv(tmp_path / "Bearing1_2_features.csv", index=False)
    with pytest.raises(suite.DataDamaged, match=r"Bearing1_2_features\.csv has no column h_b0_1k"):
        list(BENCHMARK.folds(tmp_path))
