"""Running a refinement: from the versions last read to the versions now, slice by slice, position and rows in one commit.

The only module here that reads and writes tables. Two drivers share it: the refinery loop and the Dagster assets. An input's
position in the output is `refine/<name>/<input>@<history>`; only the commit that completes every touched slice carries it, so that a kill
repeats work and never skips it. Slices whose rows came out as before are not written again, which is what ends a chain.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from pyspark.sql import Column, DataFrame

from factolake.contracts import ops, silver
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.spark import to_frame
from factolake.contracts.table import Table
from factolake.crash import crash_point
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.errors import ContractViolation, TableDamaged
from factolake.lake.engine import Engine
from factolake.lake.positions import refine_position
from factolake.lake.tables import Handle, Lake
from factolake.refine.feed import CAUSE, Span, as_new, news, portion, whole
from factolake.refine.plant_frames import PlantFrames, plant_frames
from factolake.refine.putting import put_changed, put_new
from factolake.refine.reach import Reach, reached
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.result import RunResult
from factolake.refine.slices import age, frozen_slices

log = structlog.get_logger(__name__)
PLAN_STEP = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAZY_VERSIONS = 200
LAZY_S = 600.0
"""A position that moved without touching a slice is committed only after this many versions or seconds: the feed is cheap to read again.

Upkeep keeps what lies behind a position, and sounds an alarm at half an hour of it.
"""


class Runner:
    """Runs refinements against one lake with one engine and one plant model.

    `checks` judges the Arrow result of a table before it is committed and returns what is wrong in words (nothing if all is well).
    """

    def __init__(
        self,
        lake: Lake,
        engine: Engine,
        model: PlantModel,
        clock: Clock,
        *,
        checks: Callable[[Table, pa.Table], list[str]] | None = None,
    ) -> None:
        self.lake, self.engine, self.model, self.clock = lake, engine, model, clock
        self._checks = checks or (lambda table, data: [])
        self._handles: dict[str, Handle] = {}
        self._read_through: dict[tuple[str, str], int] = {}
        self._plant: PlantFrames | None = None
        self._reach = Reach()
        self._clock_read = (-1, EPOCH)
        self._clock_seen: dict[str, int] = {}
        self._lazy_since: dict[str, float] = {}

    def run(self, refinement: Refinement) -> RunResult:
        """Bring the output up to its inputs' present versions; a no-op when they have not moved."""
        started = time.perf_counter()
        self._settle_in_time(refinement)
        if refinement.replaces and self._is_idle(refinement):
            return RunResult(refinement.name)
        output = self._handle(refinement.output)
        spans = [self._span(refinement, output, feed) for feed in refinement.inputs]
        moved = [span for span in spans if span.after is None or span.after < span.through]
        if not moved and not self._plan_change(refinement, output) and not self._clock_is_new(refinement):
            self._read_through |= {(refinement.name, span.input.table.name): span.through for span in spans}
            return RunResult(refinement.name)
        result = self._append(refinement, output, spans) if refinement.append else self._replace(refinement, output, spans)
        return replace(result, duration_s=time.perf_counter() - started)

    def _is_idle(self, refinement: Refinement) -> bool:
        """Whether the input stands where this process has read it: then its output need not be looked at. Of many tables few have news."""
        feed = refinement.inputs[0].table
        return self._read_through.get((refinement.name, feed.name)) == self._handle(feed).version

    def read_through(self, refinement: Refinement) -> dict[str, int]:
        """Version of each input taken up so far, -1 for none; positions not committed yet included. Reads no table anew."""
        output = self._handles.get(refinement.output.name)
        if output is None:
            return {}
        stored = {feed.table.name: output.position(self._app_id(refinement, feed)) for feed in refinement.inputs}
        held = {name: self._read_through.get((refinement.name, name), -1) for name in stored}
        return {name: max(held[name], -1 if version is None else version) for name, version in stored.items()}

    def settle(self, refinement: Refinement) -> int | None:
        """Commit the positions only remembered so far, so that the tables alone tell how far they are; the version, None if all were there."""
        output = self._handle(refinement.output)
        names = {self._app_id(refinement, feed): (refinement.name, feed.table.name) for feed in refinement.inputs}
        held = {app_id: self._read_through[name] for app_id, name in names.items() if name in self._read_through}
        ahead = {app_id: version for app_id, version in held.items() if version > (-1 if (old := output.position(app_id)) is None else old)}
        if not ahead:
            return None
        version = output.commit_positions(ahead)
        for (reader, table), through in self._read_through.items():
            # Whoever had read the output to its end has read this commit too: it holds no rows.
            if table == refinement.output.name and through == version - 1:
                self._read_through[(reader, table)] = version
        return version

    def recompute(self, refinement: Refinement, slices: Iterable[Slice]) -> RunResult:
        """Compute and commit `slices` again without moving a position (backfill); those whose readings are no longer kept stay as they are."""
        oldest_first = sorted(self._open_to_change(refinement, set(slices)), key=age)
        changed, rows, version = self._make(refinement, self._handle(refinement.output), oldest_first, {})
        return RunResult(refinement.name, slices=len(oldest_first), changed_slices=changed, rows_written=rows, version=version)

    def all_slices(self, refinement: Refinement) -> set[Slice]:
        """Every slice the inputs as they are now call for, and every slice the output holds."""
        spans = [Span(feed, None, self._handle(feed.table).version) for feed in refinement.inputs]
        return self._touched(refinement, spans, self._handle(refinement.output), everything=True)

    def _opened(self, table: Table) -> Handle:
        """A handle where it stands; `_handle` moves it to the newest version, which a run does once for each of its tables."""
        if table.name not in self._handles:
            self.lake.ensure(table)
            self._handles[table.name] = self.lake.open(table)
        return self._handles[table.name]

    def _handle(self, table: Table) -> Handle:
        handle = self._opened(table)
        handle.refresh()
        return handle

    def _span(self, refinement: Refinement, output: Handle, feed: Input) -> Span:
        handle = self._handle(feed.table)
        stored = output.position(self._app_id(refinement, feed))
        held = self._read_through.get((refinement.name, feed.table.name))
        after = max((version for version in (stored, held) if version is not None), default=None)
        if after is not None and after > handle.version:
            log.warning("a table was set back", table=feed.table.name, read_through=after, version=handle.version, remedy="read as a new one")
            handle.begin_history()
            self._read_through = {read: through for read, through in self._read_through.items() if read[1] != feed.table.name}
            after = None
        return Span(feed, after, handle.version)

    def _app_id(self, refinement: Refinement, feed: Input) -> str:
        return refine_position(refinement.name, feed.table.name, self._opened(feed.table).history)

    def _plan_id(self, refinement: Refinement) -> str:
        return refine_position(refinement.name, "plan", self._opened(silver.PLANT_MODEL).history)

    def _plan(self, refinement: Refinement) -> int:
        """Version of the code and of the plant model together: when it grows, every slice is touched."""
        return refinement.version * PLAN_STEP + self._opened(silver.PLANT_MODEL).version

    def _plan_change(self, refinement: Refinement, output: Handle) -> str | None:
        """What made every slice due anew since the output was last complete: transform (its code) or plant_model; None if neither."""
        stored, plan = output.position(self._plan_id(refinement)), self._plan(refinement)
        if stored is None:
            return "plant_model" if output.version else None
        if stored >= plan:
            return None
        return "transform" if stored // PLAN_STEP < plan // PLAN_STEP else "plant_model"

    def _plan_position(self, refinement: Refinement, output: Handle) -> dict[str, int]:
        plan, plan_id = self._plan(refinement), self._plan_id(refinement)
        return {plan_id: plan} if (output.position(plan_id) or -1) < plan else {}

    def _clock_is_new(self, refinement: Refinement) -> bool:
        """Whether carry reaches elsewhere than when the clock was last looked at: a tick read before a machine was known to be silent counts now."""
        reads_clock = any(feed.table is ops.CLOCK for feed in refinement.inputs)
        return reads_clock and self._clock_seen.get(refinement.name) != self._handle(silver.CARRY).version

    def _append(self, refinement: Refinement, output: Handle, spans: list[Span]) -> RunResult:
        """New rows of the first input, in portions of versions, each committed with its position."""
        (span,) = spans
        cause = self._plan_change(refinement, output)
        if span.after is None and not refinement.known and output.version:
            return self._past_hole(refinement, output, span, TableDamaged(f"{span.input.table.name} is another table than the one read before"))
        if refinement.replaces and cause == "transform":
            return self._append_whole(refinement, output, span)
        after = -1 if span.after is None else span.after
        written, version = self._retry(refinement, output) if cause else (0, None)
        while after < span.through:
            try:
                through, rows = portion(self._opened(span.input.table), span.input, after, span.through)
            except TableDamaged as hole:
                return self._past_hole(refinement, output, span, hole)
            positions = {self._app_id(refinement, span.input): through, **self._plan_position(refinement, output)}
            data = self._transform_new(refinement, output, rows)
            crash_point(f"refine.{refinement.name}.computed")
            put = put_new(refinement, output, data, positions)
            version, written = put.version or version, written + put.rows
            if put.version is None and self._overdue(refinement, output, {self._app_id(refinement, span.input): through}):
                version = output.commit_positions(positions)
            self._read_through[(refinement.name, span.input.table.name)] = through
            crash_point(f"refine.{refinement.name}.committed")
            after = through
        return RunResult(refinement.name, rows_written=written, version=version, inputs={span.input.table.name: span.through})

    def _past_hole(self, refinement: Refinement, output: Handle, span: Span, hole: TableDamaged) -> RunResult:
        log.warning("a change feed has a hole", refinement=refinement.name, cause=str(hole), remedy="whole table" if refinement.known else "goes on")
        return self._append_whole(refinement, output, span)

    def _append_whole(self, refinement: Refinement, output: Handle, span: Span) -> RunResult:
        """Past a hole in the feed, or by a new transform: every row of the input once more, of which the output takes those it lacks.

        What lives by the difference of commits alone (no `known`) cannot be made good; it goes on from the present version.
        """
        written = 0
        if refinement.known:
            for rows in whole(self._opened(span.input.table), span.input.columns):
                written += put_new(refinement, output, self._transform_new(refinement, output, rows), {}).rows
        read = {self._app_id(refinement, span.input): span.through} if span.after is None or span.after < span.through else {}
        version = output.commit_positions({**read, **self._plan_position(refinement, output)})
        self._read_through[(refinement.name, span.input.table.name)] = span.through
        return RunResult(refinement.name, rows_written=written, version=version, inputs={span.input.table.name: span.through})

    def _retry(self, refinement: Refinement, output: Handle) -> tuple[int, int]:
        """Under a new plan: rows refused before, tried once more."""
        data = output.read(predicate="false")
        if refinement.refused_in is not None:
            rows = self._refused(refinement.inputs[0].table, refinement.refused_in)
            data = self._transform_new(refinement, output, rows)
        return data.num_rows, output.append(data, self._plan_position(refinement, output))

    def _refused(self, source: Table, refused_in: Table) -> pa.Table:
        keys = self._handle(refused_in).read(columns=list(source.key))
        epochs = ", ".join(str(epoch) for epoch in pc.unique(keys["epoch"]).to_pylist())
        rows = self._handle(source).read(predicate=f"epoch IN ({epochs})" if epochs else "false")
        rows = rows.join(keys.group_by(list(source.key)).aggregate([]), keys=list(source.key), join_type="left semi")
        return as_new(rows.select(list(source.column_names)))

    def _transform_new(self, refinement: Refinement, output: Handle, rows: pa.Table) -> pa.Table:
        only = refinement.inputs[0].only
        rows = only(rows) if only else rows
        if not rows.num_rows:
            return arrow_schema(refinement.output).empty_table()
        known = refinement.known(rows, self.model) if refinement.known else None
        frames = {refinement.inputs[0].table.name: to_frame(self.engine.spark, rows), refinement.output.name: self._frame(refinement.output, known)}
        inputs = Inputs(self.engine.spark, frames, self._no_slices(), self._plant_frames(), self.clock_ts())
        return self._result(refinement, inputs)

    def _replace(self, refinement: Refinement, output: Handle, spans: list[Span]) -> RunResult:
        cause = self._plan_change(refinement, output)
        # An input not read before, or not in its present history, says nothing of slices that it does not hold and the output may.
        unread = any(span.after is None for span in spans)
        slices = self._touched_or_all(refinement, spans, output, everything=unread or cause is not None)
        positions = {self._app_id(refinement, span.input): span.through for span in spans if span.after is None or span.after < span.through}
        positions |= self._plan_position(refinement, output)
        cause = cause or (self._noted(spans) if slices else None)
        changed, rows, version = self._make(refinement, output, sorted(slices, key=age), positions, cause)
        if version is None and self._overdue(refinement, output, {self._app_id(refinement, span.input): span.through for span in spans}):
            version = output.commit_positions(positions)
        for span in spans:
            self._read_through[(refinement.name, span.input.table.name)] = span.through
        through = {span.input.table.name: span.through for span in spans}
        return RunResult(refinement.name, len(slices), changed, rows, version, through)

    def _noted(self, spans: list[Span]) -> str | None:
        """What a commit read since the last run noted as its cause: a new transform upstream reaches the tables below it as changed rows."""
        with suppress(TableDamaged):  # what touched the slices is lost with the feed
            for span in spans:
                # Only a table made slice by slice has such a note; bronze and the clock move on every pass and are not asked.
                if span.input.table.slice_by and span.after is not None and span.after < span.through:
                    notes = self._handles[span.input.table.name].notes(CAUSE, span.after + 1)
                    if notes:
                        return notes[max(notes)]
        return None

    def _touched_or_all(self, refinement: Refinement, spans: list[Span], output: Handle, *, everything: bool) -> set[Slice]:
        """The touched slices; every slice when a change feed has a hole: nobody knows what it touched."""
        try:
            return self._touched(refinement, spans, output, everything=everything)
        except TableDamaged as hole:
            if everything:
                raise
            log.warning("a change feed has a hole", refinement=refinement.name, cause=str(hole), remedy="every slice")
            return self._touched(refinement, spans, output, everything=True)

    def _touched(self, refinement: Refinement, spans: list[Span], output: Handle, *, everything: bool) -> set[Slice]:
        horizon = self.horizon()
        slices: set[Slice] = set()
        if everything:
            slices |= _held(output)
        for span in spans:
            if everything or span.after is None or span.after < span.through:
                feed = news(self._opened(span.input.table), span.input.columns, None if everything else span.after)
                if feed.num_rows and span.input.touches_all:
                    slices |= _held(output)
                slices |= span.input.touch(feed, horizon) if feed.num_rows else set()
            elif span.input.table is ops.CLOCK:
                slices |= span.input.touch(arrow_schema(ops.CLOCK).empty_table(), horizon)
        self._clock_seen[refinement.name] = self._reach.version
        return self._open_to_change(refinement, slices)

    def _open_to_change(self, refinement: Refinement, slices: set[Slice]) -> set[Slice]:
        """`slices` without the frozen ones."""
        frozen = frozen_slices(refinement, slices, self._opened)
        if frozen:
            log.info("slices stay as they are", refinement=refinement.name, slices=len(frozen), cause="their readings are no longer kept")
        return slices - frozen

    def _make(
        self, refinement: Refinement, output: Handle, slices: list[Slice], positions: Mapping[str, int], cause: str | None = None
    ) -> tuple[int, int, int | None]:
        """Compute `slices`, oldest first, and commit those that differ, noting the `cause`; the last commit carries `positions`."""
        changed_total, rows_total, version = 0, 0, None
        groups = [slices[i : i + refinement.group_size] for i in range(0, len(slices), refinement.group_size)]
        for number, group in enumerate(groups):
            data = self._transform_slices(refinement, frozenset(group))
            crash_point(f"refine.{refinement.name}.computed")
            carried = positions if number == len(groups) - 1 else {}
            put = put_changed(output, group, data, carried, {CAUSE: cause} if cause else None)
            if put.version is not None:
                version = put.version
                changed_total, rows_total = changed_total + put.slices, rows_total + put.rows
                crash_point(f"refine.{refinement.name}.committed")
            elif number == len(groups) - 1 and version is not None:
                version = output.commit_positions(positions) if positions else version
        return changed_total, rows_total, version

    def _transform_slices(self, refinement: Refinement, group: frozenset[Slice]) -> pa.Table:
        names = refinement.output.slice_by
        columns = [pa.array([row[i] for row in group], arrow_schema(refinement.output).field(name).type) for i, name in enumerate(names)]
        slices = to_frame(self.engine.spark, pa.table(columns, names=list(names)))
        frames = {feed.table.name: self._frame(feed.table, feed.rows(group)) for feed in refinement.inputs}
        if refinement.own_rows:
            frames[refinement.output.name] = self._frame(refinement.output, refinement.own_rows(group))
        return self._result(refinement, Inputs(self.engine.spark, frames, slices, self._plant_frames(), self.clock_ts(), group))

    def _frame(self, table: Table, rows: Column | None) -> DataFrame:
        if rows is None:
            return to_frame(self.engine.spark, arrow_schema(table).empty_table())
        self._opened(table)
        return self.engine.read_table(self.lake.path(table)).where(rows)

    def _result(self, refinement: Refinement, inputs: Inputs) -> pa.Table:
        rows = self.engine.rows(refinement.transform(inputs), refinement.output.name)
        now = pa.array([self.clock.now()] * rows.num_rows, pa.timestamp("us", tz="UTC"))
        data = fit(refinement.output, rows.append_column("as_of", now))
        wrong = self._checks(refinement.output, data)
        if wrong:
            raise ContractViolation(f"{refinement.output.name}: {'; '.join(wrong)}; nothing was committed, the rows are recomputed on the next run")
        return data

    def _overdue(self, refinement: Refinement, output: Handle, through: Mapping[str, int]) -> bool:
        """Whether positions, by app id, that moved without a change are to be committed now."""
        stored = {app_id: output.position(app_id) for app_id in through}
        behind = max(version - (stored[app_id] or 0) for app_id, version in through.items())
        self._lazy_since.setdefault(refinement.name, time.monotonic())
        return None in stored.values() or behind >= LAZY_VERSIONS

    def _settle_in_time(self, refinement: Refinement) -> None:
        """Commit what has been remembered for long, also when nothing moves any more."""
        if time.monotonic() - self._lazy_since.get(refinement.name, math.inf) >= LAZY_S:
            del self._lazy_since[refinement.name]
            self.settle(refinement)

    def clock_ts(self) -> datetime:
        """The latest tick of ops.clock: the present as far as landing has lived through it."""
        ticks = self._handle(ops.CLOCK)
        if ticks.version != self._clock_read[0]:
            newest = pc.max(ticks.read(columns=["tick_ts"])["tick_ts"]).as_py()
            self._clock_read = (ticks.version, newest or EPOCH)
        return self._clock_read[1]

    def horizon(self) -> Horizon:
        """How far each machine's carry reaches, and when its last sign of life arrived."""
        carried = self._handle(silver.CARRY)
        self._reach = reached(self._reach, carried)
        return Horizon(self.model, self.clock_ts(), self._reach.last_hour, self._reach.last_gateway, self._reach.last_sign)

    def _plant_frames(self) -> PlantFrames:
        if self._plant is None:
            self._plant = plant_frames(self.engine.spark, self.model)
        return self._plant

    def _no_slices(self) -> DataFrame:
        return to_frame(self.engine.spark, pa.table({"none": pa.array([], pa.string())}))


def _held(output: Handle) -> set[Slice]:
    """Every slice that has rows."""
    names = list(output.table.slice_by)
    return {tuple(row[name] for name in names) for row in output.read(columns=names).group_by(names).aggregate([]).to_pylist()}
