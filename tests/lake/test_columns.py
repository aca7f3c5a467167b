"""A table of an earlier release is opened by this one: columns that may be null are added, everything else that differs is refused."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import structlog
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.silver import DOWNTIME
from factolake.contracts.table import Column, Table, Type
from factolake.errors import ContractViolation
from factolake.lake.columns import filled, lacking
from factolake.lake.sql import query
from factolake.lake.tables import Lake
from factolake.lake.upkeep import COMPACT_TO_BYTES

T0 = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)
BLANK = {Type.STRING: "x", Type.INT64: 1, Type.INT32: 1, Type.BOOL: True, Type.TIMESTAMP: T0, Type.DATE: T0.date(), Type.FLOAT64: 0.5}
ADDED = ("state_raw", "causing_machine")
OLD_DOWNTIME = replace(DOWNTIME, columns=tuple(column for column in DOWNTIME.columns if column.name not in ADDED))


def rows(table: Table, *machines: str, **values: object) -> pa.Table:
    blank = {c.name: None if c.nullable else (c.values[0] if c.values else BLANK[c.type]) for c in table.columns}
    return pa.Table.from_pylist([{**blank, "machine": machine, **values} for machine in machines], arrow_schema(table))


def told(found: pa.Table) -> list[tuple[object, ...]]:
    return sorted((row["machine"], row["state_raw"], row["state"]) for row in found.to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """With stops of two machines, as a release before this one wrote them."""
    lake = Lake(tmp_path / "lake")
    lake.ensure(OLD_DOWNTIME)
    lake.open(OLD_DOWNTIME).append(rows(OLD_DOWNTIME, "M1", "M2"), {"a/records-0": 7})
    return lake


def test_columns_that_may_be_null_are_added_once_and_said_once(lake: Lake) -> None:
    before, files = DeltaTable(lake.path(DOWNTIME)), lake.open(DOWNTIME).files()
    with structlog.testing.capture_logs() as said:
        lake.ensure(DOWNTIME)
        lake.ensure(DOWNTIME)
    (line,) = said
    assert (line["event"], line["table"], set(line["columns"])) == ("columns added", "silver.downtime", set(ADDED))
    now = DeltaTable(lake.path(DOWNTIME))
    assert now.version() == before.version() + 1
    assert lake.open(DOWNTIME).files() == files
    assert now.metadata().id == before.metadata().id, "whoever reads the change feed goes on where they were"
    assert (now.protocol().min_reader_version, now.protocol().reader_features or []) == (1, [])
    assert now.metadata().configuration == before.metadata().configuration
    assert {field.name: field.metadata["comment"] for field in now.schema().fields}["state_raw"] == DOWNTIME.column("state_raw").doc
    assert lake.open(DOWNTIME).position("a/records-0") == 7


def test_several_at_once_add_them_once(lake: Lake) -> None:
    before = lake.open(OLD_DOWNTIME).version
    with structlog.testing.capture_logs() as said, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Lake(lake.root).ensure(DOWNTIME), range(16)))
    assert (lake.open(DOWNTIME).version, len(said)) == (before + 1, 1)


def test_every_reader_sees_null_in_old_rows_and_values_in_new_ones(lake: Lake, spark: SparkSession) -> None:
    """Before and after rows are appended, a slice is replaced and small files are merged."""
    question = "select * from silver.downtime"
    assert set(ADDED).isdisjoint(query(lake, question).column_names)
    lake.ensure(DOWNTIME)
    handle = lake.open(DOWNTIME)
    expected = [("M1", None, "producing"), ("M2", None, "producing")]

    def by_all() -> list[list[tuple[object, ...]]]:
        frame = spark.read.format("delta").load(lake.path(DOWNTIME)).select("machine", "state_raw", "state")
        return [told(lake.open(DOWNTIME).read()), told(query(lake, question)), told(frame.toArrow())]

    assert by_all() == [expected] * 3
    handle.append(rows(DOWNTIME, "M3", state_raw="E17"), {})
    assert by_all() == [[*expected, ("M3", "E17", "producing")]] * 3
    handle.replace(rows(DOWNTIME, "M1", state_raw="E4"), "machine = 'M1'", {})
    assert handle.compact(COMPACT_TO_BYTES) is not None
    assert by_all() == [[("M1", "E4", "producing"), ("M2", None, "producing"), ("M3", "E17", "producing")]] * 3


def test_the_change_feed_goes_on_over_the_commit_that_adds(lake: Lake) -> None:
    lake.ensure(DOWNTIME)
    handle = lake.open(DOWNTIME)
    last = handle.replace(rows(DOWNTIME, "M1", state_raw="E4"), "machine = 'M1'", {})
    feed = handle.changes(1, last, ["machine", "state_raw"])
    found = sorted((row["_commit_version"], row["_change_type"], row["machine"], row["state_raw"]) for row in feed.to_pylist())
    assert found == [(1, "insert", "M1", None), (1, "insert", "M2", None), (3, "delete", "M1", None), (3, "insert", "M1", "E4")]


def test_a_reader_that_is_there_first_sees_null_where_nothing_was_added_yet(lake: Lake) -> None:
    handle = lake.open(DOWNTIME)
    assert told(handle.read()) == [("M1", None, "producing"), ("M2", None, "producing")]
    assert set(handle.changes(1, 1, ["machine", "causing_machine"])["causing_machine"].to_pylist()) == {None}
    lake.ensure(DOWNTIME)
    assert told(lake.open(DOWNTIME).read(version=1)) == told(handle.read())


def without(name: str) -> Table:
    return replace(DOWNTIME, columns=tuple(column for column in DOWNTIME.columns if column.name != name), slice_by=("machine",))


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (replace(DOWNTIME, columns=tuple(replace(c, type=Type.INT64) if c.name == "reason" else c for c in OLD_DOWNTIME.columns)), "reason: int64"),
        (without("is_open"), "is_open: bool not null"),
        (replace(DOWNTIME, columns=(*OLD_DOWNTIME.columns, Column("shift", Type.STRING, "Of a later release."))), "shift: string"),
        (replace(DOWNTIME, columns=tuple(replace(c, nullable=True) for c in OLD_DOWNTIME.columns)), "line: string"),
    ],
    ids=["other type", "lacks one that is never null", "has one more", "may be null"],
)
def test_any_other_difference_is_refused_and_nothing_is_added(tmp_path: Path, other: Table, named: str) -> None:
    lake = Lake(tmp_path)
    lake.ensure(other)
    with pytest.raises(
        ContractViolation, match=rf"silver\.downtime at .* differs from its contract in .*{named}.*; move the folder away or migrate it"
    ):
        lake.ensure(DOWNTIME)
    assert lake.open(other).version == 0


def test_the_order_of_columns_is_no_difference() -> None:
    turned = pa.schema(list(reversed(arrow_schema(DOWNTIME))))
    assert lacking(DOWNTIME, turned, "") == ()
    assert filled(turned.empty_table(), arrow_schema(DOWNTIME)).schema == arrow_schema(DOWNTIME)
