"""`factolake plan` as a process: one object on stdout, the same one for the same seed and iterations, and judgements by exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from generators import infeasible, planted

from factolake.planning.formats import problem_json

REPOSITORY = Path(__file__).parents[2]
SHOP = "3 3\n0 3 1 2 2 2\n0 2 2 1 1 4\n1 4 2 3 0 1\n"
KEYS = ["makespan", "bound", "gap", "seconds", "cpu_seconds", "schedule"]


def plan(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTOLAKE_")}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "plan", *arguments],
        cwd=home,
        env={**kept, "FACTOLAKE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.txt").write_text(SHOP, encoding="utf-8")
    return tmp_path


def test_a_job_shop_is_solved_and_the_schedule_is_valid(shop: Path) -> None:
    done = plan(shop, "solve", "shop.txt", "--seconds", "5", "--seed", "1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert list(answer) == KEYS
    assert (answer["makespan"], answer["bound"], answer["gap"]) == (11, 11, 0.0)
    assert {tuple(sorted(step)) for step in answer["schedule"]} == {("end", "job", "machine", "operation", "start")}
    assert sorted((step["job"], step["operation"]) for step in answer["schedule"]) == [(job, place) for job in range(3) for place in range(3)]
    (shop / "schedule.json").write_text(done.stdout, encoding="utf-8")
    judged = plan(shop, "validate", "shop.txt", "schedule.json", "--json")
    assert judged.returncode == 0
    assert json.loads(judged.stdout) == {"valid": True, "makespan": 11, "tardiness": 0, "setup": 0, "moved": 0, "objective": 11, "faults": []}


def test_the_same_seed_and_iterations_give_the_same_schedule_as_a_table_too(shop: Path) -> None:
    first = json.loads(plan(shop, "solve", "shop.txt", "--iterations", "50", "--seed", "3", "--json").stdout)
    shown = plan(shop, "solve", "shop.txt", "--iterations", "50", "--seed", "3")
    assert shown.returncode == 0
    head, *rows = [line.split() for line in shown.stdout.splitlines() if line.strip()][2:]
    assert head == ["job", "operation", "machine", "start", "end"]
    assert sorted([*map(int, row)] for row in rows) == sorted([*step.values()] for step in first["schedule"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_search_that_is_ended_early_shows_its_best_schedule_and_leaves_no_process(shop: Path, number: int, code: int) -> None:
    (shop / "large.txt").write_text(
        "30 20\n" + "".join(" ".join(f"{(job * 7 + place * 3) % 20} {place % 9 + 1}" for place in range(20)) + "\n" for job in range(30))
    )
    command = [sys.executable, "-m", "pipelines.cli", "plan", "solve", "large.txt", "--seconds", "100", "--json"]
    environment = {**os.environ, "FACTOLAKE_HOME": str(shop), "PYTHONPATH": str(REPOSITORY)}
    # A test run in the background of a shell ignores Ctrl-C, and so would what it starts
    with subprocess.Popen(
        command, cwd=shop, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)
    ) as process:
        while not (children := psutil.Process(process.pid).children()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        answer, _ = process.communicate(timeout=60)
    assert process.returncode == code and not any(child.is_running() for child in children)
    (shop / "schedule.json").write_text(answer, encoding="utf-8")
    assert plan(shop, "validate", "large.txt", "schedule.json").returncode == 0


def test_a_broken_schedule_ends_with_its_faults_in_words(shop: Path) -> None:
    order = [(0, 0, 0, 0, 4), (0, 1, 1, 3, 5), (0, 2, 2, 5, 7), (1, 0, 0, 3, 5), (1, 1, 0, 7, 8), (1, 2, 1, 8, 12), (2, 0, 1, 12, 16)]
    order += [(2, 1, 2, 16, 19), (2, 2, 0, 19, 20)]
    keys = ("job", "operation", "machine", "start", "end")
    (shop / "schedule.json").write_text(json.dumps({"schedule": [dict(zip(keys, step, strict=True)) for step in order]}), encoding="utf-8")
    judged = plan(shop, "validate", "shop.txt", "schedule.json")
    assert judged.returncode == 1
    assert "duration: operation 0 of job 0 goes from 0 to 4; on machine 0 it takes 3 and ends at 3" in judged.stdout
    assert "operation 1 of job 1 is on machine 0; it may be on 2" in judged.stdout
    faults = json.loads(plan(shop, "validate", "shop.txt", "schedule.json", "--json").stdout)["faults"]
    assert {fault["rule"] for fault in faults} >= {"mode", "duration"} and "placed" not in {fault["rule"] for fault in faults}


def test_a_problem_of_ours_is_solved_with_people_and_judged(tmp_path: Path) -> None:
    (tmp_path / "plant.json").write_text(problem_json(planted(4, 3, 3, 3).problem), encoding="utf-8")
    done = plan(tmp_path, "solve", "plant.json", "--seconds", "4", "--json")
    assert done.returncode == 0, done.stderr
    (tmp_path / "schedule.json").write_text(done.stdout, encoding="utf-8")
    judged = plan(tmp_path, "validate", "plant.json", "schedule.json")
    assert (judged.returncode, judged.stdout.split(";")[0]) == (0, "valid")


def test_a_problem_without_plan_is_answered_with_the_conflict(tmp_path: Path) -> None:
    example = infeasible(1, 3, 2, 2, "missing skill")
    (tmp_path / "plant.json").write_text(problem_json(example.problem), encoding="utf-8")
    done = plan(tmp_path, "solve", "plant.json", "--seconds", "2", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    answer = json.loads(done.stdout)
    assert list(answer) == [*KEYS, "status", "conflicts"]
    assert (answer["makespan"], answer["schedule"], answer["status"]) == (None, [], "infeasible")
    assert [(conflict["kind"], conflict["operations"]) for conflict in answer["conflicts"]] == [("no_skill", list(example.core))]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("solve", "nothing.txt"), 1, "factolake: nothing.txt: there is no such file; give a file, or archive.zip:member"),
        (("solve", "broken.txt"), 1, "factolake: broken.txt: line 2: job 0 has 3 values; give pairs of machine and duration"),
        (("solve", "shop.txt", "--preset", "grand"), 2, "preset grand does not exist"),
        (("validate", "shop.txt", "shop.txt"), 1, "factolake: shop.txt: line 1 is not JSON"),
    ],
)
def test_a_refusal_is_one_sentence(shop: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    (shop / "broken.txt").write_text("1 3\n0 3 1\n", encoding="utf-8")
    done = plan(shop, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr and "Traceback" not in done.stderr
