"""Rows per CPU-second of landing against bare `deltalake` appends of the same batches, already decoded. Goal: at least 0.3.

Run: python benchmarks/landing_throughput.py [--rows 1000000] [--rounds 5]. Landing does everything it does in a plant: reads the SQLite
spool, decodes, checks the contract, commits with positions, fsyncs and releases. Runs are paired and alternate; CPU seconds of the process.
"""

import argparse
import datetime as dt
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from factolake.bus.codec import MESSAGE_SCHEMAS, encode
from factolake.bus.port import READINGS_SCHEMA, Record, StoredRecord
from factolake.bus.spool_bus import Spool
from factolake.config.settings import LandingSettings
from factolake.contracts.bronze import READINGS
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.decode import Arrival, decode_batch
from factolake.landing.land import Landing

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
ROWS_A_RECORD = 200
BATCH_ROWS = 65_536


def record(seq: int, rng: np.random.Generator) -> Record:
    """One cycle of 200 signals."""
    n, stamp = ROWS_A_RECORD, NOW + dt.timedelta(seconds=seq)
    kinds = ["f64"] * (n * 4 // 5) + ["i64"] * (n // 5)
    floats = [float(v) if k == "f64" else None for k, v in zip(kinds, rng.normal(50, 5, n).round(3), strict=True)]
    columns = {
        "source_id": ["line1-opcua"] * n,
        "epoch": [1] * n,
        "seq": [seq] * n,
        "idx": list(range(n)),
        "tag": [f"ns=2;s=L1-M{i % 6}.Signal{i}" for i in range(n)],
        "value_kind": kinds,
        "value_f64": floats,
        "value_i64": [seq if k == "i64" else None for k in kinds],
        "source_ts": [stamp] * n,
        "server_ts": [stamp] * n,
        "gateway_ts": [stamp] * n,
        "status": [0] * n,
        "flags": [0] * n,
    }
    schema = MESSAGE_SCHEMAS[READINGS_SCHEMA]
    arrays = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type) for f in schema]
    return encode(READINGS_SCHEMA, pa.RecordBatch.from_arrays(arrays, schema=schema))


def land(folder: Path, records: list[Record]) -> float:
    """CPU seconds of landing `records` out of a spool."""
    clock = ManualClock(NOW)
    spool = Spool(folder / "spool.sqlite", 8 << 30, clock)
    for start in range(0, len(records), 1000):
        spool.append(records[start : start + 1000])
    tables = BronzeTables(Lake(folder / "lake"), folder / "run", 50)
    landing = Landing(spool, tables, LandingSettings(max_rows=BATCH_ROWS), clock)
    landing.start()
    before = time.process_time()
    while landing.step().more:
        pass
    spent = time.process_time() - before
    tables.close()
    spool.close()
    return spent


def append(folder: Path, batches: list[pa.Table]) -> float:
    """CPU seconds of appending `batches` with deltalake and nothing else."""
    lake = Lake(folder)
    lake.ensure(READINGS)
    before = time.process_time()
    for batch in batches:
        write_deltalake(lake.path(READINGS), batch, mode="append")
    return time.process_time() - before


def decoded(records: list[Record]) -> list[pa.Table]:
    """The batches landing makes of `records`."""
    log = [StoredRecord(offset, one) for offset, one in enumerate(records, 1)]
    size = -(-BATCH_ROWS // ROWS_A_RECORD)
    return [decode_batch(log[i : i + size], Arrival("bench", NOW)).readings for i in range(0, len(log), size)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    rng = np.random.default_rng(1)
    records = [record(seq, rng) for seq in range(asked.rows // ROWS_A_RECORD)]
    rows, batches = len(records) * ROWS_A_RECORD, decoded(records)
    ratios = []
    for turn in range(asked.rounds):
        folder = Path(tempfile.mkdtemp(prefix="factolake-bench-"))
        try:
            landed, bare = land(folder / "ours", records), append(folder / "bare", batches)
        finally:
            shutil.rmtree(folder)
        ratios.append(bare / landed)
        print(f"round {turn + 1}: landing {rows / landed:,.0f} rows/CPU-s, bare append {rows / bare:,.0f} rows/CPU-s, ratio {bare / landed:.2f}")
    print(f"ratio {statistics.median(ratios):.2f} (median of {asked.rounds}, {min(ratios):.2f} to {max(ratios):.2f}); goal >= 0.3")


if __name__ == "__main__":
    main()
