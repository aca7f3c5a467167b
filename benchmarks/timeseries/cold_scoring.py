"""Rows that a CPU second scores from a Parquet file into another: our Arrow blocks beside `mlflow.pyfunc.spark_udf` with its defaults on JVM Spark.

`PYTHONPATH=benchmarks python benchmarks/timeseries/cold_scoring.py` fits the model of a machine with 20 signals; both score the same minutes in turn,
five times. Ours reads the file block by block, scores and writes. Theirs is the same model as a pyfunc whose worker keeps one scorer, so that its
batches of 10,000 rows follow each other; Spark reads the file, in one task, and writes. CPU seconds are of our process, or of the JVM with its
workers, both up already, and a first round counts for nothing. Both must give the same scores.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import cpu_of, scratch, table, verdict
from mlflow.pyfunc import PythonModel
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from factolake.lake.jvm import jvm_spark
from models.registry.door import SILENT
from models.timeseries.machine.fit import MachineSettings
from models.timeseries.machine.model import MachineModel, MachineScorer
from models.timeseries.signals import Signals

ROOT = Path(__file__).resolve().parents[2]
ROWS, SIGNALS, FITTED_ROWS, PAIRS, GOAL = 500_000, 20, 20_000, 5, 20.0
BLOCK_ROWS = 16_384
NAMES = tuple(f"signal_{number:02d}" for number in range(SIGNALS))
COLUMNS = ("seconds", "regime", "ran", *NAMES)


class Wrapped(PythonModel):
    """The model as MLflow wants it; the worker that loaded it goes on with its scorer."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._scorer: MachineScorer | None = None

    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """The score of each row that follows those given before."""
        if self._scorer is None:
            self._scorer = MachineModel.from_json(json.loads(self._text)).scorer()
        seconds, regime, ran = (model_input.iloc[:, place].to_numpy() for place in range(3))
        return self._scorer.score(Signals(NAMES, np.ascontiguousarray(model_input.iloc[:, 3:].to_numpy()), seconds, regime, ran)).score


def recording() -> Signals:
    """Minutes of a machine that stands a quarter of each day: signals that follow its load, with noise of unequal units."""
    draw, seconds = np.random.default_rng(0), 60.0 * np.arange(ROWS, dtype=np.float64)
    ran = np.where(seconds % 86_400 < 64_800, 1.0, 0.0)
    values = (ran[:, None] * 5 + draw.normal(size=(ROWS, SIGNALS))) * np.geomspace(0.01, 100, SIGNALS)
    return Signals(NAMES, values, seconds, np.where(ran > 0, 0, -1).astype(np.int64), ran)


def ours(model: MachineModel, source: Path, target: Path) -> None:
    """From file to file, in blocks that stay in the cache: columns of Arrow, copied once. Scores never repeat, so no dictionary is made of them."""
    scorer, found = model.scorer(), []
    for block in pq.ParquetFile(source, memory_map=True).iter_batches(BLOCK_ROWS, use_threads=False):
        across = np.empty((SIGNALS, len(block)))
        for line, name in zip(across, NAMES, strict=True):
            line[:] = block[name].to_numpy()
        signals = Signals(NAMES, across.T, block["seconds"].to_numpy(), block["regime"].to_numpy(), block["ran"].to_numpy())
        found.append(pa.record_batch({"score": scorer.score(signals).score}))
    pq.write_table(pa.Table.from_batches(found), target, use_dictionary=False)


def main() -> None:
    # Workers of the JVM take the first `python3` there is, and import what a pickled model names.
    os.environ.update(SILENT, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", PYTHONPATH=str(ROOT))
    signals = recording()
    model = MachineSettings().fit(signals.rows(0, FITTED_ROWS), ("part",))
    with scratch() as folder, jvm_spark() as jvm:
        source, target, theirs = folder / "rows.parquet", folder / "ours.parquet", folder / "theirs.parquet"
        columns = [signals.seconds, signals.regimes, signals.ran, *signals.values.T]
        pq.write_table(pa.table(columns, names=list(COLUMNS)), source, row_group_size=ROWS)
        mlflow.pyfunc.save_model(str(folder / "model"), python_model=Wrapped(json.dumps(model.to_json())), pip_requirements=[])
        spark = SparkSession.builder.remote(jvm.url).create()
        score = mlflow.pyfunc.spark_udf(spark, str(folder / "model"))
        scored = spark.read.parquet(str(source)).coalesce(1).select(score(*(F.col(name) for name in COLUMNS)).alias("score"))
        lines, ratios = [], []
        for number in range(1 + PAIRS):
            began = cpu_of(jvm.pid)
            scored.write.mode("overwrite").parquet(str(theirs))
            spark_s, began = cpu_of(jvm.pid) - began, time.process_time()
            ours(model, source, target)
            own_s = time.process_time() - began
            assert np.array_equal(pq.read_table(theirs)["score"].to_numpy(), pq.read_table(target)["score"].to_numpy(), equal_nan=True)
            if number:
                ratios.append(spark_s / own_s)
                lines.append((number, ROWS / own_s, ROWS / spark_s, ratios[-1]))
        spark.stop()
    table(("pair", "ours, rows a CPU-s", "spark_udf, rows a CPU-s", "ratio"), lines)
    verdict("cold scoring against spark_udf", ratios, f">= {GOAL:.0f}", statistics.median(ratios) >= GOAL)


if __name__ == "__main__":
    main()
