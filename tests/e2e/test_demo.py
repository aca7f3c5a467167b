"""The two commands a newcomer types: the demo from the plant's OPC UA server to the KPI, and the questions asked of what it leaves."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from factolake.config import load_plant
from factolake.plant.truth import load_truth

ROOT = Path(__file__).parents[2]


def factolake(home: Path, *arguments: str, within_s: float = 280) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FACTOLAKE_HOME": str(home)}
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=within_s, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    home = tmp_path_factory.mktemp("demo") / "home"
    done = factolake(home, "demo", "--once", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    return home, json.loads(done.stdout)


@pytest.mark.slow
def test_the_demo_prints_one_object_whose_books_balance(demo: tuple[Path, dict]) -> None:
    _, document = demo
    assert [line["line"] for line in document["lines"]] == ["L1"]
    assert document["coverage"] >= 0.95
    assert document["seconds_to_first_kpi"] > 0
    ledger = document["ledger"]
    assert ledger["sent"] == ledger["bronze"] + ledger["dead_letter"] + ledger["gaps"] > 100_000


@pytest.mark.slow
def test_the_oee_of_the_shift_is_what_the_plants_own_ledger_says(demo: tuple[Path, dict]) -> None:
    home, document = demo
    plant = load_plant(home / "conf" / "plant.toml")
    truth = load_truth(next(home.rglob("truth*.jsonl")))
    rows = {row["equipment"]: row for row in document["oee"] if row["shift"] == "early" and row["is_complete"]}
    start = truth.states[0].from_ts
    for machine in plant.machines:
        made = [m for m in truth.minutes if m.machine == machine and m.minute_ts < start + timedelta(hours=8)]
        assert (rows[machine]["pq"], rows[machine]["gq"]) == (sum(m.total for m in made), sum(m.good for m in made))
        planned = {n.product: n.planned_run_time_us for n in plant.nameplates if n.machine == machine}
        by_product: Counter[str] = Counter()
        for minute in made:
            by_product[minute.product] += minute.good
        # Eight hours less break (30 min) and announced meeting (4 min); a part of the changeover's minute may be of either product.
        expected = sum(planned[product] * parts for product, parts in by_product.items() if parts) / (446 * 60 * 1_000_000)
        assert rows[machine]["oee"] == pytest.approx(expected, abs=0.002)


@pytest.mark.slow
def test_the_lake_that_stays_answers_every_question(demo: tuple[Path, dict]) -> None:
    home, _ = demo
    states = json.loads(factolake(home, "sql", "--json", "select machine, state, from_ts, to_ts from silver.machine_states").stdout)
    rows = states["rows"] if isinstance(states, dict) else states
    assert {row["machine"] for row in rows} == {f"L1-M{n}" for n in range(1, 7)}
    explained = factolake(home, "explain", "oee_shift", "L1", "early")
    assert explained.returncode == 0, explained.stderr
    assert "Formula" in explained.stdout
    assert "Bronze rows" in explained.stdout
    told = json.loads(factolake(home, "explain", "oee_shift", "L1", "early", "--json").stdout)
    assert told["sources"]
    assert all(Path(source["file"]).is_file() and source["source_id"] and source["log_offset"] >= 0 for source in told["sources"])
    health = json.loads(factolake(home, "doctor", "--json").stdout)
    assert "line1-opcua" in json.dumps(health)


@pytest.mark.slow
def test_a_recomputation_from_bronze_differs_in_nothing(demo: tuple[Path, dict]) -> None:
    home, _ = demo
    done = factolake(home, "recompute", "--check", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["difference"] == 0


@pytest.mark.slow
def test_the_mes_holds_what_gold_holds(demo: tuple[Path, dict]) -> None:
    home, document = demo
    with sqlite3.connect(home / "mes" / "mes.sqlite") as connection:
        held = dict(connection.execute("select equipment, oee from lake_oee where span = 'shift' and period like '%early%'").fetchall())
        refused = connection.execute("select count(*) from lake_dead_letter").fetchone()
    assert held == {row["equipment"]: row["oee"] for row in document["oee"] if row["shift"] == "early"}
    assert refused == (0,)
