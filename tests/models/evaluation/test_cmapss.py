"""C-MAPSS: sets are found by their names, truth changes no answer, and the bars are those of the protocol."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.evaluation import cmapss
from models.evaluation.suite import OWN, DataDamaged, DataMissing
from models.timeseries.life.units import Unit
from models.timeseries.remaining_life import Forecast
from tests.models.timeseries.turbines import worn

COLUMNS = ["unit", "cycle", "setting_1", "setting_2", "setting_3", *(f"s{number}" for number in range(1, 22))]


def _table(units: list[Unit]) -> pd.DataFrame:
    rows = [
        np.column_stack([np.full(len(unit), number), np.arange(1, len(unit) + 1), unit.settings, unit.sensors])
        for number, unit in enumerate(units, 1)
    ]
    return pd.DataFrame(np.concatenate(rows), columns=COLUMNS)


def written(folder: Path, name: str = "FD001", regimes: int = 1, seed: int = 0, *, text: bool = False) -> Path:
    known, asked = worn(12, regimes, seed), worn(6, regimes, seed + 1)
    left = np.arange(5, 65, 10)
    cut = [unit.until(len(unit) - int(some)) if len(unit) > some else unit for unit, some in zip(asked, left, strict=True)]
    for kind, units in (("train", known), ("test", cut)):
        if text:
            _table(units).to_csv(folder / f"{kind}_{name}.txt", sep=" ", header=False, index=False)
        else:
            _table(units).to_csv(folder / f"{kind}_{name}.csv.gz", index=False)
    np.savetxt(folder / f"RUL_{name}.txt", [len(unit) - len(some) for unit, some in zip(asked, cut, strict=True)], fmt="%d")
    return folder


def test_each_set_found_is_a_question_whatever_its_number(tmp_path: Path) -> None:
    written(written(tmp_path, "FD004", regimes=3), "FD001")
    (tmp_path / "train_FD009.csv.gz").write_bytes((tmp_path / "train_FD001.csv.gz").read_bytes())
    folds = list(cmapss.BENCHMARK.folds(tmp_path))
    assert [fold.truth.name for fold in folds if fold.truth] == ["FD001", "FD004"]
    for fold in folds:
        assert (len(fold.seen.known), len(fold.seen.asked)) == (12, 6)
        assert (fold.seen.known[0].settings.shape[1], fold.seen.known[0].sensors.shape[1]) == (3, 21)
        assert fold.truth is not None
        assert fold.truth.cycles.tolist() == [5, 15, 25, 35, 45, 55]


def test_the_original_text_is_read_as_the_csv_is(tmp_path: Path) -> None:
    written(tmp_path, "FD001")
    written(tmp_path, "FD002", text=True)
    csv, text = cmapss.BENCHMARK.folds(tmp_path)
    assert all(np.allclose(one.sensors, other.sensors) for one, other in zip(csv.seen.asked, text.seen.asked, strict=True))


def test_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    path = written(tmp_path) / "train_FD001.csv.gz"
    (before,) = cmapss.BENCHMARK.folds(tmp_path)
    pd.read_csv(path).sample(frac=1.0, random_state=1).to_csv(path, index=False)
    (after,) = cmapss.BENCHMARK.folds(tmp_path)
    assert all(np.allclose(one.sensors, other.sensors) for one, other in zip(before.seen.known, after.seen.known, strict=True))


def test_without_lives_there_is_no_truth_and_lives_of_other_units_are_refused(tmp_path: Path) -> None:
    lives = written(tmp_path) / "RUL_FD001.txt"
    lives.write_text("5\n7\n", encoding="utf-8")
    with pytest.raises(DataDamaged, match="2 lives for 6 units"):
        list(cmapss.BENCHMARK.folds(tmp_path))
    lives.unlink()
    assert [fold.truth for fold in cmapss.BENCHMARK.folds(tmp_path)] == [None]


def test_a_folder_without_sets_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="train_FD001"):
        list(cmapss.BENCHMARK.folds(tmp_path))


@pytest.mark.parametrize("contender", [OWN, cmapss.PEER_WITH_AGE])
def test_a_units_answer_depends_on_no_other_asked_unit(tmp_path: Path, contender: str) -> None:
    (fold,) = cmapss.BENCHMARK.folds(written(tmp_path, regimes=3))
    answer = cmapss.BENCHMARK.contenders()[contender]
    (all_of_them,) = answer(replace(fold.seen, seeds=(4,)))
    (alone,) = answer(replace(fold.seen, seeds=(4,), asked=fold.seen.asked[2:3]))
    for name in ("life", "low", "high"):
        assert getattr(alone, name)[0] == pytest.approx(getattr(all_of_them, name)[2])
    assert len(all_of_them.life) == 6
    assert (all_of_them.low <= all_of_them.high).all()


def _told(truth: np.ndarray, late: float, half: float) -> list[Forecast]:
    return [Forecast(truth + late, truth + late - half, truth + late + half)]


def test_figures_are_capped_and_uncapped_and_the_bars_compare_with_the_peer() -> None:
    truth = np.array([10.0, 100.0, 125.0, 145.0])
    capped = np.minimum(truth, 125.0)
    lives = cmapss.Lives("FD001", truth)
    own, peer = (cmapss.BENCHMARK.figures([(lives, _told(capped, late, half))]) for late, half in ((4.0, 5.0), (8.0, 9.0)))
    assert own["rmse_FD001"] == pytest.approx(4.0)
    assert own["rmse_uncapped_FD001"] == pytest.approx(np.sqrt((3 * 16 + 16**2) / 4))
    assert own["phm08_FD001"] == pytest.approx(4 * np.expm1(0.4))
    assert (own["coverage_FD001"], own["coverage"], own["width"]) == (1.0, 1.0, 10.0)
    bars = {bar.name: bar for bar in cmapss.BENCHMARK.bars({OWN: own, cmapss.PEER: peer})}
    assert bars["capped RMSE to the peer's, mean of sets"].value == pytest.approx(0.5)
    assert bars["width of intervals to the peer's"].value == pytest.approx(10 / 18)
    assert bars["capped RMSE to the peer's, FD001"].is_reached
    # Intervals that are always right are too wide for their level.
    assert not bars["coverage of 80 % intervals, all units"].is_reached


def test_units_of_all_sets_weigh_the_same_in_the_coverage_of_all() -> None:
    three, one = np.array([10.0, 20.0, 30.0]), np.array([50.0])
    judged = [(cmapss.Lives("FD001", three), _told(three, 0.0, 1.0)), (cmapss.Lives("FD004", one), _told(one, 9.0, 1.0))]
    assert cmapss.BENCHMARK.figures(judged)["coverage"] == 0.75
