"""Seconds from a change at the machine to gold, here and in a stock Spark chain with a 5 s trigger on the same records. Goal: p95 at most a third.

Run: python benchmarks/latency_vs_spark.py [--minutes 5] [--history-min 20] [--one-after-another]. The simulated plant serves over OPC UA at 1x, the
gateway fills one spool, land and refine run as they ship. The stock chain is three streaming queries of JVM Spark on two local cores: the spool's
records, already decoded, as a parquet file twice a second, to bronze; bronze to silver (tag split, deduplicated); silver to gold, where producing
time and parts of the touched hours are computed anew. It runs with one shuffle partition and auto compaction, and does less than we do: no
contract, calendar, carry or losses, no fsync. Latency is that of `latency.py` for both: the k-th part of a machine's hour by the plant's ledger
until gold has k. Prints one JSON object.

Both chains at once take about 1.3 of two cores, so at times they wait for each other. `--one-after-another` measures ours, ends land and refine,
and starts the stock chain, which reads the same spool from its beginning: the same line, each chain with the machine to itself.
"""

import argparse
import datetime as dt
import json
import os
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from delta.tables import DeltaTable as SparkDeltaTable
from deltalake import DeltaTable
from live_line import TRUTH, Seen, Shown, installation, parts_made, supervise, to_gold, until_shown
from measuring import CONF, cpu_of, percentile, scratch
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import Window as W
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming import DataStreamWriter, StreamingQuery
from pyspark.sql.types import StructType

from factolake.bus.spool_bus import Spool
from factolake.contracts.bronze import KEY, READINGS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import SystemClock
from factolake.lake.durable import entry_file
from factolake.lake.jvm import JvmSpark, jvm_spark
from factolake.lake.tables import Lake
from factolake.landing.decode import Arrival, decode_batch
from factolake.plant.truth import Truth, load_truth
from pipelines.supervisor import Supervisor

GOAL = 0.33
OURS, THEIRS = "factolake", "stock_spark"
OUR_PARTS = ("land", "refine")
TRIGGER = "5 seconds"
FILE_EVERY_S = 0.5
"""As often as the server publishes: a second, the usual choice, would make the stock chain a quarter of a second slower for nothing."""

RECORDS_A_FILE = 2000
LOOK_S = 1.0
PRODUCING = 1
SILVER = "source_id string, epoch bigint, seq bigint, idx int, machine string, signal string, ts timestamp, hour_ts timestamp, value double"
GOLD = "machine string, hour_ts timestamp, producing_us bigint, parts bigint, good_parts bigint"
COUNTED = ("State", "Count.Total", "Count.Good")
SETTINGS = {"spark.sql.shuffle.partitions": "1", "spark.sql.streaming.stopTimeout": "10s"}


@dataclass(frozen=True, slots=True)
class Span:
    """The time in which changes count, the share of one core a chain took in it, and the load average of its last minute."""

    since: dt.datetime
    until: dt.datetime
    core_share: float
    load: float


@dataclass(frozen=True, slots=True)
class StockChain:
    """The running stock chain; its tables are in `folder`."""

    folder: Path
    jvm: JvmSpark
    queries: Sequence[StreamingQuery]
    feed: "Future[None]"

    def check(self) -> None:
        """Ends the benchmark when a part of the chain has ended."""
        if not self.jvm.alive:
            raise SystemExit(f"the JVM of the stock chain ended with {self.jvm.process.returncode}")
        if self.feed.done():
            raise SystemExit(f"the stock chain gets no records any more: {self.feed.exception()}")
        for query in self.queries:
            if not query.isActive:
                raise SystemExit(f"the query to {query.name} ended: {query.exception()}")


@contextmanager
def stock_chain(folder: Path, spool_file: Path) -> Iterator[StockChain]:
    """Three queries from the spool's records to gold, each with a table of its own under `folder`; all of it ends with the block."""
    stop, files = threading.Event(), folder / "files"
    files.mkdir(parents=True)
    with jvm_spark(heap="2g") as jvm, ThreadPoolExecutor(1) as pool:
        spark = classic_session(jvm)
        try:
            queries = start_queries(spark, files, folder)
            yield StockChain(folder, jvm, queries, pool.submit(feed, spool_file, files, stop))
        finally:
            stop.set()
            with suppress(Py4JError):  # a query that does not stop in time, or has no JVM any more, ends with the JVM
                for query in spark.streams.active:
                    query.stop()
            spark.sparkContext._gateway.shutdown()


def feed(spool_file: Path, files: Path, stop: threading.Event) -> None:
    """Write the spool's records into `files`, decoded, as they come, until `stop`."""
    spool = Spool(spool_file, 1, SystemClock(), writer=False)
    through = 0
    try:
        while not stop.wait(FILE_EVERY_S):
            while stored := spool.read(through, RECORDS_A_FILE):
                batch = decode_batch(stored, Arrival(spool.log_id, SystemClock().now()))
                through = batch.through
                pq.write_table(batch.readings, files / "_draft")
                (files / "_draft").rename(files / f"{through:012d}.parquet")
    finally:
        spool.close()


def classic_session(jvm: JvmSpark) -> SparkSession:
    """Classic pyspark in the running `jvm`, by its Python gateway: foreachBatch then calls back into this very process."""
    told = Path(psutil.Process(jvm.pid).environ()["_PYSPARK_DRIVER_CONN_INFO_PATH"]).read_bytes()
    port, length = struct.unpack(">ii", told[:8])
    where = {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": told[8 : 8 + length].decode()}
    os.environ |= where
    gateway = launch_gateway()
    for name in where:
        del os.environ[name]
    running = gateway.jvm.SparkSession.getDefaultSession().get()
    java = gateway.jvm.JavaSparkContext.fromSparkContext(running.sparkContext())
    spark = SparkSession(SparkContext(gateway=gateway, jsc=java, conf=SparkConf(_jconf=java.getConf())), running)
    for key, value in SETTINGS.items():
        spark.conf.set(key, value)
    return spark


def start_queries(spark: SparkSession, files: Path, folder: Path) -> list[StreamingQuery]:
    """The stock chain's three queries; their tables are made first, because a stream cannot read a table that is not there."""
    bronze, silver, gold = (folder / name for name in ("bronze", "silver", "gold"))
    records = from_arrow_schema(arrow_schema(READINGS))
    create(spark, bronze, records)
    create(spark, silver, StructType.fromDDL(SILVER))
    create(spark, gold, StructType.fromDDL(GOLD), "hour_ts")
    landed = spark.readStream.schema(records).parquet(str(files)).coalesce(1)
    cleaned = parsed(spark.readStream.format("delta").load(str(bronze)))
    news = spark.readStream.format("delta").load(str(silver))
    return [
        writer(landed, bronze).format("delta").start(str(bronze)),
        writer(cleaned, silver).format("delta").start(str(silver)),
        writer(news, gold).foreachBatch(lambda batch, _: publish(batch, silver, gold)).start(),
    ]


def create(spark: SparkSession, path: Path, schema: StructType, *partition_by: str) -> None:
    """An empty Delta table; its small files are merged as they come, or gold would have 720 an hour to read."""
    made = SparkDeltaTable.create(spark).location(str(path)).addColumns(schema).partitionedBy(*partition_by)
    made.property("delta.autoOptimize.autoCompact", "true").execute()


def writer(rows: DataFrame, path: Path) -> DataStreamWriter:
    """A writer for the query that fills the table at `path`."""
    named = rows.writeStream.queryName(path.name).option("checkpointLocation", str(path.parent / "checkpoints" / path.name))
    return named.trigger(processingTime=TRIGGER)


def parsed(bronze: DataFrame) -> DataFrame:
    """Good numbers by machine and signal, each once."""
    rows = bronze.where((F.col("status") == 0) & F.col("tag").contains(".")).select(
        *KEY,
        F.expr("substring_index(tag, '.', 1)").alias("machine"),
        F.expr("substring(tag, instr(tag, '.') + 1)").alias("signal"),
        F.col("source_ts").alias("ts"),
        F.date_trunc("hour", "source_ts").alias("hour_ts"),
        F.coalesce("value_f64", F.col("value_i64").cast("double")).alias("value"),
    )
    return rows.withWatermark("ts", "10 minutes").dropDuplicatesWithinWatermark(list(KEY))


def publish(batch: DataFrame, silver: Path, gold: Path) -> None:
    """Compute the hours that `batch` touches anew from silver and put them in place of gold's."""
    counted = F.col("signal").isin(*COUNTED)
    first = batch.where(counted).agg(F.min("hour_ts")).first()
    if first is None or first[0] is None:
        return
    rows = batch.sparkSession.read.format("delta").load(str(silver))
    fresh = hours(rows.where(counted & (F.col("hour_ts") >= first[0])))
    # Over 60 small files of silver this costs 1.4 CPU-s, a MERGE 2.1.
    fresh.coalesce(1).write.format("delta").mode("overwrite").option("partitionOverwriteMode", "dynamic").save(str(gold))


def hours(rows: DataFrame) -> DataFrame:
    """Producing time and parts by machine and hour, within the hour alone."""
    us, later = F.unix_micros("ts"), W.partitionBy("machine", "hour_ts").orderBy("ts").rowsBetween(1, W.unboundedFollowing)
    state, total, good = (F.when(F.col("signal") == name, F.col("value")) for name in COUNTED)
    lasted = rows.withColumn("lasted_us", F.min(F.when(state.isNotNull(), us)).over(later) - us)
    return lasted.groupBy("machine", "hour_ts").agg(
        F.sum(F.when(state == PRODUCING, F.col("lasted_us"))).alias("producing_us"),
        (F.max(total) - F.min(total)).cast("bigint").alias("parts"),
        (F.max(good) - F.min(good)).cast("bigint").alias("good_parts"),
    )


def shown_by_stock(gold: Path) -> Shown:
    """When each version of the stock chain's gold table came to be, and its parts, as a reader with delta-rs sees it."""
    shown: dict[tuple[str, dt.datetime], list[tuple[float, int]]] = defaultdict(list)
    for version in range(1, DeltaTable(gold).version() + 1):
        at = entry_file(gold, version).stat().st_mtime
        for row in pa.table(DeltaTable(gold, version=version).scan(columns=["machine", "hour_ts", "parts"])).to_pylist():
            if row["parts"] is not None:
                shown[(row["machine"], row["hour_ts"])].append((at, row["parts"]))
    return shown


def watch(seconds: float, supervisor: Supervisor, stock: StockChain | None) -> None:
    """Let everything run for `seconds`; ends the benchmark when something died."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        supervise(supervisor, min(LOOK_S, left))
        if stock is not None:
            stock.check()


def observe(asked: argparse.Namespace, supervisor: Supervisor, stock: StockChain | None, pids: Mapping[str, Sequence[int]]) -> dict[str, Span]:
    """Settle, let changes count for the minutes asked for, and give the last of them the time to be seen; a span for each chain in `pids`."""
    watch(asked.settle_s, supervisor, stock)
    since, before, wall = dt.datetime.now(dt.UTC), {name: spent(pids[name]) for name in pids}, time.monotonic()
    watch(asked.minutes * 60, supervisor, stock)
    until, wall, load = dt.datetime.now(dt.UTC), time.monotonic() - wall, os.getloadavg()[0]
    shares = {name: (spent(pids[name]) - before[name]) / wall for name in pids}
    watch(asked.last_look_s, supervisor, stock)
    return {name: Span(since, until, share, load) for name, share in shares.items()}


def spent(pids: Sequence[int]) -> float:
    """CPU seconds of the processes `pids` and what they started."""
    return sum(cpu_of(pid) for pid in pids)


def run(home: Path, asked: argparse.Namespace) -> dict[str, Span]:
    """Both chains on the line of the installation in `home`, at once or one after the other."""
    scenario = CONF / "scenarios" / "micro_stops_and_scrap.toml"
    with installation(home / "line", asked.history_min, asked.seed, scenario, keep_spool=True) as (workspace, supervisor):
        ours = [part.process.pid for name, part in supervisor.parts.items() if name in OUR_PARTS and part.process is not None]
        spans = {}
        if asked.one_after_another:
            spans = observe(asked, supervisor, None, {OURS: ours})
            supervisor.stop(only=OUR_PARTS)
        with stock_chain(home / "stock", workspace.settings.spool_file) as stock:
            pids = {THEIRS: [stock.jvm.pid]} if asked.one_after_another else {OURS: ours, THEIRS: [stock.jvm.pid]}
            return spans | observe(asked, supervisor, stock, pids)


def figures(seen: list[Seen], truth: Truth, span: Span) -> dict[str, float]:
    """What is printed of one chain; `unseen` changes never came to gold and are in no percentile."""
    made = sum(span.since <= one.ts <= span.until for one, _, _ in parts_made(truth))
    seconds = [one.seconds for one in seen if one.ts <= span.until]
    if not seconds:
        raise SystemExit(f"nothing of {made} parts made came to gold")
    told = {"p50_s": percentile(seconds, 0.5), "p95_s": percentile(seconds, 0.95), "max_s": max(seconds)}
    told |= {"core_share": span.core_share, "load_average": span.load}
    return {"n": len(seconds), "unseen": made - len(seconds), **{name: round(value, 2) for name, value in told.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="live time in which changes count, of each chain")
    parser.add_argument("--settle-s", type=float, default=120.0, help="time a chain gets first to catch up with the history and to warm up")
    parser.add_argument("--last-look-s", type=float, default=60.0, help="time a chain gets afterwards to show the last changes")
    parser.add_argument("--history-min", type=float, default=20.0)
    parser.add_argument("--one-after-another", action="store_true", help="each chain has the machine to itself")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with scratch() as home:
        spans = run(home, asked)
        truth = load_truth(home / "line" / TRUTH)
        ours = figures(to_gold(Lake(home / "line" / "lake"), truth, spans[OURS].since), truth, spans[OURS])
        shown = shown_by_stock(home / "stock" / "gold")
        # Within the hour alone the first value of a counter counts nothing, in every hour.
        theirs = figures(until_shown(truth, spans[THEIRS].since, shown, lambda _: True), truth, spans[THEIRS])
    ratio = ours["p95_s"] / theirs["p95_s"]
    mode = "one after another" if asked.one_after_another else "at once"
    print(json.dumps({"chains": mode, OURS: ours, THEIRS: theirs, "p95_ratio": round(ratio, 3), "goal": GOAL, "reached": ratio <= GOAL}))


if __name__ == "__main__":
    main()
