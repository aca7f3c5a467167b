"""AI4I 2020: what gives the answer away is left out, folds are stratified, and quantities of the process help where they are the cause."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.evaluation import ai4i
from models.evaluation.suite import OWN, DataDamaged, DataMissing


def written(folder: Path, rows: int = 400) -> Path:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "UID": np.arange(rows),
            "Product ID": [f"M{number}" for number in range(rows)],
            "Type": draw.choice(["L", "M", "H"], rows),
            "Air temperature [K]": draw.normal(300, 2, rows),
            "Process temperature [K]": draw.normal(310, 2, rows),
            "Rotational speed [rpm]": draw.normal(1500, 150, rows),
            "Torque [Nm]": draw.normal(40, 10, rows),
            "Tool wear [min]": draw.uniform(0, 250, rows),
        }
    )
    strain = table["Torque [Nm]"] * table["Tool wear [min]"]
    table["Machine failure"] = (strain > strain.quantile(0.9)).astype(int)
    for mode in ("TWF", "HDF", "PWF", "OSF", "RNF"):
        table[mode] = table["Machine failure"]
    table.to_csv(folder / "ai4i2020.csv.gz", index=False)
    return folder


def test_fifteen_folds_hold_the_same_share_of_failures_and_each_row_is_asked_three_times(tmp_path: Path) -> None:
    folds = list(ai4i.BENCHMARK.folds(written(tmp_path)))
    assert len(folds) == 15
    assert {int(fold.truth.sum()) for fold in folds if fold.truth is not None} == {8}
    assert sum(len(fold.seen.asked) for fold in folds) == 3 * 400
    asked = {row.tobytes() for row in folds[0].seen.asked}
    assert not asked & {row.tobytes() for row in folds[0].seen.known}


def test_numbers_of_rows_and_modes_of_failure_are_not_seen(tmp_path: Path) -> None:
    fold = next(ai4i.BENCHMARK.folds(written(tmp_path)))
    assert fold.seen.known.shape == (320, 6)
    assert set(fold.seen.known[:, 0]) == {0.0, 1.0, 2.0}
    assert all(len(set(column)) > 2 for column in fold.seen.known[:, 1:].T)
    with_modes_gone = pd.read_csv(tmp_path / "ai4i2020.csv.gz").drop(columns=["UID", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"])
    with_modes_gone.to_csv(tmp_path / "ai4i2020.csv.gz", index=False)
    again = next(ai4i.BENCHMARK.folds(tmp_path))
    assert np.allclose(again.seen.known, fold.seen.known, rtol=1e-12)


def test_ours_is_told_the_strain_and_ranks_failures_better_than_a_peer_on_few_rows(tmp_path: Path) -> None:
    folds = list(ai4i.BENCHMARK.folds(written(tmp_path)))[:2]
    contenders = ai4i.BENCHMARK.contenders()
    figures = {
        name: ai4i.BENCHMARK.figures([(fold.truth, contenders[name](fold.seen)) for fold in folds if fold.truth is not None])
        for name in (OWN, *ai4i.PEERS)
    }
    assert figures[OWN]["average_precision"] > 0.97
    assert figures[OWN]["average_precision"] > figures["gradient_boosting"]["average_precision"]
    (bar,) = ai4i.BENCHMARK.bars(figures)
    assert bar.value == pytest.approx(figures[OWN]["average_precision"] - max(figures[name]["average_precision"] for name in ai4i.PEERS))


def test_a_row_is_judged_alone(tmp_path: Path) -> None:
    seen = next(ai4i.BENCHMARK.folds(written(tmp_path))).seen
    assert np.array_equal(ai4i.answer(replace(seen, asked=seen.asked[5:6])), ai4i.answer(seen)[5:6])


def test_a_file_that_is_missing_or_lacks_a_column_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="ai4i2020"):
        list(ai4i.BENCHMARK.folds(tmp_path))
    path = written(tmp_path) / "ai4i2020.csv.gz"
    pd.read_csv(path).drop(columns=["Torque [Nm]"]).to_csv(path, index=False)
    with pytest.raises(DataDamaged, match="Torque"):
        list(ai4i.BENCHMARK.folds(tmp_path))
