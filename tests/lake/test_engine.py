"""Both engines behind one port: sessions, Delta tables and what happens at their ends. The engines and tables are real."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from factolake.errors import ConfigError, EngineFailed, EngineUnavailable, TableDamaged
from factolake.lake.engine import SAIL_IDLE, Engine, engine

NOON = datetime(2026, 3, 2, 12, 0, 0, 7, tzinfo=UTC)


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int64()), "at": pa.array([NOON] * len(values), pa.timestamp("us", tz="UTC"))})


def values_of(frame: object) -> list[int]:
    return sorted(row.n for row in frame.collect())  # type: ignore[attr-defined]


def test_the_newest_snapshot_is_read_each_time_rows_are_asked_for(running_engine: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, numbers(1, 2))
    assert values_of(running_engine.read_table(path)) == [1, 2]
    write_deltalake(path, numbers(3), mode="append")
    assert values_of(running_engine.read_table(path)) == [1, 2, 3]
    DeltaTable(path).delete("n = 1")
    assert values_of(running_engine.read_table(path)) == [2, 3]


@pytest.mark.parametrize("folder", ["my lake", "Lüneburg", "line#1"])
def test_a_table_is_found_whatever_its_folder_is_called(running_engine: Engine, tmp_path: Path, folder: str) -> None:
    path = str(tmp_path / folder / "t")
    write_deltalake(path, numbers(1))
    assert values_of(running_engine.read_table(path)) == [1]
    write_deltalake(path, numbers(2), mode="append")
    DeltaTable(path).create_checkpoint()
    assert values_of(running_engine.read_table(path)) == [1, 2]


def test_a_pinned_version_behind_a_newer_checkpoint_is_read(running_engine: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    for n in range(4):
        write_deltalake(path, numbers(n), mode="append")
    DeltaTable(path).create_checkpoint()
    write_deltalake(path, numbers(4), mode="append")
    assert values_of(running_engine.read_table(path, version=1)) == [0, 1]
    assert values_of(running_engine.read_table(path)) == [0, 1, 2, 3, 4]


def test_rows_are_computed_now_and_may_be_none(running_engine: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, numbers(1, 2))
    assert sorted(running_engine.rows(running_engine.read_table(path), "t")["n"].to_pylist()) == [1, 2]
    none = running_engine.rows(running_engine.read_table(path).where("n > 2"), "t")
    assert (none.column_names, none.num_rows) == (["n", "at"], 0)


def test_what_the_engine_cannot_compute_is_one_sentence(running_engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "t"
    write_deltalake(str(path), numbers(*range(1000)))
    (file,) = path.glob("*.parquet")
    file.write_bytes(b"PAR1" + b"x" * (file.stat().st_size - 8) + b"PAR1")
    with pytest.raises(EngineFailed, match=r"silver\.counts cannot be computed .* look with `factolake scrub`"):
        running_engine.rows(running_engine.read_table(str(path)), "silver.counts")
    assert values_of(running_engine.spark.range(2).withColumnRenamed("id", "n")) == [0, 1]


def test_an_engine_that_went_away_is_told_from_one_that_refuses() -> None:
    with engine("sail") as ended:
        frame = ended.spark.range(2)
    with pytest.raises(EngineUnavailable, match=r"engine sail: it went away while computing silver\.counts"):
        ended.rows(frame, "silver.counts")


def test_a_pinned_version_without_rows_keeps_its_columns(running_engine: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, numbers().schema.empty_table())
    frame = running_engine.read_table(path, version=0)
    assert frame.columns == ["n", "at"]
    assert frame.collect() == []


def test_a_version_that_is_not_there_says_so(running_engine: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, numbers(1))
    with pytest.raises(TableDamaged, match="version 7"):
        running_engine.read_table(path, version=7)


def test_timestamps_are_utc_microseconds_and_hours_are_of_utc(spark: SparkSession) -> None:
    frame = spark.createDataFrame(numbers(1)).select("at", F.date_trunc("hour", "at").alias("hour"), F.to_date("at").alias("day"))
    row = (
        frame.toArrow().cast(pa.schema([("at", pa.timestamp("us", "UTC")), ("hour", pa.timestamp("us", "UTC")), ("day", pa.date32())])).to_pylist()[0]
    )
    assert row == {"at": NOON, "hour": datetime(2026, 3, 2, 12, tzinfo=UTC), "day": NOON.date()}


def test_a_cast_that_does_not_fit_is_an_error_not_a_null(spark: SparkSession) -> None:
    with pytest.raises(Exception, match=r"(?i)cast|invalid|parse"):
        spark.createDataFrame(pa.table({"t": ["x"]})).select(F.col("t").cast("int")).collect()


def test_two_engines_in_one_process_do_not_share_a_session(sail: Engine) -> None:
    with engine("sail") as other:
        other.spark.createDataFrame(numbers(5)).createOrReplaceTempView("only_here")
        assert other.spark.sql("SELECT n FROM only_here").collect()[0].n == 5
        assert not sail.spark.catalog.tableExists("only_here")
    assert sail.spark.range(3).count() == 3


def test_ending_one_engine_leaves_a_later_one_working(sail: Engine) -> None:
    with engine("sail"):
        pass
    with engine("sail") as later:
        assert later.spark.range(2).count() == 2
    assert sail.spark.range(4).count() == 4


def test_a_session_that_nobody_asks_is_kept_for_years(sail: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert int(os.environ[SAIL_IDLE]) > 365 * 86_400
    monkeypatch.setenv(SAIL_IDLE, "1")  # it is this setting that ends one; Sail's own is a quarter of an hour
    with engine("sail") as forgotten:
        time.sleep(3)
        with pytest.raises((EngineFailed, EngineUnavailable)):
            forgotten.rows(forgotten.spark.range(1), "silver.counts")
    assert sail.rows(sail.spark.range(2), "silver.counts").num_rows == 2


def test_no_server_at_the_address_is_engine_unavailable() -> None:
    with pytest.raises(EngineUnavailable, match=r"sc://127\.0\.0\.1:1: nobody listens"), engine("sc://127.0.0.1:1"):
        pass


def test_an_unknown_engine_is_refused_with_the_words_allowed() -> None:
    with pytest.raises(ConfigError, match="sail, spark or sc://"), engine("flink"):
        pass
