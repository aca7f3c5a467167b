"""The two commands a newcomer types: the demo from the plant's OPC UA server to the KPI, and the questions asked of what it leaves."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
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
def test_a_bearing_that_wears_is_alerted_once_before_it_breaks_the_machine(demo: tuple[Path, dict]) -> None:
    home, document = demo
    (alert,) = document["alerts"]
    truth = load_truth(next(home.rglob("truth*.jsonl")))
    (worn,) = truth.degradations
    assert (alert["machine"], alert["first_signal"], worn.machine, worn.signals[0]) == ("L1-M2", "vibration", "L1-M2", "vibration")
    broken_ts = truth.states[0].from_ts + timedelta(hours=8, minutes=4)
    assert worn.onset_ts < datetime.fromisoformat(alert["raised_ts"]).astimezone(UTC) < broken_ts - timedelta(hours=1)


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


def shown_by_the_plant(home: Path, order: str) -> Counter[tuple[str, str]]:
    """Good and scrap per operation of `order`, from what the plant noted that it sent."""
    machines = list(load_plant(home / "conf" / "plant.toml").machines)
    shows: dict[str, object] = {}
    last: dict[tuple[str, str], int] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for sent in load_truth(next(home.rglob("truth*.jsonl"))).sent:
        if sent.signal == "order":
            shows[sent.machine] = sent.value
        elif sent.signal in ("good_count", "scrap_count") and isinstance(sent.value, int):
            before, last[sent.machine, sent.signal] = last.get((sent.machine, sent.signal), 0), sent.value
            if shows.get(sent.machine) == order:
                number = 10 * (machines.index(sent.machine) + 1)
                counted[f"{order}.{number}", sent.signal.removesuffix("_count")] += sent.value - before
    return +counted


@pytest.mark.slow
def test_factomes_holds_what_the_line_made_of_the_erps_order(demo: tuple[Path, dict]) -> None:
    home, _ = demo
    with sqlite3.connect(home / "mes" / "mes.sqlite") as connection:
        state = connection.execute("select state from production_order where order_id = 'PO-24117'").fetchone()
        rows = connection.execute("select operation_id, good, scrap from production_operation where order_id = 'PO-24117'").fetchall()
    recorded = {(operation, kind): int(value) for operation, *counts in rows for kind, value in zip(("good", "scrap"), counts, strict=True)}
    assert state == ("completed",)
    assert {key: value for key, value in recorded.items() if value} == dict(shown_by_the_plant(home, "PO-24117"))


@pytest.mark.slow
def test_the_erp_has_each_confirmation_that_went_out_once(demo: tuple[Path, dict]) -> None:
    home, _ = demo
    booked = [json.loads(line) for line in (home / "plant" / "office" / "erp.jsonl").read_text(encoding="utf-8").splitlines()]
    with sqlite3.connect(home / "mes" / "mes.sqlite") as connection:
        gone = connection.execute("select idempotency_key from exchange_erpconfirmation where state = 'accepted'").fetchall()
        refused = connection.execute("select count(*) from exchange_erpconfirmation where state = 'refused'").fetchone()
    keys = [row["key"] for row in booked]
    assert len(keys) == len(set(keys)) > 100
    assert {key for (key,) in gone} <= set(keys)
    assert refused == (0,)


@pytest.mark.slow
def test_a_lot_of_bearings_is_recalled_to_pallets_and_customer(demo: tuple[Path, dict]) -> None:
    home, _ = demo
    with sqlite3.connect(home / "mes" / "mes.sqlite") as connection:
        into = connection.execute("select distinct into_lot_id from production_consumption where lot_id = 'BRG-6004-001'").fetchall()
        shipped = connection.execute("select lot_id, customer from production_shipment").fetchall()
    assert ("PO-24117-P01", "Nordwerk GmbH") in shipped
    assert {"PO-24117-P01", "PO-24117-P10"} <= {pallet for (pallet,) in into}
    assert "PO-24117-P03" not in {lot for lot, _ in shipped}  # blocked by quality


@pytest.mark.slow
def test_the_audit_of_the_shift_is_sound(demo: tuple[Path, dict]) -> None:
    home, _ = demo
    done = factolake(home, "audit", "verify", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["entries"] > 300
