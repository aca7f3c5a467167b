"""What the default engine keeps of each query it has answered: live bytes of its allocator after few and after many queries of one kind.

Run: python benchmarks/engine_memory.py [--few 300] [--many 1300]. Each kind runs in a process of its own that prints the allocator's
statistics (mimalloc) as it ends. No goal: it tells when a new version of Sail no longer keeps memory of SQL text, and which call does.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
from measuring import table
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from factolake.contracts.formats.spark import to_frame
from factolake.lake.engine import engine

UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
KINDS: dict[str, Callable[[DataFrame], DataFrame]] = {
    "the frame as it is": lambda frame: frame,
    "a condition of columns": lambda frame: frame.where(F.col("n") > 3),
    "twenty columns computed": lambda frame: frame.select(*((F.col("n") + k).alias(f"n{k}") for k in range(20))),
    "a join": lambda frame: frame.join(frame.withColumnRenamed("text", "other"), on="n", how="inner"),
    "a condition as SQL text": lambda frame: frame.where("n > 3"),
    "a column as SQL text": lambda frame: frame.withColumn("m", F.expr("n + 1")),
}


def ask(kind: str, queries: int) -> None:
    """Answer `queries` queries of `kind` and end."""
    rows = pa.table({"n": list(range(100)), "text": [f"t{n}" for n in range(100)]})
    with engine("sail") as running:
        for _ in range(queries):
            running.rows(KINDS[kind](to_frame(running.spark, rows)), kind)


def live_bytes(kind: str, queries: int) -> float:
    """Bytes the engine's allocator still holds as live after `queries` queries of `kind`."""
    command = [sys.executable, __file__, "--ask", kind, "--few", str(queries)]
    done = subprocess.run(command, env={**os.environ, "MIMALLOC_SHOW_STATS": "1"}, capture_output=True, text=True, check=True)
    # Two allocators of this make are in the process, Arrow's too; the engine's is the one that counts blocks by size.
    found = re.search(r"^\s+binned\s*:(?:\s+[\d.]+ \S+){2}\s+(-?[\d.]+) (\wi)?", done.stderr, re.MULTILINE)
    if found is None:
        raise SystemExit("the engine's allocator printed no statistics; this version may have another one")
    return float(found[1]) * UNITS[found[2] or ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=300)
    parser.add_argument("--many", type=int, default=1300)
    parser.add_argument("--ask", choices=sorted(KINDS), help="used by the benchmark itself")
    asked = parser.parse_args()
    if asked.ask:
        ask(asked.ask, asked.few)
        return
    rows = [(kind, (live_bytes(kind, asked.many) - live_bytes(kind, asked.few)) / (asked.many - asked.few) / 1024) for kind in KINDS]
    table(("query", "KiB kept a query"), rows)


if __name__ == "__main__":
    main()
