"""What BI tools meet: tables of the lowest reader version, and the same sums whichever program reads them, also after rewrites."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from factolake.contracts import TABLES
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold import LOSSES, OEE_SHIFT
from factolake.contracts.table import Table
from factolake.lake.sql import query
from factolake.lake.tables import Lake
from factolake.lake.upkeep import COMPACT_TO_BYTES

DAY = dt.date(2026, 11, 20)
SEEN = [table for table in TABLES.values() if table.bi_visible or table.layer == "gold"]


def losses(line: str, minutes: dict[str, int]) -> pa.Table:
    row = {
        "line": line,
        "machine": f"{line}-M1",
        "production_day": DAY,
        "shift": "early",
        "kpi_version": 1,
        "as_of": dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
    }
    rows = [{**row, "loss": loss, "loss_order": n, "duration_us": m * 60_000_000} for n, (loss, m) in enumerate(minutes.items())]
    return pa.Table.from_pylist(rows, arrow_schema(LOSSES))


@pytest.mark.parametrize("table", SEEN, ids=lambda table: table.name)
def test_a44_every_table_bi_tools_see_needs_only_the_first_reader_version(tmp_path: Path, table: Table) -> None:
    lake = Lake(tmp_path)
    lake.ensure(table)
    found = DeltaTable(lake.path(table))
    assert (found.protocol().min_reader_version, found.protocol().reader_features or []) == (1, [])
    assert found.metadata().configuration["delta.enableDeletionVectors"] == "false"
    assert "delta.columnMapping.mode" not in found.metadata().configuration


def test_a44_duckdb_pandas_and_spark_give_equal_sums_after_slices_were_replaced_and_merged(spark, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ensure(LOSSES)
    handle = lake.open(LOSSES)
    for line in ("L1", "L2", "L3"):
        handle.append(losses(line, {"unknown": 1, "good": 300}), {})
    handle.replace(losses("L2", {"unknown": 20, "good": 200}), "line = 'L2'", {})
    assert handle.compact(COMPACT_TO_BYTES) is not None
    handle.replace(losses("L3", {"good": 5}), "line = 'L3'", {})
    expected = {"L1": 301, "L2": 220, "L3": 5}
    by_duckdb = query(lake, "select line, sum(duration_us) // 60000000 as minutes from gold.losses group by line").to_pylist()
    by_pandas = DeltaTable(lake.path(LOSSES)).to_pandas().groupby("line")["duration_us"].sum() // 60_000_000
    by_spark = spark.read.format("delta").load(lake.path(LOSSES)).groupBy("line").sum("duration_us").toArrow().to_pylist()
    assert {row["line"]: int(row["minutes"]) for row in by_duckdb} == expected
    assert by_pandas.to_dict() == expected
    assert {row["line"]: row["sum(duration_us)"] // 60_000_000 for row in by_spark} == expected


def test_a26_formula_unit_and_meaning_of_a_column_stay_beside_its_numbers(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ensure(LOSSES)
    handle = lake.open(LOSSES)
    handle.append(losses("L1", {"good": 300}), {})
    handle.replace(losses("L1", {"good": 301}), "line = 'L1'", {})
    assert handle.compact(COMPACT_TO_BYTES) is None
    lake.ensure(OEE_SHIFT)
    told = {field.name: field.metadata.get("comment", "") for field in DeltaTable(lake.path(OEE_SHIFT)).schema().fields}
    assert told["availability"] == "APT / (PBT - unknown) (ISO 22400-2)."
    assert told["apt_us"] == "Actual production time. Unit: us."
    found = DeltaTable(lake.path(LOSSES))
    assert (found.metadata().name, found.metadata().description) == ("gold.losses", f"A row is {LOSSES.grain}.")
    assert all(field.metadata["comment"] for field in found.schema().fields)
