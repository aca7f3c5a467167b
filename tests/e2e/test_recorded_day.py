"""A recorded day of a real machine, played over OPC UA through gateway, spool, landing and refinery, against a second reading of its file."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DAY = ROOT / "conf" / "examples" / "recordings" / "Mazak03-20161221-20161222.txt.gz"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.slow


def factolake(home: Path, *arguments: str) -> object:
    environment = {**os.environ, "FACTOLAKE_HOME": str(home)}
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def rows(home: Path, sql: str) -> list[dict[str, object]]:
    found = factolake(home, "sql", "--json", sql)
    assert isinstance(found, list)
    return found


def us(text: object) -> int:
    return (datetime.fromisoformat(str(text)) - EPOCH) // timedelta(microseconds=1)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    home = tmp_path_factory.mktemp("day") / "home"
    document = factolake(home, "demo", "--recording", str(DAY), "--once", "--json")
    assert isinstance(document, dict)
    return home, document


@pytest.fixture(scope="module")
def by_hand() -> list[list]:
    """Intervals of [state, word, from, to], from the file alone; run as a script of its own so that it cannot lean on the platform."""
    script = ROOT / "benchmarks" / "machine_day_by_hand.py"
    return json.loads(subprocess.run([sys.executable, "-I", str(script), str(DAY)], stdout=subprocess.PIPE, check=True).stdout)


def test_the_intervals_are_those_of_the_file_to_the_microsecond(day: tuple[Path, dict], by_hand: list[list]) -> None:
    home, _ = day
    states = rows(home, "select machine, state, state_raw, from_ts, to_ts from silver.machine_states order by from_ts")
    assert {row["machine"] for row in states} == {"Mazak03"}
    found = [[row["state_raw"], us(row["from_ts"]), us(row["to_ts"])] for row in states]
    assert found == [[word, start, end] for _, word, start, end in by_hand]
    assert len(found) > 80
    plain = [row["state"] if row["state"] in ("producing", "unknown") else "not producing" for row in states]
    assert plain == [state for state, *_ in by_hand]


def test_gold_has_the_producing_time_of_the_file(day: tuple[Path, dict], by_hand: list[list]) -> None:
    home, document = day
    producing = sum(end - start for state, _, start, end in by_hand if state == "producing")
    gold = rows(home, "select equipment, sum(apt_us) as apt, sum(pbt_us) as pbt from gold.oee_shift group by equipment order by equipment")
    assert {row["equipment"]: row["apt"] for row in gold} == {"Mazak03": producing, "Mazak03-cell": producing}
    (row,) = (row for row in document["oee"] if row["equipment"] == "Mazak03")
    assert row["shift"] == "day"
    assert row["production_day"] == "2016-12-21"


def test_every_value_of_the_file_is_in_bronze_and_the_books_balance(day: tuple[Path, dict]) -> None:
    home, document = day
    ledger = document["ledger"]
    assert ledger["sent"] == ledger["bronze"] + ledger["dead_letter"] + ledger["gaps"]
    assert (ledger["dead_letter"], ledger["gaps"]) == (0, 0)
    sent: set[tuple[str, str, str]] = set()
    for line in gzip.decompress(DAY.read_bytes()).decode().splitlines():
        stamp, item, *values = line.split("|")
        # A condition is level, code, severity, qualifier and text of one item; elsewhere in this file a line holds one value.
        sent.add((str(us(stamp.replace("Z", "+00:00"))), f"Mazak03.{item}", "|".join(values)))
    sql = "select epoch_us(source_ts) as us, tag, value_text from bronze.readings where value_text is not null"
    landed = Counter((str(row["us"]), str(row["tag"]), str(row["value_text"])) for row in rows(home, sql))
    assert set(landed) == sent
    # A server reports a sample once: the file says some values twice with the same stamp.
    assert set(landed.values()) == {1}
