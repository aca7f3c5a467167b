"""Flexible shops with sequence-dependent setups in equal CPU time: own tabu search against CP-SAT with a circuit for each machine.

Goal: on Fattahi's instances the proven optimum (of the longer proof run of CP-SAT) on nine, at most CP-SAT's makespan on number 19; on ten generated
instances of 100 to 400 operations a summed makespan of at most 0.97 x CP-SAT's. Every plan is judged by the validator. `--data` is the folder with
flexible_jobshop_setup_times.zip (Job_Shop_Scheduling_Benchmark_Environments_and_Instances, MIT; not part of this repository).
Run: python benchmarks/planning/setups.py [--data DIR] [--seconds 60] [--proof-seconds 600] [--seeds 1] [--instances 19 g0 g9 ...] [--workers 2 8].
Fattahi's are named by number, the generated ones g0 to g9; without `--data` the generated ones alone run.
"""

import argparse
from functools import partial
from pathlib import Path

from flexible import mean, own_plan
from generators import setup_shops
from peers.setup_shop import solve_peer

from factolake.domain.job import Placed, Problem
from factolake.planning.formats import read
from models.planning.flexible import warm_up

FATTAHI = ("1", "3", "5", "7", "9", "11", "13", "15", "17", "19")
OPEN = "19"
SHARE = 0.97


def main() -> None:
    asked = arguments().parse_args()
    warm_up()
    problems: dict[str, Problem] = {f"g{number}": problem for number, problem in enumerate(setup_shops())}
    if asked.data:
        problems |= {name: read(f"{asked.data / 'flexible_jobshop_setup_times.zip'}:Fattahi_setup_{int(name):02}.fjs") for name in FATTAHI}
    optimal, own_sum, peer_sum = [], 0.0, 0.0
    for name in asked.instances or problems:
        own, peer = both(problems[name], asked)
        print(f"{name}: {len(problems[name].operations)} operations, own {own:.1f}, CP-SAT {peer:.1f}", flush=True)
        if name.startswith("g"):
            own_sum, peer_sum = own_sum + own, peer_sum + peer
        elif name == OPEN:
            print(f"number {name} at most CP-SAT's: {'reached' if own <= peer else 'NOT reached'}")
        else:
            best, bound = proof(problems[name], asked.proof_seconds)
            print(f"number {name}: CP-SAT's proof run {best}, bound {bound}, own {own:.1f}")
            optimal.append(own == bound)
    if optimal:
        print(f"proven optimum on {sum(optimal)} of {len(optimal)}: {'reached' if all(optimal) else 'NOT reached'}")
    if peer_sum:
        print(f"generated, own / CP-SAT: {own_sum / peer_sum:.3f}, goal {SHARE}: {'reached' if own_sum / peer_sum <= SHARE else 'NOT reached'}")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each search")
    parser.add_argument("--proof-seconds", type=float, default=600.0, help="CPU seconds of the proof of an optimum")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--instances", nargs="*")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8], help="of CP-SAT; the better mean counts")
    return parser


def both(problem: Problem, asked: argparse.Namespace) -> tuple[float, float]:
    """Mean makespans of the own search and of the better CP-SAT."""
    own = mean(problem, asked.seeds, partial(own_plan, problem, asked.seconds))
    peers = [mean(problem, asked.seeds, partial(peer_plan, problem, asked.seconds, count)) for count in asked.workers]
    return own, min(peers)


def peer_plan(problem: Problem, seconds: float, workers: int, seed: int) -> tuple[Placed, ...]:
    return solve_peer(problem, seconds, workers, seed)[2]


def proof(problem: Problem, seconds: float) -> tuple[int | None, int]:
    """The best makespan and bound of a long run of CP-SAT."""
    best, bound, _ = solve_peer(problem, seconds, 8, 1)
    return best, bound


if __name__ == "__main__":
    main()
