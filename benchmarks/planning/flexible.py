"""Flexible job shops in equal CPU time: own tabu search against a CP-SAT model with 2 and with 8 workers, on the public instances.

Goal: the summed gap to the best known makespan on mk, and on la (edata and rdata), at most half of the better CP-SAT's; on kacem and fattahi every
makespan at most its. A mean over the seeds counts. Every plan is judged by the validator. `--data` is the folder with flexible_jobshop.zip and
flexible_jobshop_best_known.csv (ScheduleOpt/benchmarks, CC BY-SA 4.0; not part of this repository). Runs are kept (runs.py).
Run: python benchmarks/planning/flexible.py [--data DIR] [--seconds 60] [--seeds 1] [--instances mk06,la21_rdata] [--workers 2,8].
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from judged import ratio, shown, verdict
from runs import DATA, Found, Run, Runs, mean_makespans, shop_run

from factolake.planning.formats import read

FAMILIES = ("mk", "kacem", "fattahi", "la")
SHARE = {"mk": 0.5, "la": 0.5}
SOURCES = {"own": ("models/planning/flexible", "models/planning/compiled.py"), "cpsat": ("benchmarks/planning/peers/flexible_shop.py",)}


def main() -> None:
    runs = Runs(__file__, one_run, SOURCES)
    runs.parser.add_argument("--data", type=Path, default=DATA)
    runs.parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each run")
    runs.parser.add_argument("--seeds", type=int, default=1)
    runs.parser.add_argument("--instances", default="", help="names with commas between; else all of mk, kacem, fattahi and la")
    runs.parser.add_argument("--workers", default="2,8", help="of CP-SAT, with commas between; empty: leave CP-SAT out")
    asked = runs.begin()
    with (asked.data / "flexible_jobshop_best_known.csv").open() as file:
        known = {row["instance"]: (row["family"], int(row["best_ub"])) for row in csv.DictReader(file)}
    names = [name for name in asked.instances.split(",") if name] or [name for name, (family, _) in known.items() if family in FAMILIES]
    peers = [f"cpsat-{count}" for count in asked.workers.split(",") if count]
    runs.show_cold(Run(names[0], "own", 1, asked.seconds))
    gaps: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    behind: dict[str, list[str]] = defaultdict(list)
    for name in names:
        family, best = known[name]
        found = mean_makespans(runs, name, ("own", *peers), asked)
        if found is None:
            continue
        for solver, makespan in found.items():
            gaps[family][solver] += makespan / best - 1
        if peers and found["own"] > min(found[peer] for peer in peers):
            behind[family].append(name)
        print(f"{name}: best known {best}, {shown(found)}", flush=True)
    for family, sums in gaps.items():
        print(f"{family}: summed gaps {shown(sums)}")
        if peers and family in SHARE:
            ratio(f"{family}: own / better CP-SAT", sums["own"], min(sums[peer] for peer in peers), SHARE[family])
        elif peers:
            verdict(f"{family}: makespans above CP-SAT's {behind[family]}", len(behind[family]), 0)


def one_run(asked: argparse.Namespace, run: Run) -> Found:
    problem = read(f"{asked.data / 'flexible_jobshop.zip'}:{run.case}.json")
    return shop_run(problem, run, "models.planning.flexible", "peers.flexible_shop")


if __name__ == "__main__":
    main()
