"""The SKAB benchmarks on small recordings of a made pump: what is seen, that scores are causal, and that a clock is found out."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.evaluation import skab, suite
from models.evaluation.suite import OWN, DataMissing
from models.timeseries.signals import Floats, Signals

ROWS, ONSET, END = 1000, 570, 870
COLUMNS = ("Accelerometer1RMS", "Current", "Temperature", "Volume Flow RateRMS")


def experiment(seed: int, onset: int = ONSET) -> pd.DataFrame:
    """A flow that falls within half a minute, stays low, and rises again."""
    noise = np.random.default_rng(seed)
    values = noise.normal(size=(ROWS, 4)) * (0.001, 0.3, 0.2, 0.4) + (0.03, 1.0, 70.0, 32.0)
    valve = np.interp(np.arange(ROWS), (onset, onset + 30, END - 30, END), (0.0, 5.0, 5.0, 0.0))
    values[:, 3] -= valve
    rows = np.arange(ROWS)
    table = pd.DataFrame(values, columns=list(COLUMNS))
    table.insert(0, "datetime", pd.Timestamp("2020-03-09 10:14:33") + pd.to_timedelta(rows, unit="s"))
    table["anomaly"] = ((rows >= onset) & (rows < END)).astype(float)
    table["changepoint"] = np.isin(rows, (onset, onset + 30, END - 30, END)).astype(float)
    return table


def written(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    text = table.to_csv(index=False, sep=";")
    path.write_bytes(gzip.compress(text.encode())) if path.suffix == ".gz" else path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("skab")
    for number, name in enumerate(("valve1/0.csv.gz", "valve1/10.csv.gz", "valve1/2.csv", "other/1.csv.gz")):
        written(experiment(number), folder / name)
    written(experiment(9)[:300], folder / "other" / "2.csv")
    written(experiment(9).drop(columns=["anomaly", "changepoint"]), folder / "anomaly-free" / "anomaly-free.csv")
    return folder


def first(folder: Path) -> tuple[Signals, skab.Strange]:
    fold = next(iter(skab.OUTLIER.folds(folder)))
    assert fold.truth is not None
    return fold.seen.plain, fold.truth


def test_files_come_by_folder_and_number_and_the_usual_and_the_short_ones_are_left_out(folder: Path) -> None:
    currents = [fold.seen.plain.values[0, 1] for fold in skab.OUTLIER.folds(folder)]
    assert currents == pytest.approx([experiment(number)["Current"][0] for number in (3, 0, 2, 1)])


def test_what_is_seen_holds_no_label(folder: Path) -> None:
    for fold in skab.OUTLIER.folds(folder):
        assert fold.seen.plain.names == COLUMNS
    for change in skab.CHANGE_POINT.folds(folder):
        assert change.seen.names == COLUMNS


def test_usual_rows_are_reflected_to_three_times_their_length() -> None:
    strange = np.zeros(408, dtype=bool)
    strange[403:406] = True
    taken = skab.reflection(strange)[400:]
    assert taken.tolist() == [400, 401, 402, 402, 401, 400, 400, 401, 402, 403, 404, 405, 406, 407, 407, 406, 406, 407]


def test_ours_reaches_the_bars_here_and_the_clock_only_where_the_onset_is_fixed(folder: Path) -> None:
    row = suite.evaluated(skab.OUTLIER, folder)
    assert row.cases == 4 and row.is_reached
    own, clock, always = (row.figures[name] for name in (OWN, "clock", "always"))
    assert clock["f1"] > 0.8 and clock["f1_reflected"] < 0.5 and own["f1_reflected"] > 0.8
    assert always["false_alarms_percent"] == 100 and always["missed_alarms_percent"] == 0
    assert own["vus_pr"] > always["vus_pr"]


def test_change_points_are_found_and_a_metronome_of_as_many_beats_finds_fewer(folder: Path) -> None:
    row = suite.evaluated(skab.CHANGE_POINT, folder)
    own, metronome = row.figures[OWN], row.figures["metronome"]
    assert row.is_reached
    assert own["detections_a_file"] == metronome["detections_a_file"]
    assert own["nab_standard"] > metronome["nab_standard"] + 10


@pytest.mark.parametrize("cut", [500, 600, 900])
def test_rows_that_come_later_change_no_answer(folder: Path, cut: int) -> None:
    signals, _ = first(folder)
    short = signals.rows(0, cut)
    np.testing.assert_array_equal(skab.level(short, 400), skab.level(signals, 400)[: cut - 400])
    np.testing.assert_array_equal(skab.moves(short), skab.moves(signals)[: cut - 400])


def test_the_truth_changes_no_answer(folder: Path, tmp_path: Path) -> None:
    table = experiment(3)
    table["anomaly"] = 1 - table["anomaly"]
    table["changepoint"] = 0.0
    written(table, tmp_path / "other" / "1.csv.gz")
    answers = [suite.answered(skab.CHANGE_POINT, where)[0] for where in (folder, tmp_path)]
    np.testing.assert_array_equal(answers[0], answers[1])
    (plain, _), (other, _) = (suite.answered(skab.OUTLIER, where)[0] for where in (folder, tmp_path))
    np.testing.assert_array_equal(plain, other)


def test_a_row_number_and_a_time_of_day_change_no_score(folder: Path) -> None:
    signals, _ = first(folder)
    late = replace(signals, seconds=signals.seconds + 1e6)
    np.testing.assert_array_equal(skab.level(late, 400), skab.level(signals, 400))


def test_a_file_without_labels_is_answered_and_not_judged(tmp_path: Path) -> None:
    written(experiment(5).drop(columns=["anomaly", "changepoint"]), tmp_path / "other" / "7.csv")
    plain: Floats = suite.answered(skab.OUTLIER, tmp_path)[0][0]
    assert (plain[200:400] >= 1).mean() > 0.9
    with pytest.raises(DataMissing, match="no labels"):
        suite.evaluated(skab.OUTLIER, tmp_path)


def test_a_folder_without_recordings_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="valve1"):
        list(skab.OUTLIER.folds(tmp_path))
