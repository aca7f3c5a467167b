"""Damaged files of every set: a sentence that names the file, never an error of a library; other sets run, and broken labels stop no answer."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.evaluation import suite, table
from models.evaluation.pronostia import INDICES
from models.evaluation.suite import DataDamaged, DataMissing

COLUMNS = sorted({column for of in INDICES.values() for column in of})


def skab(folder: Path) -> list[Path]:
    stamps = pd.date_range("2020-03-09 10:14:33", periods=420, freq="s").strftime("%Y-%m-%d %H:%M:%S")
    read = pd.DataFrame({"datetime": stamps, "Current": np.arange(420.0) % 7, "anomaly": 0.0, "changepoint": 0.0})
    (folder / "valve1").mkdir(parents=True)
    read.to_csv(folder / "valve1" / "0.csv.gz", sep=";", index=False)
    read.to_csv(folder / "valve1" / "1.csv", sep=";", index=False)
    return [folder / "valve1" / "0.csv.gz", folder / "valve1" / "1.csv"]


def nab(folder: Path) -> list[Path]:
    (folder / "data" / "x").mkdir(parents=True)
    (folder / "labels").mkdir()
    text = "timestamp,value\n" + "".join(f"2014-04-01 00:{minute:02}:00,{minute}.5\n" for minute in range(60))
    (folder / "data" / "x" / "y.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "data" / "x" / "z.csv").write_text(text)
    (folder / "labels" / "combined_windows.json").write_text('{"x/y.csv": [["2014-04-01 00:10:00.000000", "2014-04-01 00:20:00.000000"]]}')
    return [folder / "data" / "x" / "y.csv.gz", folder / "data" / "x" / "z.csv"]


def tep(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    for name in ("d00.dat.gz", "d00_te.dat", "d11_te.dat.gz", "d21_te.dat"):
        np.savetxt(folder / name, np.arange(60 * 52.0).reshape(60, 52))
    return sorted(folder.iterdir())


def cwru(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    for name in ("1772_B_7_DE12", "1772_IR_7_DE12", "1772_B_14_DE12", "1772_IR_14_DE12"):
        np.savez(folder / f"{name}.npz", DE=np.random.default_rng(len(name)).normal(size=4096))
    return sorted(folder.iterdir())


def cmapss(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    rows = np.array([[unit, cycle, *range(24)] for unit in (1, 2) for cycle in (1, 2, 3)], dtype=np.float64)
    for kind in ("train", "test"):
        pd.DataFrame(rows).to_csv(folder / f"{kind}_FD004.csv.gz", index=False)
        np.savetxt(folder / f"{kind}_FD009.txt", rows)
    for name in ("FD004", "FD009"):
        (folder / f"RUL_{name}.txt").write_text("5\n6\n")
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith("RUL")]


def pronostia(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    read = pd.DataFrame(np.arange(1.0, 1.0 + 20 * len(COLUMNS)).reshape(20, -1), columns=COLUMNS)
    read.to_csv(folder / "Bearing1_7_features.csv.gz", index=False)
    read.to_csv(folder / "Bearing3_3_features.csv", index=False)
    return sorted(folder.iterdir())


def ai4i(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    names = ("Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]")
    read = pd.DataFrame({"Type": ["L", "M"] * 10, **{name: np.arange(20.0) for name in names}, "Machine failure": [0, 1] * 10})
    read.to_csv(folder / "ai4i2020.csv.gz", index=False)
    return [folder / "ai4i2020.csv.gz"]


SETS: dict[str, Callable[[Path], list[Path]]] = {
    "skab-outlier": skab,
    "skab-change-point": skab,
    "nab": nab,
    "tep": tep,
    "cwru": cwru,
    "cmapss": cmapss,
    "pronostia": pronostia,
    "ai4i": ai4i,
}


def folds(name: str, data: Path, *, labels: bool = True) -> list[suite.Fold[object, object]]:
    one = table.benchmark("timeseries", name)
    return list(one.folds(data / one.folder, labels=labels))


def made(name: str, data: Path) -> list[Path]:
    return SETS[name](data / table.benchmark("timeseries", name).folder)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: -min(40, path.stat().st_size // 2)])


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(500))


def page(path: Path) -> None:
    path.write_bytes(b"<!DOCTYPE html>\n<html><body>404: Not Found, <b>sorry</b></body></html>\n")


def folder_of_its_name(path: Path) -> None:
    path.unlink()
    path.mkdir()


def header_alone(path: Path) -> None:
    """Where there is none, half of the first row."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    first = content.split(b"\n")[0]
    kept = first if b"," in first or b";" in first else first[: len(first) // 2]
    path.write_bytes(gzip.compress(kept) if path.suffix == ".gz" else kept)


def words(path: Path) -> None:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.split(b"\n")
    lines[4] = lines[4].replace(b"4", b"four").replace(b"3", b"inf").replace(b"2", b"nan").replace(b"1", b"one")
    path.write_bytes(gzip.compress(b"\n".join(lines)) if path.suffix == ".gz" else b"\n".join(lines))


def commas(path: Path) -> None:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    turned = content.replace(b",", b"|").replace(b";", b",").replace(b" ", b"_")
    path.write_bytes(gzip.compress(turned) if path.suffix == ".gz" else turned)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("damage", [empty, noise, page, folder_of_its_name, header_alone, words, commas], ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_named_in_a_sentence(name: str, damage: Callable[[Path], None], tmp_path: Path) -> None:
    for number in range(len(made(name, tmp_path / "whole"))):
        data = tmp_path / str(number)
        path = made(name, data)[number]
        assert folds(name, data)
        damage(path)
        with pytest.raises(DataDamaged) as refused:
            folds(name, data)
        assert str(path.parent) in str(refused.value) and "\n" not in str(refused.value)
        with pytest.raises(DataDamaged):
            folds(name, data, labels=False)


@pytest.mark.parametrize("name", SETS)
def test_a_file_cut_off_while_it_was_fetched_is_named(name: str, tmp_path: Path) -> None:
    path = next(path for path in made(name, tmp_path) if path.suffix in (".gz", ".npz"))
    truncated(path)
    with pytest.raises(DataDamaged, match=path.name):
        folds(name, tmp_path)


@pytest.mark.parametrize("name", SETS)
def test_files_that_are_not_of_the_set_are_passed_over(name: str, tmp_path: Path) -> None:
    paths = made(name, tmp_path)
    before = len(folds(name, tmp_path))
    for path in paths:
        for other in ("README.md", ".DS_Store", f"._{path.name}", f"{path.name}.part", f"{path.name}~"):
            (path.parent / other).write_bytes(b"\x00\x05\x16\x07 no recording")
        if path.suffix == ".gz":
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()) if path.read_bytes()[:2] == b"\x1f\x8b" else path.read_bytes())
    assert len(folds(name, tmp_path)) == before


@pytest.mark.parametrize("name", SETS)
def test_a_file_in_place_of_the_folder_is_a_set_that_is_not_there(name: str, tmp_path: Path) -> None:
    (tmp_path / table.benchmark("timeseries", name).folder).write_text("no folder")
    with pytest.raises(DataMissing):
        folds(name, tmp_path)


def test_a_damaged_set_is_left_out_and_the_others_run(tmp_path: Path) -> None:
    path = made("tep", tmp_path)[0]
    empty(path)
    made("pronostia", tmp_path)
    left, row = table.rows("timeseries", ["tep", "pronostia"], tmp_path)
    assert left == table.LeftOut("tep", f"{path} is empty; give the file as it was published")
    assert isinstance(row, suite.Row) and row.cases == 18


@pytest.mark.parametrize("name", ["tep", "cmapss"])
def test_a_set_too_small_to_learn_from_is_left_out_by_its_numbers(name: str, tmp_path: Path) -> None:
    made(name, tmp_path)
    (left,) = table.rows("timeseries", [name], tmp_path)
    assert isinstance(left, table.LeftOut)
    assert "too little to learn from" in left.why and str(60 if name == "tep" else 2) in left.why


@pytest.mark.parametrize("name", ["skab-outlier", "skab-change-point"])
@pytest.mark.parametrize("label", ["nonsense", "", "1"])
def test_labels_of_a_pump_change_no_answer_and_need_not_be_there(name: str, label: str, tmp_path: Path) -> None:
    made(name, tmp_path / "plain")
    for path in made(name, tmp_path / "other"):
        read = pd.read_csv(path, sep=";").assign(anomaly=label, changepoint=label)
        (read.drop(columns=["changepoint", "anomaly"]) if not label else read).to_csv(path, sep=";", index=False)
    one = table.benchmark("timeseries", name)
    plain, other = (suite.answered(one, tmp_path / of / one.folder) for of in ("plain", "other"))
    assert len(plain) == len(other) == 2
    for answers in zip(plain, other, strict=True):
        np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(
    "labels",
    ["", "{", "[1]", '{"x/y.csv": 5}', '{"x/y.csv": [5]}', '{"x/y.csv": [["a", "b"]]}', '{"x/y.csv": [[1, 2]]}', "[" * 100_000, "\udcff"],
    ids=range(9),
)
def test_broken_labels_stop_the_judge_and_not_the_answers(labels: str, tmp_path: Path) -> None:
    made("nab", tmp_path)
    file = tmp_path / "nab" / "labels" / "combined_windows.json"
    plain = suite.answered(table.benchmark("timeseries", "nab"), tmp_path / "nab")
    file.write_bytes(labels.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataDamaged, match=r"combined_windows\.json"):
        folds("nab", tmp_path)
    for before, after in zip(plain, suite.answered(table.benchmark("timeseries", "nab"), tmp_path / "nab"), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "windows",
    [
        [["2014-04-01 00:20:00", "2014-04-01 00:10:00"]],
        [["2014-04-01 00:10:00", "2014-04-01 00:20:00"]] * 2,
        [["2014-04-01 00:10:00", "2015-04-01 00:20:00"]],
    ],
)
def test_windows_that_no_record_can_have_are_told(windows: list[list[str]], tmp_path: Path) -> None:
    path = made("nab", tmp_path)[0]
    (tmp_path / "nab" / "labels" / "combined_windows.json").write_text(json.dumps({"x/y.csv": windows}))
    with pytest.raises(DataDamaged, match=path.name):
        folds("nab", tmp_path)


def test_broken_lives_stop_the_judge_and_not_the_questions(tmp_path: Path) -> None:
    made("cmapss", tmp_path)
    (tmp_path / "cmapss" / "RUL_FD004.txt").write_text("five\n")
    with pytest.raises(DataDamaged, match="RUL_FD004"):
        folds("cmapss", tmp_path)
    assert [fold.truth for fold in folds("cmapss", tmp_path, labels=False)] == [None, None]


def test_a_pump_without_signals_or_without_rows_to_score_is_told(tmp_path: Path) -> None:
    for path in made("skab-outlier", tmp_path):
        pd.read_csv(path, sep=";").head(400).to_csv(path, sep=";", index=False)
    with pytest.raises(DataMissing, match="none of 2 files has more than 400 rows"):
        folds("skab-outlier", tmp_path)
    for path in made("skab-outlier", tmp_path / "other"):
        pd.read_csv(path, sep=";").drop(columns="Current").to_csv(path, sep=";", index=False)
    with pytest.raises(DataDamaged, match="no column of a signal"):
        folds("skab-outlier", tmp_path / "other")


def test_bearings_with_one_kind_of_damage_are_no_question(tmp_path: Path) -> None:
    for path in made("cwru", tmp_path):
        if "_IR_" in path.name:
            path.unlink()
    with pytest.raises(DataMissing, match="fewer than two faults"):
        folds("cwru", tmp_path)


def test_a_diameter_is_asked_where_the_others_show_two_kinds_of_damage(tmp_path: Path) -> None:
    made("cwru", tmp_path)[0].unlink()
    asked = [fold.truth.faults.tolist() for fold in folds("cwru", tmp_path) if not fold.truth.leaks]
    assert asked == [["IR"] * 4]
