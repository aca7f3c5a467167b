"""The command line's contract: quick help, exit codes, one clear sentence per foreseeable trouble, JSON on stdout alone."""

import json
import signal
import socket
import subprocess
import sys

import pytest
from command_line import REPOSITORY, environment, factolake, sentence, wait_for
from typer.testing import CliRunner

from pipelines import cli
from pipelines.cli import app
from pipelines.part_lock import holder

HEAVY = ("pyspark", "pysail", "dagster", "deltalake", "asyncua", "django", "pandas", "pyarrow", "duckdb", "sqlalchemy", "rich", "structlog")


def commands() -> list[str]:
    return [command.name or command.callback.__name__ for command in app.registered_commands]


@pytest.mark.parametrize("asked", [("--help",), ("refine", "--help"), ("demo", "--help")], ids=" ".join)
def test_help_imports_nothing_heavy(asked):
    command = [sys.executable, "-X", "importtime", "-m", "pipelines.cli", *asked]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "Usage:" in done.stdout
    assert {"typer", "factolake.errors"} <= imported
    assert imported & set(HEAVY) == set()


def test_every_command_of_the_plan_is_there():
    assert set(commands()) == {
        *(
            "demo",
            "up",
            "doctor",
            "sql",
            "explain",
            "land",
            "refine",
            "plant",
            "edge",
            "engine",
            "dagster",
            "sync",
            "planner",
            "watch",
            "status",
            "recompute",
            "scrub",
        ),
    }


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help(command):
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


def test_an_unknown_command_is_a_usage_error(home):
    assert factolake(home, "lnad").returncode == 2


def test_ctrl_c_before_a_command_begins_is_no_traceback(monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, *capsys.readouterr()) == (130, "", "")


def test_a_missing_settings_file_is_one_sentence(home):
    done = factolake(home, "--conf", "nowhere.toml", "land", "--once")
    assert done.returncode == 78
    assert "nowhere.toml: file is missing" in sentence(done)


def test_a_misspelled_key_is_one_sentence_with_the_allowed_keys(home):
    (home.parent / "typo.toml").write_text("[landing]\ntriger_ms = 5\n")
    done = factolake(home, "--conf", "typo.toml", "land", "--once")
    assert done.returncode == 78
    assert "landing.triger_ms" in sentence(done) and "trigger_ms" in sentence(done)


def test_a_typo_in_the_plant_file_is_one_sentence(home):
    plant = home.parent / "conf" / "plant.toml"
    plant.write_text(plant.read_text().replace('bottleneck = "L1-M3"', 'bottleneck = "L1-M9"'))
    done = factolake(home, "edge")
    assert done.returncode == 78
    assert "bottleneck is 'L1-M9'; allowed: L1-M1" in sentence(done)


def test_debug_shows_where_it_came_from(home):
    done = factolake(home, "--conf", "nowhere.toml", "--debug", "land", "--once")
    assert done.returncode == 78
    assert "Traceback" in done.stderr


def test_the_engine_command_refuses_an_engine_that_needs_no_process(home):
    done = factolake(home, "engine")
    assert done.returncode == 78
    assert 'engine = "spark"' in sentence(done)


def test_a_wrong_speed_is_one_sentence(home):
    done = factolake(home, "plant", "--speed", "0")
    assert done.returncode == 78
    assert "--speed is '0'; allowed: a number above 0, or max" in sentence(done)


def test_a_time_without_offset_is_refused(home):
    done = factolake(home, "plant", "--shift-start", "2026-03-02T06:00:00")
    assert done.returncode == 78
    assert "--shift-start" in sentence(done)


def test_an_unknown_part_names_the_known_ones(home):
    done = factolake(home, "up", "--parts", "edge,lnad")
    assert done.returncode == 78
    assert "'lnad'" in sentence(done) and "land" in sentence(done)


def test_a_taken_dagster_port_stops_up_before_anything_starts(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (home.parent / "s.toml").write_text(f"[ports]\ndagster = {port}\n")
        done = factolake(home, "--conf", "s.toml", "up", "--parts", "dagster")
    assert done.returncode == 73
    assert f"port {port} is taken" in sentence(done)
    assert not (home / "run" / "up.json").exists()


def test_an_unknown_table_names_the_tables_there_are(home):
    done = factolake(home, "sql", "select * from gold.nothing")
    assert done.returncode == 1
    assert "nothing does not exist" in sentence(done) and "Tables: " in sentence(done)


def test_sql_prints_json_alone_on_stdout(home):
    done = factolake(home, "sql", "--json", "select 1 as n, timestamp '2026-03-02 06:00:00' as ts, null as nothing")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [{"n": 1, "ts": "2026-03-02T06:00:00.000000+00:00", "nothing": None}]


def test_explaining_a_shift_that_is_not_there_is_one_sentence(home):
    done = factolake(home, "explain", "oee_shift", "L1", "early")
    assert done.returncode == 1
    assert "gold.oee_shift" in sentence(done)


def test_a_demo_refuses_a_data_folder_that_is_not_a_demos(home):
    (home / "lake").mkdir(parents=True)
    done = factolake(home, "demo", "--once")
    assert done.returncode == 78
    assert "holds lake" in sentence(done)


def test_doctor_on_an_empty_home_is_degraded_and_says_what_is_missing(home):
    done = factolake(home, "doctor", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["state"] == "down"
    assert [(row["name"], row["state"]) for row in told["sources"]] == [("line1-opcua", "down")]
    assert {"edge", "land", "refine", "sync"} <= {row["name"] for row in told["parts"]}


def test_status_on_an_empty_home_is_json(home):
    done = factolake(home, "status", "--json")
    assert done.returncode == 0
    assert {"home", "state", "parts", "tables", "shifts"} == json.loads(done.stdout).keys()


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_up_runs_once_per_home_and_ends_cleanly(home, number, exit_code):
    """A second start is refused by name while the first runs; Ctrl-C ends it with 130, SIGTERM with 0, and no child stays."""
    command = [sys.executable, "-m", "pipelines.cli", "up", "--parts", "land"]
    first = subprocess.Popen(command, cwd=home.parent, env=environment(home), stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_for(lambda: holder(home / "run", "land"))
        second, part = factolake(home, "up", "--parts", "land"), factolake(home, "land")
        first.send_signal(number)
        _, said = first.communicate(timeout=60)
    finally:
        first.kill()
    assert second.returncode == part.returncode == 73
    assert f"process {first.pid}" in sentence(second)
    assert "'land' already runs" in sentence(part)
    assert first.returncode == exit_code
    assert "Traceback" not in said
    assert holder(home / "run", "land") is None
