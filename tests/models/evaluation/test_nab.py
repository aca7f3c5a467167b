"""The Numenta benchmark reads the set's layout, chooses a folder's threshold on the other folders alone, and lets nobody see labels or later rows."""

import dataclasses
import gzip
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from models.evaluation import suite
from models.evaluation.nab import BENCHMARK, QUIET_ROWS, Labelled, alarms_of
from models.metrics.nab import Windows
from models.timeseries.signals import Floats

BEGAN = datetime(2014, 4, 1, tzinfo=UTC)
ROWS = 1500


def stamp(row: int) -> str:
    return (BEGAN + timedelta(minutes=5 * row)).strftime("%Y-%m-%d %H:%M:%S")


def write(place: Path, values: Floats) -> None:
    text = "timestamp,value\n" + "".join(f"{stamp(row)},{value}\n" for row, value in enumerate(values))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(gzip.compress(text.encode()) if place.suffix == ".gz" else text.encode())


def label(place: Path, windows: dict[str, list[tuple[int, int]]]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    stamps = {name: [[f"{stamp(first)}.000000", f"{stamp(last)}.000000"] for first, last in edges] for name, edges in windows.items()}
    (place / "combined_windows.json").write_text(json.dumps(stamps))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folders: shifted levels in two, nothing in the third; a file of each kind, one without labels."""
    place = tmp_path_factory.mktemp("nab")
    for seed, (name, shift) in enumerate(
        {"a/one.csv.gz": 8.0, "b/two.csv": 6.0, "b/three.csv.gz": -9.0, "c/calm.csv.gz": 0.0, "c/other.csv": 0.0}.items()
    ):
        values = np.random.default_rng(seed).normal(size=ROWS)
        values[900:960] += shift
        write(place / "data" / name, values)
    label(place / "labels", {"a/one.csv": [(880, 1000)], "b/two.csv": [(880, 1000)], "b/three.csv": [(890, 990)], "c/calm.csv": []})
    return place


def test_files_and_windows_are_read_and_what_is_scored_shows_no_label(folder: Path) -> None:
    folds = list(BENCHMARK.folds(folder))
    truths = [fold.truth for fold in folds]
    assert truths[0] == Labelled("a", "a/one.csv", Windows(ROWS, ((880, 1000),))) and truths[3] == Labelled("c", "c/calm.csv", Windows(ROWS, ()))
    assert [truth.name if truth else None for truth in truths] == ["a/one.csv", "b/three.csv", "b/two.csv", "c/calm.csv", None]
    assert {fold.seen.names for fold in folds} == {("value",)} and {fold.seen.values.shape for fold in folds} == {(ROWS, 1)}
    assert folds[0].seen.seconds[0] == BEGAN.timestamp() and set(np.diff(folds[0].seen.seconds)) == {300.0}


def test_a_clock_that_goes_back_stands_still_and_a_window_begins_in_the_first_row_of_its_time(tmp_path: Path) -> None:
    rows = [0, 1, 2, 2, 3, 1, 2, 4, 5]
    (tmp_path / "data" / "x").mkdir(parents=True)
    (tmp_path / "data" / "x" / "y.csv").write_text("timestamp,value\n" + "".join(f"{stamp(row)},1.5\n" for row in rows))
    label(tmp_path / "labels", {"x/y.csv": [(2, 4)]})
    (fold,) = BENCHMARK.folds(tmp_path)
    assert ((fold.seen.seconds - BEGAN.timestamp()) / 300).tolist() == [0, 1, 2, 2, 3, 3, 3, 4, 5]
    assert fold.truth is not None and fold.truth.windows == Windows(9, ((2, 7),))


def test_ours_finds_the_shifts_and_every_figure_is_there_for_each_contender(folder: Path) -> None:
    row = suite.evaluated(BENCHMARK, folder)
    own = row.figures[suite.OWN]
    assert row.cases == 4 and set(row.figures) == {"factolake", "windowed-gaussian", "by-the-clock"} and row.is_reached
    assert own["standard"] > 80.0 and own["windows_found"] == own["windows"] == 3.0
    assert own["reward_low_FP_rate"] <= own["standard"] and own["false_alarms_per_1000_rows"] <= own["false_alarms_per_1000_rows_worst"]
    assert math.isnan(own["standard c"]) and own["standard_but_development"] == pytest.approx(own["standard"])
    assert all(set(figures) == set(own) for figures in row.figures.values())
    assert row.figures["by-the-clock"]["standard"] < own["standard"] and row.figures["windowed-gaussian"]["windows_found"] == 3.0


def test_no_contender_sees_the_future_and_no_answer_hangs_on_labels(folder: Path) -> None:
    seen = next(iter(BENCHMARK.folds(folder))).seen
    for answer in BENCHMARK.contenders().values():
        whole = answer(seen)
        assert whole[:700].tobytes() == answer(seen.rows(0, 700)).tobytes()
        assert alarms_of(whole[:700], 1.0).tolist() == [row for row in alarms_of(whole, 1.0) if row < 700]


def answers(scores: dict[str, list[tuple[int, float]]], windows: dict[str, tuple[tuple[int, int], ...]]) -> list[tuple[Labelled, Floats]]:
    """Records of 5000 rows whose scores are 0 but in the rows given."""
    judged = []
    for name, rows in scores.items():
        score = np.zeros(5000)
        for row, value in rows:
            score[row] = value
        judged.append((Labelled(name[0], name, Windows(5000, windows[name])), score))
    return judged


def test_the_threshold_of_a_folder_comes_from_the_others() -> None:
    windows = {"a": ((2000, 2099),), "b": ((2000, 2099),), "c": ((2000, 2099),)}
    noisy = [(row, 2.0) for row in range(1000, 5000, 160) if not 1840 <= row <= 2700]
    judged = answers({"a": [(2000, 1.0)], "b": [(2000, 3.0), *noisy], "c": [(2000, 3.0), *noisy]}, windows)
    figures = BENCHMARK.figures(judged)
    # Folders b and c say: above 2. That misses the window in a, whose own best would be 1 or less.
    assert (figures["standard a"], figures["standard b"], figures["standard c"]) == (0.0, pytest.approx(100.0), pytest.approx(100.0))
    assert figures["windows_found"] == 2.0 and figures["false_alarms_per_1000_rows"] == 0.0


def test_the_labels_of_a_folder_have_no_say_about_its_own_alarms() -> None:
    scores = {"a": [(1000, 2.0), (2000, 1.0), (3000, 4.0)], "b": [(1500, 3.0), (2500, 2.5)]}
    reached = [
        BENCHMARK.figures(answers(scores, {"a": (window,), "b": ((1500, 1599),)}))["standard a"]
        for window in ((1000, 1099), (2000, 2099), (3000, 3099), (4000, 4099))
    ]
    # Folder b says: above 2.5. That is one alarm in a, in row 3000, wherever its window is.
    assert reached == pytest.approx([-5.5, -5.5, 100.0, -5.5], abs=1e-3)


def test_with_one_folder_the_threshold_is_the_contenders_own() -> None:
    rows = [(1000, 0.9), (1000 + QUIET_ROWS, 1.0), (1001 + QUIET_ROWS, 5.0), (2000, 1.1)]
    figures = BENCHMARK.figures(answers({"a": rows}, {"a": ((2000, 2099),)}))
    assert figures["windows_found"] == 1.0 and figures["false_alarms_per_1000_rows"] == pytest.approx(1 / 4.25)


def test_a_score_that_is_none_is_no_alarm() -> None:
    judged = [(truth, np.where(scores == 0.0, np.nan, scores)) for truth, scores in answers({"a": [(2000, 1.0)]}, {"a": ((2000, 2099),)})]
    assert BENCHMARK.figures(judged)["standard"] == pytest.approx(100.0)
    assert BENCHMARK.figures([(judged[0][0], np.full(5000, np.nan))])["standard"] == 0.0


def test_the_bar_is_sixty_in_the_standard_profile() -> None:
    (reached,), (missed,), (none,) = (BENCHMARK.bars({suite.OWN: {"standard": value}}) for value in (60.0, 59.9, math.nan))
    assert (reached.is_reached, missed.is_reached, none.is_reached) == (True, False, False)


def test_answers_are_given_without_labels(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "data" / "z" / "new.csv", np.arange(200.0))
    (given,) = suite.answered(BENCHMARK, tmp_path)
    assert given.shape == (200,) and np.isnan(given[:96]).all()
    with pytest.raises(suite.DataMissing, match="no labels to judge by"):
        suite.evaluated(BENCHMARK, tmp_path)


def test_files_that_are_missing_or_of_another_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(suite.DataMissing, match=r"holds no files data/\*/\*\.csv"):
        list(BENCHMARK.folds(tmp_path))
    write(tmp_path / "data" / "x" / "y.csv", np.arange(9.0))
    label(tmp_path / "labels", {"x/y.csv": [(3, 11)]})
    with pytest.raises(suite.DataDamaged, match=r"x/y\.csv has no row at .* or none at"):
        list(BENCHMARK.folds(tmp_path))
    (tmp_path / "data" / "x" / "y.csv").write_text("time,value\n1,2\n")
    with pytest.raises(suite.DataDamaged, match=r"y\.csv has no column timestamp, but time, value"):
        list(BENCHMARK.folds(tmp_path))


def test_what_is_seen_is_a_stream_of_one_signal() -> None:
    assert {field.name for field in dataclasses.fields(Labelled)} == {"folder", "name", "windows"}
