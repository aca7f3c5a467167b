"""Job shops: own search and CP-SAT with 2 and 8 workers in equal CPU time, each run a process of its own, each schedule judged by the validator.

Goals of the three rows, by gap = makespan / best known - 1, against the better of the two CP-SATs for each instance:
- bar (60 CPU-s, 5 seeds): summed gap at most 0.4 x, and no instance's mean more than 0.2 points above;
- anytime (10 CPU-s): pooled gap at most 0.15 x; abz, swv, ta and yn each 0.25 x; ft, la and orb each at most 0.05 points above; at most five
  instances more than 0.2 points above;
- industrial (300 CPU-s, 8 GiB; no schedule is a gap of 1): mean gap at most 0.5 x, and at most CP-SAT's mean where that has schedules.

Run: python benchmarks/planning/job_shop.py --row bar [--instances la38,ta21] [--seconds 60] [--seeds 5] [--workers 2,8], with the instances and best
known makespans of ScheduleOpt/benchmarks in `--data` (jobshop.zip, jobshop_best_known.csv). Runs are kept (runs.py); the cold figure of a first run,
which compiles, is shown apart.
"""

import argparse
import csv
import re
import statistics
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from judged import ratio
from runs import DATA, GIB, Found, Run, Runs, shop_run

from factolake.planning.formats import read

BAR = ("abz7 abz8 abz9 la38 swv06 swv07 swv08 swv09 swv10 yn1 yn2 yn3 yn4 ta21 ta22 ta23 ta24 ta25 ta31 ta32 ta33 ta34 ta35").split()


@dataclass(frozen=True)
class Row:
    """What a row runs where nothing else is asked for."""

    seconds: float
    seeds: int
    memory: int | None = None

    def has(self, name: str, family: str) -> bool:
        """Whether an instance belongs to this row."""
        return name in BAR if self is ROWS["bar"] else (family == "dct") == (self is ROWS["industrial"])


ROWS = {"bar": Row(60, 5), "anytime": Row(10, 1), "industrial": Row(300, 1, 8 * GIB)}


def main() -> None:
    runs = Runs(
        __file__, one_run, {"own": ("models/planning/shop", "models/planning/compiled.py"), "cpsat": ("benchmarks/planning/peers/job_shop.py",)}
    )
    runs.parser.add_argument("--row", choices=ROWS, default="bar")
    runs.parser.add_argument("--instances", default="", help="names with commas between; else all of the row")
    runs.parser.add_argument("--seconds", type=float, help="CPU seconds of each run")
    runs.parser.add_argument("--seeds", type=int)
    runs.parser.add_argument("--workers", default="2,8", help="of CP-SAT, with commas between; empty: leave CP-SAT out")
    runs.parser.add_argument("--data", type=Path, default=DATA)
    asked = runs.begin()
    row = ROWS[asked.row]
    best = best_known(asked.data)
    names = [name for name in asked.instances.split(",") if name] or [name for name, (family, _) in best.items() if row.has(name, family)]
    solvers = ["own", *(f"cpsat-{count}" for count in asked.workers.split(",") if count)]

    def run(name: str, solver: str, seed: int) -> Run:
        return Run(name, solver, seed, asked.seconds or row.seconds, row.memory)

    runs.show_cold(run(names[0], "own", 0))
    gaps: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(asked.seeds or row.seeds):
        for name in names:
            found = {solver: runs.found(run(name, solver, seed)) for solver in solvers}
            if not all(found.values()):
                continue
            for solver, answer in found.items():
                gaps[name][solver].append(answer["makespan"] / best[name][1] - 1 if answer and answer.get("makespan") else 1.0)
            print(f"{name}, seed {seed}: " + ", ".join(f"{solver} {100 * by[-1]:.2f} %" for solver, by in gaps[name].items()), flush=True)
    means = {name: {solver: statistics.mean(found) for solver, found in by.items()} for name, by in gaps.items()}
    print(f"own: mean gap {100 * statistics.mean(mean['own'] for mean in means.values()):.3f} %")
    if len(solvers) > 1:
        judge(asked.row, means, {name: best[name][0] for name in means})


def best_known(data: Path) -> dict[str, tuple[str, int]]:
    """Family and best known makespan of each instance."""
    with (data / "jobshop_best_known.csv").open() as file:
        return {line["instance"].removesuffix("js"): (line["family"], int(line["best_ub"])) for line in csv.DictReader(file)}


def one_run(asked: argparse.Namespace, run: Run) -> Found:
    archive = asked.data / "jobshop.zip"
    with zipfile.ZipFile(archive) as members:
        member = next(one for one in members.namelist() if re.fullmatch(rf"(.*/)?{run.case}(js)?\.txt", one))
    return shop_run(read(f"{archive}:{member}"), run, "models.planning.shop", "peers.job_shop")


def judge(row: str, means: dict[str, dict[str, float]], family: dict[str, str]) -> None:
    """Print each goal of the row beside what was reached."""
    own = {name: mean["own"] for name, mean in means.items()}
    peer = {name: min(gap for solver, gap in mean.items() if solver != "own") for name, mean in means.items()}
    above = [name for name in own if own[name] > peer[name] + 0.002]
    shares = {"bar": 0.4, "anytime": 0.15, "industrial": 0.5}
    ratio("summed gap, own / CP-SAT", sum(own.values()), sum(peer.values()), shares[row])
    if row == "industrial":
        has = [name for name in peer if peer[name] < 1]
        ratio("summed gap where CP-SAT has schedules", sum(own[name] for name in has), sum(peer[name] for name in has), 1.0)
        return
    allowed = 0 if row == "bar" else 5
    print(f"over 0.2 points above CP-SAT: {len(above)} {above}, goal <= {allowed}: {'reached' if len(above) <= allowed else 'NOT reached'}")
    for each in sorted(set(family.values())) if row == "anytime" else ():
        ours, theirs = ([gaps[name] for name in gaps if family[name] == each] for gaps in (own, peer))
        if each in ("ft", "la", "orb"):
            points = 100 * (statistics.mean(ours) - statistics.mean(theirs))
            print(f"{each}: {points:+.3f} points against CP-SAT, goal <= 0.05: {'reached' if points <= 0.05 else 'NOT reached'}")
        else:
            ratio(each, sum(ours), sum(theirs), 0.25)


if __name__ == "__main__":
    main()
