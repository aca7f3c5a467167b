"""Runs of solvers, each a process of its own, kept in a file: a row of many hours is made in pieces and added up from the file.

A line of the file is one run: case, solver, seed, CPU seconds allowed, a hash of the sources that made it, and what was found. A run whose sources
have changed since is stale and made again; runs of others stay. CPU time counts from the start of the process, imports and model building included.
"""

import argparse
import hashlib
import importlib
import importlib.metadata
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from judged import judged

from factolake.domain.job import Problem

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
DATA = ROOT.parent / "shared" / "data" / "scheduling"
GIB = 1 << 30
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What is run: CPU seconds from the start of its process, and the memory it may take (bytes of address space), if bounded."""

    case: str
    solver: str
    seed: int
    seconds: float
    memory: int | None = None


class Runs:
    """The runs of one benchmark.

    `one` makes a run in the process it is called in and returns what it found. `sources` has the files and folders, from the repository's root, on
    which the runs of a solver depend, by the solver's name up to the first hyphen.
    """

    def __init__(self, script: str, one: Callable[[argparse.Namespace, Run], Found], sources: dict[str, tuple[str, ...]]) -> None:
        self._script, self._one = script, one
        self._versions = {solver: version(paths) for solver, paths in sources.items()}
        self.parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.parser.add_argument("--kept", type=Path, default=HERE / "runs" / f"{Path(script).stem}.jsonl", help="the file of runs; '-': keep none")
        self.parser.add_argument("--only-kept", action="store_true", help="make no run: judge by those in the file, cases with all of them alone")
        self.parser.add_argument("--one", help=argparse.SUPPRESS)
        self.asked = argparse.Namespace()
        self._kept: dict[str, Found] = {}

    def begin(self) -> argparse.Namespace:
        """The arguments; in a process made for one run, that run is made, its answer printed, and the process ends."""
        self.asked = self.parser.parse_args()
        if self.asked.one:
            found = self._one(self.asked, Run(**json.loads(self.asked.one)))
            print(json.dumps(found))
            raise SystemExit(0)
        if str(self.asked.kept) != "-" and self.asked.kept.exists():
            for line in self.asked.kept.read_text().splitlines():
                entry = json.loads(line)
                self._kept[_key(entry)] = entry
        return self.asked

    def found(self, run: Run) -> Found | None:
        """What a run found: the kept answer, or that of a run made now; None where only kept ones are asked for and there is none."""
        entry = {**asdict(run), "version": self._versions[run.solver.split("-")[0]]}
        key = _key(entry)
        if key not in self._kept:
            if self.asked.only_kept:
                return None
            self._kept[key] = {**entry, **self.made(run)}
            if str(self.asked.kept) != "-":
                self.asked.kept.parent.mkdir(parents=True, exist_ok=True)
                with self.asked.kept.open("a") as file:
                    file.write(json.dumps(self._kept[key]) + "\n")
        return self._kept[key]

    def made(self, run: Run, more: dict[str, str] | None = None) -> Found:
        """A run made now, `more` in its environment. A peer that dies has found nothing: `{"died": why}`, unless a plan of it broke a rule."""

        def limit() -> None:
            if run.memory:
                resource.setrlimit(resource.RLIMIT_AS, (run.memory, run.memory))

        command = [sys.executable, self._script, *sys.argv[1:], "--one", json.dumps(asdict(run))]
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, env={**os.environ, "PYTHONPATH": path, **(more or {})})
        lines = done.stdout.strip().splitlines()
        if done.returncode == 0 and lines:
            return dict(json.loads(lines[-1]))
        why = done.stderr.strip()[-500:]
        if not run.solver.startswith("cpsat") or "breaks" in why:
            raise SystemExit(f"{run.case}, {run.solver}, seed {run.seed}: {why}")
        return {"died": why.splitlines()[-1] if why else f"exit code {done.returncode}"}

    def show_cold(self, run: Run) -> None:
        """One run that compiles everything, then a short one that fills the cache of the runs to come."""
        if self.asked.only_kept:
            return
        with tempfile.TemporaryDirectory() as folder:
            cold = self.made(run, {"NUMBA_CACHE_DIR": folder})
        warm = self.made(Run(run.case, run.solver, run.seed, 1.0, run.memory))
        print(f"cold: {run.case}: {cold}\nloaded in {warm['compiling_cpu_s']:.1f} CPU-s", flush=True)


def version(paths: tuple[str, ...]) -> str:
    """Hash of sources, and the release of the solver they call."""
    sources = hashlib.sha256()
    for path in paths:
        for file in sorted((ROOT / path).rglob("*.py")) if (ROOT / path).is_dir() else [ROOT / path]:
            sources.update(file.read_bytes())
    return f"{sources.hexdigest()[:12]} ortools {importlib.metadata.version('ortools')}"


def shop_run(problem: Problem, run: Run, engine: str, peer: str) -> Found:
    """Makespan, bound and CPU seconds of this process up to the end of the search; the schedule is judged after that.

    `engine` and `peer` name modules, and only the one that runs is imported: the engine's `search`, or the peer's `solve_peer` with N workers for
    the solver `cpsat-N`.
    """
    found: Found = {}
    if run.solver == "own":
        own = importlib.import_module(engine)
        with compiling(found):
            own.warm_up()
        plan = own.search(problem, seconds=left(run), iterations=None, seed=run.seed)
        schedule, found["bound"] = plan.schedule, plan.bound
    else:
        solve_peer = importlib.import_module(peer).solve_peer
        _, found["bound"], schedule = solve_peer(problem, left(run), int(run.solver.removeprefix("cpsat-")), run.seed)
    found["cpu_s"] = round(time.process_time(), 2)
    return {"makespan": judged(problem, schedule).makespan if schedule else 0, **found}


def mean_makespans(runs: Runs, case: str, solvers: tuple[str, ...], asked: argparse.Namespace) -> dict[str, float] | None:
    """Mean of seeds 1 to `asked.seeds` by solver, infinite where a run found no plan; None where only kept ones are asked for and one is not."""
    means = {}
    for solver in solvers:
        found = [runs.found(Run(case, solver, seed, asked.seconds)) for seed in range(1, asked.seeds + 1)]
        spans = [answer.get("makespan") or math.inf for answer in found if answer is not None]
        if len(spans) < len(found):
            return None
        means[solver] = statistics.fmean(spans)
    return means


@contextmanager
def compiling(found: Found) -> Iterator[None]:
    """Count CPU seconds spent on compiling or loading kernels."""
    before = time.process_time()
    yield
    found["compiling_cpu_s"] = round(time.process_time() - before, 2)


def left(run: Run) -> float:
    """CPU seconds that a run has left, counted from the start of its process."""
    return max(0.1, run.seconds - time.process_time())


def _key(entry: Found) -> str:
    return json.dumps([entry[name] for name in ("case", "solver", "seed", "seconds", "memory", "version")])
