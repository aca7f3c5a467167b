"""The refinery: a loop over the refinements, each at most one commit behind its inputs, until told to stop.

One refinement that fails does not stop the others: what depends on it simply waits, and the failure is a row of ops.runs and a log line.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import structlog

from factolake.config import Settings, load_plant
from factolake.contracts import ops
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import Clock
from factolake.errors import EngineUnavailable, FactoLakeError
from factolake.lake.engine import engine
from factolake.lake.leases import Lease
from factolake.lake.tables import Lake
from factolake.refine.plant_model import record_plant
from factolake.refine.refinement import Refinement
from factolake.refine.registry import REFINEMENTS
from factolake.refine.result import RunResult, run_row
from factolake.refine.runner import Runner
from factolake.refusals import require_writable
from pipelines.checks import judge
from pipelines.refinery_progress import Progress, write_progress
from pipelines.report import DagsterReporter
from pipelines.tending import Tending, mend
from pipelines.turn import table_turn

log = structlog.get_logger(__name__)
RUNS_EVERY_S = 60.0
PROMPT_WITHIN_S = 10
"""Tables meant to be at most this far behind are refined on every pass; the others when half of their freshness target has passed."""


@dataclass(slots=True)
class Refinery:
    """The loop's state: a runner, the rows of ops.runs not yet written, and what failed last."""

    runner: Runner
    clock: Clock
    reporter: DagsterReporter
    refinements: tuple[Refinement, ...] = REFINEMENTS
    failing: dict[str, str] = field(default_factory=dict)
    _last_run: dict[str, float] = field(default_factory=dict)
    _runs: list[dict[str, object]] = field(default_factory=list)
    _runs_written: float = field(default_factory=time.monotonic)

    def cycle(self, *, everything: bool = False) -> list[RunResult]:
        """Run every refinement that is due (or `everything`) once, in order; returns what changed."""
        changed = []
        for refinement in self.refinements:
            if not everything and not self._is_due(refinement):
                continue
            self._last_run[refinement.name] = time.monotonic()
            started = self.clock.now()
            try:
                result = self.runner.run(refinement)
            except EngineUnavailable:
                raise  # nothing can be refined without it; whoever starts this part starts it anew
            except FactoLakeError as error:
                self._failed(refinement, started, str(error))
                continue
            self.failing.pop(refinement.name, None)
            if result.changed:
                changed.append(result)
                self._runs.append(run_row(result, started))
                self.reporter.report(refinement.output.name, result.version, result.rows_written, started)
        if time.monotonic() - self._runs_written >= RUNS_EVERY_S:
            self.write_runs()
        return changed

    def _is_due(self, refinement: Refinement) -> bool:
        target = refinement.output.freshness_target_s or 0
        pause_s = target / 2 if target > PROMPT_WITHIN_S else 0.0
        return time.monotonic() - self._last_run.get(refinement.name, 0.0) >= pause_s

    def settle(self) -> None:
        """Before the end: commit what was read through without touching anything, in the order data flows."""
        for refinement in self.refinements:
            if refinement.name not in self.failing:
                self.runner.settle(refinement)

    def write_runs(self) -> None:
        """Append the collected rows of ops.runs in one commit."""
        self._runs_written = time.monotonic()
        if self._runs:
            lake = self.runner.lake
            lake.ensure(ops.RUNS)
            lake.open(ops.RUNS).append(pa.Table.from_pylist(self._runs, arrow_schema(ops.RUNS)), {})
            self._runs.clear()

    def _failed(self, refinement: Refinement, started: datetime, cause: str) -> None:
        if self.failing.get(refinement.name) != cause:
            log.error("refinement failed", refinement=refinement.name, cause=cause)
            self._runs.append(run_row(RunResult(refinement.name), started, cause))
        self.failing[refinement.name] = cause


def rest_s(interval_s: float, took_s: float) -> float:
    """Seconds between two passes: one starts every `interval_s`, but the rest is at least half as long as the work, and at most the interval."""
    return min(interval_s, max(took_s / 2, interval_s - took_s))


def run_refinery(
    settings: Settings, clock: Clock, stop: threading.Event, once: bool = False, weary: Callable[[], bool] = lambda: False
) -> list[RunResult]:
    """Refine until `stop` is set or, between two passes, `weary`; with `once`, until a pass changes nothing. Returns the last pass's changes.

    Raises LeaseHeld when another refinery works on the same lake.
    """
    model = load_plant(settings.plant_file)
    lake = Lake(settings.lake_root)
    require_writable(lake.root)
    with Lease(settings.run_dir / "refinery.lease").acquire(), engine(settings.engine) as running:
        with table_turn(settings.run_dir, stop.is_set):
            mend(lake)
            record_plant(lake, model, clock)
        tending = Tending(lake, settings.landing, clock)
        runner = Runner(lake, running, model, clock, checks=judge)
        refinery = Refinery(runner, clock, DagsterReporter(settings.dagster_home, settings.refinery.dagster_report_every_s))
        changed: list[RunResult] = []
        while not stop.is_set() and not weary():
            began = time.monotonic()
            with table_turn(settings.run_dir, stop.is_set) as is_mine:
                changed = refinery.cycle(everything=once) if is_mine else []
                if is_mine and not once:
                    tending.step()
            _tell_progress(settings, refinery, clock)
            if once and not changed:
                break
            stop.wait(0 if once else rest_s(settings.refinery.interval_s, time.monotonic() - began))
        with table_turn(settings.run_dir, lambda: False):
            refinery.settle()
            refinery.write_runs()
        _tell_progress(settings, refinery, clock)
        return changed


def _tell_progress(settings: Settings, refinery: Refinery, clock: Clock) -> None:
    progress = {refinement.output.name: refinery.runner.read_through(refinement) for refinement in refinery.refinements}
    write_progress(settings.run_dir, Progress(clock.now(), progress, dict(refinery.failing)))
