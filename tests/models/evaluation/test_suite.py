"""Benchmarks: truth stays with the judge, every contender answers the same folds, and what is not there is left out by name."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from models.evaluation import plant_weeks, table
from models.evaluation.suite import OWN, Bar, DataMissing, Fold, Row, answered, evaluated


class Doubling:
    """Files of numbers, a line `number,label` each; the label is to be twice the number."""

    name, folder = "doubling", "doubling"

    def __init__(self) -> None:
        self.seen: list[object] = []

    def folds(self, folder: Path, *, labels: bool = True) -> Iterable[Fold[int, int]]:
        files = sorted(folder.glob("*.csv"))
        if not files:
            raise DataMissing(f"no *.csv in {folder}")
        for file in files:
            number, _, label = file.read_text().strip().partition(",")
            yield Fold(int(number), int(label) if labels and label else None)

    def contenders(self) -> Mapping[str, Callable[[int], int]]:
        return {OWN: self._double, "constant": lambda number: 4}

    def _double(self, number: int) -> int:
        self.seen.append(number)
        return number * 2

    def figures(self, judged: Sequence[tuple[int, int]]) -> Mapping[str, float]:
        return {"right": sum(truth == answer for truth, answer in judged) / len(judged)}

    def bars(self, figures: Mapping[str, Mapping[str, float]]) -> tuple[Bar, ...]:
        return (Bar("right", figures[OWN]["right"], at_least=figures["constant"]["right"] + 0.1),)


def _files(folder: Path, lines: Iterable[str]) -> Path:
    folder.mkdir()
    for number, line in enumerate(lines):
        (folder / f"{number}.csv").write_text(line)
    return folder


def test_all_contenders_answer_all_folds_and_bars_are_judged(tmp_path: Path) -> None:
    row = evaluated(Doubling(), _files(tmp_path / "doubling", ["1,2", "2,4", "3,6", "5,10"]))
    assert row.cases == 4
    assert row.figures == {OWN: {"right": 1.0}, "constant": {"right": 0.25}}
    assert row.is_reached
    assert row.bars[0].at_least == 0.35


def test_a_contender_sees_nothing_but_what_is_seen(tmp_path: Path) -> None:
    doubling = Doubling()
    evaluated(doubling, _files(tmp_path / "doubling", ["1,2", "7,99"]))
    assert doubling.seen == [1, 7]


def test_files_without_labels_are_answered_and_cannot_be_judged(tmp_path: Path) -> None:
    folder = _files(tmp_path / "doubling", ["1", "2"])
    assert answered(Doubling(), folder) == [2, 4]
    with pytest.raises(DataMissing, match="hold no labels"):
        evaluated(Doubling(), folder)


def test_a_figure_that_is_no_number_reaches_no_bar() -> None:
    assert not Bar("f1", math.nan).is_reached
    assert Bar("f1", 0.8, at_least=0.8).is_reached
    assert not Bar("far", 0.21, at_most=0.2).is_reached


def test_a_row_without_bars_reaches_nothing() -> None:
    assert not Row("x", 1, {OWN: {}}, {OWN: 0.0}).is_reached


@pytest.mark.parametrize("name", [name for names in table.SUITES.values() for name in names if name != "plant"])
def test_every_benchmark_of_the_table_is_there_and_says_what_it_misses(name: str, tmp_path: Path) -> None:
    assert table.benchmark("timeseries", name).name == name
    left = list(table.rows("timeseries", [name], tmp_path))
    assert [one.name for one in left] == [name]
    assert isinstance(left[0], table.LeftOut)
    assert left[0].why


def test_the_plant_needs_no_folder_and_outside_a_checkout_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert table.benchmark("timeseries", "plant").name == "plant"
    monkeypatch.setattr(plant_weeks, "CONF", tmp_path)
    (left,) = table.rows("timeseries", ["plant"], tmp_path / "nowhere")
    assert isinstance(left, table.LeftOut)
    assert "run this in a checkout" in left.why
