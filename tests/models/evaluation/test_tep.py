"""The Tennessee Eastman benchmark reads the set's layout, lets no contender see the truth, and counts alarms before and after the fault."""

import dataclasses
import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from models.evaluation import suite
from models.evaluation.tep import BENCHMARK, NAMES, Fault, Process
from models.timeseries.signals import Floats


def plant(rows: int, seed: int) -> Floats:
    """As many signals as the process has; each two follow one of 26 states which wander."""
    noise = np.random.default_rng(seed)
    state = np.zeros((rows, 26))
    for row in range(1, rows):
        state[row] = 0.8 * state[row - 1] + noise.normal(size=26)
    return np.repeat(state, 2, axis=1) + 0.3 * noise.normal(size=(rows, 52))


def write(path: Path, values: Floats) -> None:
    text = "\n".join(" ".join(f"{value:.6e}" for value in row) for row in values) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Normal operation on its side, and faults 1 (a sensor off by much), 3 (nothing to see), 17 (off by much, in another signal); not gzipped: 17."""
    place = tmp_path_factory.mktemp("tep")
    write(place / "d00.dat.gz", plant(500, 1).T)
    write(place / "d00_te.dat.gz", plant(960, 2))
    write(place / "d01.dat.gz", plant(480, 3))
    for number, signal, name in ((1, 4, "d01_te.dat.gz"), (3, None, "d03_te.dat.gz"), (17, 50, "d17_te.dat")):
        values = plant(960, 10 + number)
        if signal is not None:
            values[160:, signal] += 4.0
        write(place / name, values)
    (place / "README.md").write_text("what is in here\n")
    return place


def test_any_faults_that_are_there_are_asked_for_and_seen_without_their_number(folder: Path) -> None:
    folds = list(BENCHMARK.folds(folder))
    assert [fold.truth for fold in folds] == [Fault(1, 160), Fault(3, 160), Fault(17, 160)]
    assert {fold.seen.usual.values.shape for fold in folds} == {(500, 52)} and {fold.seen.watched.values.shape for fold in folds} == {(960, 52)}
    assert {field.name for field in dataclasses.fields(Process)} == {"usual", "held", "watched"}
    assert all(fold.seen.watched.seconds[0] == 0.0 and fold.seen.watched.names == NAMES for fold in folds)


def test_ours_finds_what_can_be_found_and_is_quiet_before(folder: Path) -> None:
    row = suite.evaluated(BENCHMARK, folder)
    own = row.figures[suite.OWN]
    assert row.cases == 3 and set(row.figures) == {"factolake", "pca-t2", "pca-spe"}
    assert own["false_alarms"] < 0.04 and own["detected_01"] > 0.95 and own["detected_17"] > 0.95 and own["detected_03"] < 0.1
    assert own["detected"] == own["detected_01"]
    assert own["detected_but_3_9_15"] == pytest.approx((own["detected_01"] + own["detected_17"]) / 2)
    assert own["delay_rows_01"] <= 5.0
    assert set(own) == set(row.figures["pca-t2"]) == set(row.figures["pca-spe"])


def test_no_contender_sees_the_future(folder: Path) -> None:
    seen = next(iter(BENCHMARK.folds(folder))).seen
    shorter = dataclasses.replace(seen, watched=seen.watched.rows(0, 300))
    for answer in BENCHMARK.contenders().values():
        assert np.allclose(answer(seen)[:300], answer(shorter), rtol=1e-12, equal_nan=True)
    assert BENCHMARK.contenders()[suite.OWN](seen)[:300].tobytes() == BENCHMARK.contenders()[suite.OWN](shorter).tobytes()


def test_figures_count_rows_before_and_after_the_fault() -> None:
    first, second = np.zeros(960), np.zeros(960)
    first[:2] = np.nan
    first[10:20] = 1.5
    first[160:] = 2.0
    second[150:170] = 3.0
    second[560:] = 1.1
    figures = BENCHMARK.figures([(Fault(5), first), (Fault(9), second)])
    assert figures["false_alarms"] == 20 / 320
    assert figures["detected_05"] == 1.0 == figures["detected"] == figures["detected_but_3_9_15"]
    assert figures["detected_09"] == 410 / 800
    assert figures["delay_rows_05"] == 0.0 and figures["delay_rows_09"] == 400.0


def test_the_bar_is_not_reached_where_its_faults_are_not_there() -> None:
    figures = BENCHMARK.figures([(Fault(17), np.full(960, 0.5))])
    assert math.isnan(figures["detected"]) and math.isnan(figures["delay_rows_17"]) and figures["false_alarms"] == 0.0
    assert [bar.is_reached for bar in BENCHMARK.bars({suite.OWN: figures})] == [True, False]


def test_files_that_are_missing_or_of_another_process_are_named(tmp_path: Path) -> None:
    with pytest.raises(suite.DataMissing, match=r"holds no file d01_te\.dat"):
        list(BENCHMARK.folds(tmp_path))
    write(tmp_path / "d02_te.dat", plant(10, 1))
    with pytest.raises(suite.DataMissing, match=r"holds no d00\.dat"):
        list(BENCHMARK.folds(tmp_path))
    write(tmp_path / "d00.dat", plant(10, 1)[:, :30])
    with pytest.raises(suite.DataDamaged, match=r"d00\.dat has 10 rows and 30 columns"):
        list(BENCHMARK.folds(tmp_path))
