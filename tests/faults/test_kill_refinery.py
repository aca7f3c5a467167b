"""F7, F8: a refinery killed at any moment while the plant model changes under it. A reader of the tables it replaces sees them whole, old or new."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factolake.config import load_plant
from factolake.contracts import bronze, ops
from factolake.contracts.gold import GOLD, SCHEDULE
from factolake.contracts.silver import PLANT_MODEL, SILVER
from factolake.domain.signals import SignalKind
from factolake.lake.diff import difference
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.testing.tiny_lake import PlayedLine

CONF = Path(__file__).parents[2] / "conf"
START = datetime(2026, 11, 20, 7, 55, tzinfo=UTC)
END = START + timedelta(minutes=10)
VALUES = (SignalKind.PROCESS, SignalKind.ENERGY, SignalKind.SETPOINT)
KILLS = 15
DERIVED = tuple(table for table in (*SILVER, *GOLD, ops.QUARANTINE) if table not in (PLANT_MODEL, SCHEDULE))
REFINERY = """
import sys, threading
from datetime import datetime
from pathlib import Path
import pyspark.sql.connect.session
from factolake.config import Settings
from factolake.domain.clock import ManualClock
from pipelines.refinery import run_refinery
print("ready", flush=True)
plant = Path(sys.stdin.readline().strip())
run_refinery(Settings(home=Path(sys.argv[1]), plant_file=plant), ManualClock(datetime.fromisoformat(sys.argv[2])), threading.Event(), once=True)
"""
READER = """
import json, sys, threading, time
from collections import Counter
from pathlib import Path
from factolake.contracts import gold, silver
from factolake.lake.tables import Lake
over, seen, lake = threading.Event(), Counter(), Lake(Path(sys.argv[1]))
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.wait(0.1):
    for table in (silver.STATE_HOURS, silver.MACHINE_STATES):
        rows = lake.open(table).read(["machine", "state_raw", "state"]).to_pylist()
        seen[table.name, *sorted({row["state"] for row in rows if row["state_raw"] == "1"}), len({row["machine"] for row in rows})] += 1
    for table in (gold.OEE_HOUR, gold.OEE_SHIFT):
        rows = lake.open(table).read(["machine" if table is gold.OEE_HOUR else "equipment", "apt_us"]).to_pylist()
        seen[table.name, *sorted({"producing" if row["apt_us"] else "setup" for row in rows}), len(rows)] += 1
print(json.dumps([[list(key), count] for key, count in seen.items()]))
"""
"""What each look saw: the table, the words for the state 1, and how many machines or rows there were."""


class Child:
    """A program of the test as a process that reads its orders from standard input."""

    def __init__(self, program: str, *arguments: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, plant: Path) -> None:
        """Wait until it is ready, then let it refine with `plant`."""
        assert self.process.stdout.readline() == "ready\n"
        self.process.stdin.write(f"{plant}\n")
        self.process.stdin.flush()

    def killed_after(self, seconds: float) -> bool:
        """Kill it after `seconds`; False if it had ended by then."""
        time.sleep(seconds)
        self.process.kill()
        return self.process.wait() != 0

    def last_words(self) -> str:
        return self.process.communicate(timeout=60)[0]


def refinery(home: Path) -> Child:
    return Child(REFINERY, str(home), END.isoformat())


def refine(home: Path, plant: Path) -> float:
    """Refine to the end; returns the seconds it took."""
    child = refinery(home)
    child.begin(plant)
    began = time.monotonic()
    assert child.process.wait(120) == 0
    return time.monotonic() - began


@pytest.fixture
def plants(tmp_path: Path) -> tuple[Path, Path]:
    """The shipped plant, and one in which the state 1 of every machine means setup: between them every interval and KPI is replaced."""
    text = (CONF / "plant.toml").read_text(encoding="utf-8")
    words = {**load_plant(CONF / "plant.toml").state_maps["factolake"], "1": "setup"}
    other = text.replace('state_map = "factolake"', 'state_map = "other"') + "\n[state_map.other]\n"
    files = tmp_path / "plant.toml", tmp_path / "other.toml"
    files[0].write_text(text, encoding="utf-8")
    files[1].write_text(other + "".join(f'"{raw}" = "{state}"\n' for raw, state in words.items()), encoding="utf-8")
    return files


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation whose line has run steadily for ten minutes on both sides of the hour."""
    model = load_plant(CONF / "plant.toml")
    model = replace(model, signals=tuple(signal for signal in model.signals if signal.kind not in VALUES))
    scenario = load_scenario(CONF / "scenarios" / "steady.toml", model)
    line = PlayedLine(Lake(tmp_path / "home" / "lake"), model, scenario, START, ledger=tmp_path / "truth.jsonl")
    line.play(END)
    line.close()
    return tmp_path / "home"


def differing(one: Lake, other: Lake) -> list[str]:
    """Tables whose rows are not the same in both, whenever they were made."""
    found = []
    for table in DERIVED:
        columns = [name for name in table.column_names if name != "as_of"]
        a, b = (lake.open(table).read(columns) for lake in (one, other))
        if difference(a, b, columns).num_rows or difference(b, a, columns).num_rows:
            found.append(table.name)
    return found


def keys_that_repeat(lake: Lake) -> list[str]:
    counted = {table.name: Counter(tuple(row.values()) for row in lake.open(table).read(list(table.key)).to_pylist()) for table in DERIVED}
    return [name for name, keys in counted.items() if keys and max(keys.values()) > 1]


@pytest.mark.slow
def test_f7_f8_a_reader_sees_whole_tables_while_the_refinery_is_killed_and_in_the_end_all_is_as_if_it_never_was(
    home: Path, plants: Sequence[Path], tmp_path: Path
) -> None:
    lake, rng = Lake(home / "lake"), random.Random(8)
    refine(home, plants[0])
    whole_s = refine(home, plants[1])
    reader, spare, killed = Child(READER, str(lake.root)), refinery(home), 0
    for number in range(KILLS):
        child, spare = spare, refinery(home)
        child.begin(plants[number % 2])
        killed += child.killed_after(rng.uniform(0, whole_s))
    spare.begin(plants[1])
    assert spare.process.wait(120) == 0
    seen = json.loads(reader.last_words())
    assert killed >= KILLS // 3
    assert [look for look, _ in seen if len(look) != 3] == [], "a look saw the old and the new meaning side by side"
    for table in {look[0] for look, _ in seen}:
        states, sizes = ({look[place] for look, _ in seen if look[0] == table} for place in (1, 2))
        assert states == {"producing", "setup"}, f"{table} was not seen both ways"
        assert len(sizes) == 1, f"{table} lacked rows at times"
    assert keys_that_repeat(lake) == []
    fresh = tmp_path / "fresh"
    for table in (bronze.READINGS, bronze.EVENTS, ops.CLOCK):
        shutil.copytree(lake.path(table), Lake(fresh / "lake").path(table))
    refine(fresh, plants[1])
    assert differing(lake, Lake(fresh / "lake")) == []
