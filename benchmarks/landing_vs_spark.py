"""Rows per CPU-second of landing against a stock Spark Structured Streaming job from the same records to a Delta table. Goal: at least 3.

Run: python benchmarks/landing_vs_spark.py [--rows 500000] [--rounds 3] [--format parquet|json]. The stock job gets the records already decoded, as
files in a directory (parquet is the cheapest thing it can read), in micro-batches of as many rows as landing takes, and does nothing else: no
contract, no positions, no fsync. It runs in JVM Spark on two local cores; its first run in a fresh JVM is shown and not counted.
"""

import argparse
import json
import shutil
import statistics
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from landing_throughput import BATCH_ROWS, ROWS_A_RECORD, decoded, land, record
from measuring import cpu_of, scratch, table, verdict
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from factolake.contracts.bronze import READINGS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.lake.jvm import jvm_spark

FILES_A_BATCH = 16


def write_files(folder: Path, batches: list[pa.Table], kind: str) -> None:
    """The records as files: FILES_A_BATCH to a landing batch."""
    folder.mkdir()
    for number, batch in enumerate(batches):
        step = -(-BATCH_ROWS // FILES_A_BATCH)
        for part, start in enumerate(range(0, batch.num_rows, step)):
            name = folder / f"{number:05d}-{part:02d}"
            if kind == "parquet":
                pq.write_table(batch.slice(start, step), name.with_suffix(".parquet"))
            else:
                lines = [json.dumps({k: v for k, v in row.items() if v is not None}, default=str) for row in batch.slice(start, step).to_pylist()]
                name.with_suffix(".json").write_text("\n".join(lines), encoding="utf-8")


def stream(spark: SparkSession, files: Path, folder: Path, kind: str) -> int:
    """The stock job from start to end; returns the rows it wrote."""
    source = (
        spark.readStream.schema(from_arrow_schema(arrow_schema(READINGS)))
        .option("maxFilesPerTrigger", str(FILES_A_BATCH))
        .format(kind)
        .load(str(files))
    )
    writer = source.writeStream.format("delta").option("checkpointLocation", str(folder / "checkpoint")).trigger(availableNow=True)
    query = writer.start(str(folder / "table"))
    query.awaitTermination()
    return int(spark.read.format("delta").load(str(folder / "table")).count())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", choices=("parquet", "json"), default="parquet")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    records = [record(seq, rng) for seq in range(asked.rows // ROWS_A_RECORD)]
    rows = len(records) * ROWS_A_RECORD
    with scratch() as root:
        write_files(root / "files", decoded(records), asked.format)
        with jvm_spark() as jvm:
            spark = SparkSession.builder.remote(jvm.url).create()
            started = cpu_of(jvm.pid)
            shown: list[tuple[object, ...]] = [("JVM until it answers", "", started, "", "")]
            ratios = []
            for number in range(asked.rounds + 1):
                before, clock = cpu_of(jvm.pid), time.perf_counter()
                written = stream(spark, root / "files", root / f"spark{number}", asked.format)
                theirs, wall = cpu_of(jvm.pid) - before, time.perf_counter() - clock
                if written != rows:
                    raise SystemExit(f"the stock job wrote {written:,} of {rows:,} rows")
                shown.append(
                    (f"stock job {number}" + (", first in this JVM" if not number else ""), f"{wall:.1f}", theirs, f"{rows / theirs:,.0f}", "")
                )
                if number:
                    ours = land(root / f"ours{number}", records)
                    ratios.append(theirs / ours)
                    shown.append((f"landing {number}", "", ours, f"{rows / ours:,.0f}", f"{theirs / ours:.2f}"))
                    shutil.rmtree(root / f"ours{number}")
                else:
                    cold = started + theirs
                shutil.rmtree(root / f"spark{number}")
            spark.stop()
    table(("what", "wall s", "CPU-s", "rows/CPU-s", "ratio"), shown)
    typical = rows / statistics.median(ours for _, _, ours, _, ratio in shown if ratio)
    print(f"with the JVM's start and warm-up counted: {typical * cold / rows:.1f}")
    verdict(f"landing / stock Spark stream ({asked.format}), warm", ratios, ">= 3", statistics.median(ratios) >= 3)


if __name__ == "__main__":
    main()
