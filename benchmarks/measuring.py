"""What every benchmark here shares: CPU seconds of a process with its children, small tables, and one pass over the refinements."""

import datetime as dt
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from factolake.contracts import bronze, ops
from factolake.contracts.table import Table
from factolake.lake.tables import Lake
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner

CONF = Path(__file__).resolve().parents[1] / "conf"
SOURCES = (bronze.READINGS, bronze.EVENTS, ops.CLOCK)
DAY_START = dt.datetime(2026, 11, 20, 5, tzinfo=dt.UTC)
"""06:00 in the plant's time zone: the early shift begins."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of this run alone, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="factolake-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cpu_of(pid: int) -> float:
    """CPU seconds, user and system, of the process `pid` and everything it started, ended children included as far as they were waited for."""
    spent = 0.0
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        try:
            spent += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return spent


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print `rows` under `headings`, columns aligned."""
    texts = [[f"{cell:,.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(headings))]
    for row in texts:
        print("  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))), flush=True)


def verdict(name: str, ratios: Sequence[float], bar: str, is_met: bool) -> None:
    """Print the line that docs/benchmarks.md quotes."""
    spread = f"median of {len(ratios)}, {min(ratios):.3f} to {max(ratios):.3f}"
    print(f"{name}: {statistics.median(ratios):.3f} ({spread}); goal {bar}: {'reached' if is_met else 'NOT reached'}", flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of `values` do not pass."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def refine(runner: Runner, spent: Counter[str] | None = None) -> int:
    """One pass over all refinements; adds each one's CPU seconds to `spent`; returns how many changed their table."""
    changed = 0
    for refinement in REFINEMENTS:
        before = time.process_time()
        changed += runner.run(refinement).changed
        if spent is not None:
            spent[refinement.name] += time.process_time() - before
    return changed


def bytes_of(folder: Path) -> int:
    """Size of all files under `folder`."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def copy_tables(source: Lake, target: Lake, tables: Sequence[Table]) -> None:
    """The folders of `tables`, as they are."""
    for one in tables:
        shutil.copytree(source.path(one), target.path(one))
