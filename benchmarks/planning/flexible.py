"""Flexible job shops in equal CPU time: own tabu search against a CP-SAT model with 2 and with 8 workers, on the public instances.

Goal: the summed gap to the best known makespan on mk, and on la (edata and rdata), at most half of the better CP-SAT's; on kacem and fattahi every
makespan at most its. A mean over the seeds counts. Every plan is judged by the validator. `--data` is the folder with flexible_jobshop.zip and
flexible_jobshop_best_known.csv (ScheduleOpt/benchmarks, CC BY-SA 4.0; not part of this repository).
Run: python benchmarks/planning/flexible.py --data DIR [--seconds 60] [--seeds 5] [--instances mk06 la21_rdata ...] [--workers 2 8] [--without-peer].
"""

import argparse
import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from peers.flexible_shop import solve_peer

from factolake.domain.job import Placed, Problem, makespan
from factolake.planning.formats import read
from factolake.planning.validator import faults
from models.planning import flexible

SHARE = {"mk": 0.5, "la": 0.5}


def main() -> None:
    asked = arguments().parse_args()
    with (asked.data / "flexible_jobshop_best_known.csv").open() as file:
        known = {row["instance"]: (row["family"], int(row["best_ub"])) for row in csv.DictReader(file)}
    names = asked.instances or [name for name, (family, _) in known.items() if family in ("mk", "kacem", "fattahi", "la")]
    workers = [] if asked.without_peer else asked.workers
    flexible.warm_up()
    gaps: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    worse = []
    for name in names:
        family, best = known[name]
        problem = read(f"{asked.data / 'flexible_jobshop.zip'}:{name}.json")
        own = mean(problem, asked.seeds, partial(own_plan, problem, asked.seconds))
        gaps[family]["own"] += own / best - 1
        line = f"{name}: best known {best}, own {own:.1f} (gap {own / best - 1:.2%})"
        peers = {}
        for count in workers:
            peers[count] = mean(problem, asked.seeds, partial(peer_plan, problem, asked.seconds, count))
            gaps[family][f"CP-SAT {count}"] += peers[count] / best - 1
            line += f", CP-SAT with {count} workers {peers[count]:.1f} ({peers[count] / best - 1:.2%})"
        if peers and own > min(peers.values()):
            worse.append(name)
        print(line, flush=True)
    for family, sums in gaps.items():
        judge(family, dict(sums), worse, known)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each search")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--instances", nargs="*", help="all of mk, kacem, fattahi and la where left out")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8], help="of CP-SAT")
    parser.add_argument("--without-peer", action="store_true", help="leave CP-SAT out")
    return parser


def own_plan(problem: Problem, seconds: float, seed: int) -> tuple[Placed, ...]:
    return flexible.search(problem, seconds=seconds, iterations=None, seed=seed).schedule


def peer_plan(problem: Problem, seconds: float, workers: int, seed: int) -> tuple[Placed, ...]:
    return solve_peer(problem, seconds, workers, seed)[2]


def mean(problem: Problem, seeds: int, plan: Callable[[int], tuple[Placed, ...]]) -> float:
    """Mean makespan of the plans of seeds 1 to `seeds`, after the validator found nothing wrong with them; infinite where one has none."""
    found = []
    for seed in range(1, seeds + 1):
        schedule = plan(seed)
        wrong = faults(problem, schedule)
        if wrong and schedule:
            raise SystemExit(f"a plan breaks {len(wrong)} rules: {wrong[0].says}")
        found.append(makespan(schedule) if schedule else math.inf)
    return statistics.fmean(found)


def judge(family: str, sums: dict[str, float], worse: list[str], known: dict[str, tuple[str, int]]) -> None:
    print(f"{family}: summed gaps " + ", ".join(f"{who} {gap:.4f}" for who, gap in sums.items()))
    peers = [gap for who, gap in sums.items() if who != "own"]
    if not peers:
        return
    if family in SHARE:
        ratio = sums["own"] / min(peers) if min(peers) else float(sums["own"] > 0)
        print(f"{family}: own / better CP-SAT {ratio:.3f}, goal {SHARE[family]}: {'reached' if ratio <= SHARE[family] else 'NOT reached'}")
    else:
        behind = [name for name in worse if known[name][0] == family]
        print(f"{family}: makespans above CP-SAT's: {', '.join(behind) or 'none'}; goal none: {'NOT reached' if behind else 'reached'}")


if __name__ == "__main__":
    main()
