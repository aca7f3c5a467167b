"""The plan before survives whatever kills a search: its worker processes, or the whole planner in the middle of a turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest
from planned_line import LINE, M1, PLANT, PlannedLine

from factolake.contracts.gold import SCHEDULE
from factolake.domain.job import Placed, Plan
from factolake.errors import DiskFull
from factolake.planning.building import Built
from pipelines.planning.causes import Cause
from pipelines.planning.planner import searched

STOP = Cause("stop", "L1-M1 is broken down since 11:55", "stop L1-M1")
WITHIN_S = 60.0
STUCK = f"""
import sys, time
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(PLANT.parents[1])!r}]
from pathlib import Path
from planned_line import LINE, PlannedLine
from pipelines.planning.causes import Cause

def search(*_):
    print("searching", flush=True)
    time.sleep(600)

PlannedLine(Path(sys.argv[1])).planner(search).plan_line(LINE, Cause("stop", "L1-M1 is down", "stop L1-M1"))
"""


@pytest.fixture
def line(tmp_path: Path) -> PlannedLine:
    """A line with a published plan, and a machine that breaks down after it."""
    made = PlannedLine(tmp_path)
    made.two_orders()
    made.operation("PO-2", 20, "L1-M2", 150)
    made.breakdown("L1-M2", -20)
    first = made.planner().plan_line(LINE, Cause("stop", "L1-M2 is down", "stop L1-M2"))
    assert first is not None and first.is_published
    made.clock.advance(60)
    made.breakdown(M1, -5)
    return made


def kill_workers(until: threading.Event) -> None:
    """SIGKILL every process that this one starts, until told otherwise."""
    while not until.wait(0.02):
        for child in psutil.Process().children(recursive=True):
            if "models.planning.worker" in " ".join(child.cmdline() if child.is_running() else ()):
                child.kill()


def test_killed_workers_end_the_try_and_leave_the_plan_before(line: PlannedLine) -> None:
    before = line.published()
    over = threading.Event()
    killer = threading.Thread(target=kill_workers, args=(over,))

    def search(made: Built, wanted: Mapping[str, object], tell: Callable[[Plan], None], start: tuple[Placed, ...]) -> Plan:
        killer.start()
        return searched(made, {**wanted, "wall_s": 10.0}, tell, start)

    try:
        tried = line.planner(search).plan_line(LINE, STOP)
    finally:
        over.set()
        killer.join()
    assert tried is not None and not tried.is_published
    assert tried.status == "unknown" and "the one before stays" in tried.told
    assert line.published() == before
    assert [row["is_published"] for row in line.tries()] == [True, False]


def test_a_planner_killed_in_a_search_leaves_the_plan_before_and_the_next_one_plans(line: PlannedLine) -> None:
    before, version = line.published(), line.lake.open(SCHEDULE).version
    stuck = subprocess.Popen([sys.executable, "-c", STUCK, str(line.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert stuck.stdout is not None and stuck.stdout.readline() == "searching\n"
        assert line.planner().plan_line(LINE, STOP) is None, "one planner at a time"
    finally:
        os.kill(stuck.pid, signal.SIGKILL)
        stuck.wait(WITHIN_S)
    assert line.published() == before and line.lake.open(SCHEDULE).version == version
    deadline = time.monotonic() + WITHIN_S
    tried = None
    while tried is None and time.monotonic() < deadline:
        tried = line.planner().plan_line(LINE, STOP)
    assert tried is not None and tried.is_published
    assert {row["plan_id"] for row in line.published()} == {before[0]["plan_id"], tried.plan_id}


def test_a_planner_that_ends_before_its_try_is_kept_is_followed_by_a_newer_whole_plan(line: PlannedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise DiskFull("no space is left under the lake")

    line.schedule("L1.2", "rejected", plan_id=line.published()[0]["plan_id"])
    with monkeypatch.context() as context:
        context.setattr("pipelines.planning.planner.keep", gone)
        with pytest.raises(DiskFull):
            line.planner().plan_line(LINE, STOP)
    line.clock.advance(5)
    found = line.watch().cause_of(LINE, line.clock.now(), lambda cause: M1 in cause.about)
    assert found is not None, "nobody knows of the try"
    tried = line.planner().plan_line(LINE, found)
    assert tried is not None and tried.is_published
    newest = [row for row in line.published() if row["plan_id"] == tried.plan_id]
    assert len(newest) == newest[0]["plan_operations"] and max(row["as_of"] for row in line.published()) == newest[0]["as_of"]
