"""Producing time and state intervals of recorded machine-days against a second reading of the same files. Goal: all equal, to the microsecond.

Run: python benchmarks/machine_days.py [FOLDER] [--opcua N]. FOLDER holds adapter logs (`Mazak01-20161013-20161014.txt.gz`, at any depth) of the
machines in conf/examples/nist.toml; default: the bundled day. Every file is read into bronze and refined to gold in a lake of its own; with
--opcua also the first N files of each machine go the whole way: OPC UA server, gateway, spool, landing, refinery (`factolake demo --recording`).
The judge is machine_day_by_hand.py, which knows nothing of the platform.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from factolake.config import load_plant
from factolake.contracts import bronze, gold, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import ManualClock
from factolake.lake.engine import Engine, engine
from factolake.lake.tables import Lake
from factolake.plant.player import tag_of
from factolake.plant.recording import Recording, load_recording
from factolake.plant.run import only_machine
from factolake.refine.plant_model import record_plant
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "conf" / "examples" / "recordings"
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
ROWS_A_MESSAGE = 5_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)

Interval = tuple[str, str, int, int]
"""State, the machine's own word, from and to in microseconds since 1970."""


def by_hand(file: Path) -> list[Interval]:
    """What the judge says."""
    script = str(Path(__file__).with_name("machine_day_by_hand.py"))
    told = subprocess.run([sys.executable, "-I", script, str(file)], stdout=subprocess.PIPE, check=True).stdout
    return [(str(state), str(word), int(from_us), int(to_us)) for state, word, from_us, to_us in json.loads(told)]


def messages(recording: Recording, source_id: str) -> Iterator[pa.Table]:
    """The recording as the gateway would have packed it: rows of bronze.readings, a message a table."""
    for seq, start in enumerate(range(0, len(recording.observations), ROWS_A_MESSAGE)):
        part = recording.observations[start : start + ROWS_A_MESSAGE]
        told: dict[str, object] = {
            "idx": range(len(part)),
            "tag": [tag_of(recording.machine, seen.item) for seen in part],
            "value_text": [seen.value for seen in part],
            "source_ts": [seen.ts for seen in part],
            "source_ts_ns_rest": [seen.ns_rest for seen in part],
        }
        same = {
            "source_id": source_id,
            "epoch": 1,
            "seq": seq,
            "value_kind": "text",
            "status": 0,
            "flags": 0,
            "log_id": "file",
            "log_offset": seq + 1,
        }
        same |= {"gateway_ts": NOW, "ingest_ts": NOW, "ingest_date": NOW.date()}
        columns = []
        for field in arrow_schema(bronze.READINGS):
            values = told.get(field.name, [same.get(field.name)] * len(part))
            columns.append(pa.array(values, field.type))
        yield pa.table(columns, schema=arrow_schema(bronze.READINGS))


def refine(sail: Engine, file: Path, root: Path) -> Lake:
    """A lake at `root` that holds `file` from bronze to gold."""
    lake, recording = Lake(root), load_recording(file)
    model = only_machine(load_plant(ROOT / "conf" / "examples" / "nist.toml"), recording.machine)
    lake.ensure(bronze.READINGS)
    readings = lake.open(bronze.READINGS)
    for message in messages(recording, model.machines[recording.machine].source_id):
        readings.append(message, {})
    record_plant(lake, model, ManualClock(NOW))
    runner = Runner(lake, sail, model, ManualClock(NOW))
    for refinement in REFINEMENTS:
        runner.run(refinement)
    return lake


def found(lake: Lake) -> list[Interval]:
    """Intervals of silver.machine_states with a word of the machine's own."""
    rows = sorted(lake.open(silver.MACHINE_STATES).read().to_pylist(), key=lambda row: row["from_ts"])
    return [
        (_plain(str(row["state"])), str(row["state_raw"]), _us(row["from_ts"]), _us(row["to_ts"])) for row in rows if row["state_raw"] is not None
    ]


def _plain(state: str) -> str:
    return state if state in ("producing", "unknown") else "not producing"


def _us(ts: datetime) -> int:
    return (ts - EPOCH) // US


def compare(file: Path, lake: Lake, way: str, seconds: float) -> bool:
    """Print one line for `file`; whether intervals, minutes and gold's producing time equal the judge's."""
    true, seen = by_hand(file), found(lake)
    there, here = minutes(true), minutes(seen)
    apt = sum(row["apt_us"] for row in lake.open(gold.OEE_SHIFT).read().to_pylist() if row["equipment"] == file.name.split("-")[0])
    equal = true == seen and there == here and apt == there["producing"]
    shown = ", ".join(f"{state} {here[state] / 6e7:.3f}/{there[state] / 6e7:.3f}" for state in ("producing", "not producing", "unknown"))
    verdict = "equal" if equal else "DIFFERENT"
    counted = f"gold producing {apt / 6e7:.3f}; {len(seen)}/{len(true)} intervals; {seconds:.1f} s"
    print(f"{file.name:40} {way:6} min here/there: {shown}; {counted} {verdict}", flush=True)
    if not equal:
        print("   only here:", sorted(set(seen) - set(true))[:5], "\n   only there:", sorted(set(true) - set(seen))[:5])
    return equal


def minutes(intervals: list[Interval]) -> Counter[str]:
    """Microseconds by state."""
    times: Counter[str] = Counter()
    for state, _, from_us, to_us in intervals:
        times[state] += to_us - from_us
    return times


def through_opcua(file: Path) -> bool:
    """`file` by way of the whole chain, in a demo of its own."""
    with tempfile.TemporaryDirectory(prefix="factolake-day-") as folder:
        environment = {**os.environ, "FACTOLAKE_HOME": folder, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pipelines.cli", "demo", "--recording", str(file.resolve()), "--once", "--json"]
        begun = time.monotonic()
        subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return compare(file, Lake(Path(folder) / "lake"), "opcua", time.monotonic() - begun)


def main() -> None:
    """Compare every file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED)
    parser.add_argument("--opcua", type=int, default=0, metavar="N", help="also play the first N files of each machine over OPC UA")
    parser.add_argument("--only", default="", help="only files whose name contains this")
    asked = parser.parse_args()
    files = sorted(file for file in asked.folder.rglob("*.txt*") if asked.only in file.name)
    results = []
    with engine("sail") as sail:
        for file in files:
            with tempfile.TemporaryDirectory(prefix="factolake-day-") as folder:
                begun = time.monotonic()
                lake = refine(sail, file, Path(folder))
                results.append(compare(file, lake, "direct", time.monotonic() - begun))
    for _, group in groupby(files, key=lambda file: file.name.split("-")[0]):
        results += [through_opcua(file) for file in list(group)[: asked.opcua]]
    print(f"{sum(results)} of {len(results)} equal")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
