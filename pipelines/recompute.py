"""`recompute --check`: silver and gold made again from bronze, from scratch, beside the published tables; the difference must be empty.

Bronze is read at the versions silver had read through, the clock as far as the published tables had seen it, and the rows are
compared as bags without `as_of`. Days whose readings are no longer kept are taken over as published. The published tables are not touched.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from factolake.config import Settings, load_plant
from factolake.contracts import bronze, ops, silver
from factolake.contracts.silver_mes import MES_CHANGES
from factolake.contracts.table import Table
from factolake.domain.clock import Clock
from factolake.errors import Transient
from factolake.lake.diff import difference
from factolake.lake.engine import engine
from factolake.lake.positions import forgotten_position, refine_position
from factolake.lake.tables import Handle, Lake
from factolake.refine.feed import MAX_FEED_ROWS
from factolake.refine.plant_model import record_plant
from factolake.refine.refinement import Input, Refinement
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner
from factolake.refine.slices import days_of, frozen_slices, rows_of

SOURCES = (bronze.READINGS, bronze.EVENTS, bronze.WAVEFORMS, bronze.DEAD_LETTER, ops.CLOCK)
COMPARED = tuple(r for r in REFINEMENTS if r.output.layer in ("silver", "gold"))


@dataclass(frozen=True, slots=True)
class Difference:
    """How one published table differs from its recomputation: rows only there, rows only here, and a few of them."""

    table: str
    published_rows: int
    only_published: int
    only_recomputed: int
    sample: tuple[dict[str, object], ...]

    @property
    def rows(self) -> int:
        """Rows that differ."""
        return self.only_published + self.only_recomputed


def check(settings: Settings, clock: Clock, progress: Callable[[str], None] = lambda _: None) -> list[Difference]:
    """One Difference a silver and gold table. Raises Transient when the published tables do not rest (a refinery is still at work)."""
    published = Lake(settings.lake_root)
    model = load_plant(settings.plant_file)
    settings.home.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="recompute-", dir=settings.home))
    try:
        with engine(settings.engine) as running:
            copy = Lake(scratch)
            for table in SOURCES:
                _copy(published, copy, table)
            for refinement in COMPARED:
                _take_over(published, copy, refinement)
            record_plant(copy, model, clock)
            runner = Runner(copy, running, model, clock)
            for refinement in REFINEMENTS:
                progress(f"recomputing {refinement.output.name}")
                runner.run(refinement)
            _settle(runner)
        return [_compare(published, copy, refinement.output) for refinement in COMPARED]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _settle(runner: Runner, passes: int = 10) -> None:
    for _ in range(passes):
        if not any(runner.run(refinement).changed for refinement in REFINEMENTS):
            return
    raise Transient(f"recomputation still changes after {passes} passes; a refinement never comes to rest")


def _copy(published: Lake, copy: Lake, table: Table) -> None:
    """The source table as silver has read it, in appends that a refinement reads one by one."""
    copy.ensure(table)
    if not published.exists(table):
        return
    version = _read_through(published, table)
    source, handle = published.open(table), copy.open(table)
    for condition in _portions(source, version):
        rows = source.read(predicate=condition, version=version)
        for start in range(0, rows.num_rows, MAX_FEED_ROWS):
            handle.append(rows.slice(start, MAX_FEED_ROWS), {})


def _portions(source: Handle, version: int) -> list[str | None]:
    """Conditions for the days of a table of captures, of which memory should not hold all; for others all rows."""
    if source.table is not bronze.WAVEFORMS:
        return [None]
    days = pc.unique(source.read(["day"], version=version)["day"]).to_pylist()
    return [f"day = DATE '{day.isoformat()}'" for day in sorted(days)]


def _take_over(published: Lake, copy: Lake, refinement: Refinement) -> None:
    """Slices whose readings are no longer kept cannot be made again; they stand in the copy as they were published, and nobody makes them."""
    output = refinement.output
    if not published.exists(output):
        return
    if refinement.append:
        _take_over_rows(published, copy, refinement)
        return
    handle = published.open(output)
    held = handle.read(columns=list(output.slice_by)).group_by(list(output.slice_by)).aggregate([]).to_pylist()
    slices = {tuple(row[name] for name in output.slice_by) for row in held}
    frozen = frozen_slices(refinement, slices, published.open)
    if not frozen:
        return
    copy.ensure(output)
    copy.open(output).append(rows_of(handle.read(), output, frozen), {})
    days = {day for row in frozen for day in days_of(output, row)}
    for table in {feed.table.name: feed.table for feed in refinement.inputs if feed.table.retention_days is not None}.values():
        copy.ensure(table)
        source, target = published.open(table), copy.open(table)
        marks = {forgotten_position(day): 1 for day in sorted(days) if source.has_forgotten(day) and not target.has_forgotten(day)}
        if marks:
            target.commit_positions(marks)


def _take_over_rows(published: Lake, copy: Lake, refinement: Refinement) -> None:
    """Rows kept longer than the messages they were made from stand in the copy as they were published; the message key tells which."""
    output, source = refinement.output, refinement.inputs[0].table
    if output.retention_days is not None or source.layer != "bronze" or not published.exists(source):
        return
    kept = published.open(source).read(columns=list(source.key))
    rows = published.open(output).read()
    old = rows.join(kept, keys=list(source.key), join_type="left anti").select(rows.column_names).cast(rows.schema)
    if old.num_rows:
        copy.ensure(output)
        copy.open(output).append(old, {})


def _read_through(published: Lake, table: Table) -> int:
    """The version of `table` now; Transient when a refinement that reads it lags behind rows of it."""
    source = published.open(table)
    version = source.version
    readers = [(one, feed) for one in REFINEMENTS for feed in one.inputs if feed.table is table]
    for refinement, feed in readers:
        if not published.exists(refinement.output):
            continue
        position = published.open(refinement.output).position(refine_position(refinement.name, table.name, source.history))
        behind = position is None or position < version
        if behind and _rows_after(published, feed, position, version):
            raise Transient(
                f"{refinement.output.name} has read {table.name} through version {position}, which is at {version}: "
                "run `factolake refine --once` (or stop landing) and check again"
            )
    return version


def _rows_after(published: Lake, feed: Input, position: int | None, version: int) -> bool:
    if feed.table not in (bronze.READINGS, bronze.WAVEFORMS) and feed.only is None:
        return False
    columns = feed.columns if feed.only else feed.table.key[:1]
    rows = published.open(feed.table).changes(0 if position is None else position + 1, version, columns)
    return bool((feed.only(rows) if feed.only else rows).num_rows)


def _compare(published: Lake, copy: Lake, table: Table) -> Difference:
    columns = [name for name in table.column_names if name != "as_of"]
    if table is silver.READINGS:
        # rows of one message may be landed twice; which copy silver kept is not part of what happened
        columns = [name for name in columns if name not in ("ingest_ts",)]
    if table is MES_CHANGES:
        columns = [name for name in columns if name not in ("log_id", "log_offset")]  # as of readings
    there = published.open(table).read(columns=columns) if published.exists(table) else _none(copy, table, columns)
    here = copy.open(table).read(columns=columns) if copy.exists(table) else _none(published, table, columns)
    if table is silver.READINGS and published.exists(table):
        source = published.open(table)
        gone = [day for day in pc.unique(here["day"]).to_pylist() if source.has_forgotten(day.isoformat())]
        there, here = (rows.filter(pc.invert(pc.is_in(rows["day"], pa.array(gone, pa.date32())))) for rows in (there, here))
    only_there, only_here = difference(there, here, columns), difference(here, there, columns)
    sample = tuple(row for rows in (only_there, only_here) for row in rows.slice(0, 3).to_pylist())
    return Difference(table.name, there.num_rows, only_there.num_rows, only_here.num_rows, sample)


def _none(lake: Lake, table: Table, columns: list[str]) -> pa.Table:
    return lake.open(table).read(columns=columns).slice(0, 0)
