"""`factolake models evaluate` and `score`: a table from the data that are there, answers without labels, and refusals in a sentence."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import environment, factolake, sentence

SIGNALS = 52


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with a process in the files of the Tennessee Eastman set: in fault 4 a signal leaves its level after row 160."""
    data = tmp_path_factory.mktemp("data")
    (data / "tep").mkdir()
    draw = np.random.default_rng(0)
    mixing = draw.normal(size=(4, SIGNALS))

    def recording(rows: int) -> np.ndarray:
        return draw.normal(size=(rows, 4)) @ mixing + 0.1 * draw.normal(size=(rows, SIGNALS))

    fault = recording(300)
    fault[160:, 50] += 3.0
    np.savetxt(data / "tep" / "d00.dat", recording(500).T)
    np.savetxt(data / "tep" / "d00_te.dat", recording(960))
    np.savetxt(data / "tep" / "d04_te.dat", fault)
    return data


def test_evaluate_judges_what_is_there_and_names_what_is_not(process: Path, tmp_path: Path) -> None:
    done = factolake(tmp_path / "home", "models", "evaluate", "--data", str(process), "--set", "tep", "--set", "nab", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [left["name"] for left in told["left_out"]] == ["nab"]
    (row,) = told["rows"]
    assert (row["name"], row["cases"]) == ("tep", 1)
    assert row["figures"]["factolake"]["detected_04"] > 0.95
    assert set(row["figures"]) == set(row["cpu_s"]) == {"factolake", "pca-t2", "pca-spe"}
    limits = {bar["name"]: (bar["at_least"], bar["at_most"]) for bar in row["bars"]}
    assert limits == {"false_alarms": (None, 0.02), "detected": (0.97, None)}


def test_the_table_for_people_says_which_bars_are_reached(process: Path, tmp_path: Path) -> None:
    done = factolake(tmp_path / "home", "models", "evaluate", "--data", str(process), "--set", "tep")
    assert done.returncode == 0, done.stderr
    assert "false_alarms" in done.stdout
    assert "reached" in done.stdout


def test_score_answers_row_by_row(process: Path, tmp_path: Path) -> None:
    done = factolake(tmp_path / "home", "models", "score", "tep", "--data", str(process))
    assert done.returncode == 0, done.stderr
    (scores,) = json.loads(done.stdout)["answers"]
    assert len(scores) == 300
    assert np.mean([score is not None and score > 1 for score in scores[160:]]) > 0.95


def test_without_any_data_the_exit_code_is_one_and_each_set_is_named(tmp_path: Path) -> None:
    done = factolake(tmp_path / "home", "models", "evaluate", "--data", str(tmp_path), "--set", "tep", "--set", "skab-outlier")
    assert done.returncode == 1
    assert "left out: tep" in done.stderr
    assert "left out: skab-outlier" in done.stderr


def test_a_damaged_file_is_refused_in_a_sentence_that_names_it(process: Path, tmp_path: Path) -> None:
    shutil.copytree(process / "tep", tmp_path / "data" / "tep")
    file = tmp_path / "data" / "tep" / "d04_te.dat"
    file.write_text("rows of another kind\n")
    done = factolake(tmp_path / "home", "models", "score", "tep", "--data", str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (1, "")
    assert str(file) in sentence(done)


def test_ctrl_c_ends_an_evaluation_without_a_word(process: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / "pipe")
    (tmp_path / "data" / "tep").mkdir()
    (tmp_path / "data" / "tep" / "d04_te.dat").write_bytes((process / "tep" / "d04_te.dat").read_bytes())
    (tmp_path / "data" / "tep" / "d00.dat").symlink_to(tmp_path / "data" / "pipe")
    command = [sys.executable, "-m", "pipelines.cli", "models", "evaluate", "--data", str(tmp_path / "data"), "--set", "tep"]
    with subprocess.Popen(command, env=environment(tmp_path / "home"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        out, rest = running.communicate(timeout=120)
    assert (running.returncode, out.strip(), rest.strip()) == (130, "", "")
    assert said == "tep ...\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "--data", ".", "--suite", "vision"),
        ("evaluate", "--data", ".", "--set", "mnist"),
        ("score", "mnist", "--data", "."),
        ("score", "tep", "--data", "nowhere"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = factolake(tmp_path / "home", "models", *arguments)
    assert done.returncode == 78
    assert sentence(done)
