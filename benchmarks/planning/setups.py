"""Flexible shops with sequence-dependent setups in equal CPU time: own tabu search against CP-SAT with a circuit for each machine.

Goal: on Fattahi's instances the proven optimum (of the longer proof run of CP-SAT) on nine, at most CP-SAT's makespan on number 19; on ten generated
instances of 100 to 400 operations a summed makespan of at most 0.97 x CP-SAT's. Every plan is judged by the validator. `--data` is the folder with
flexible_jobshop_setup_times.zip (Job_Shop_Scheduling_Benchmark_Environments_and_Instances, MIT; not part of this repository). Fattahi's are named by
number, the generated ones g0 to g9. Runs are kept (runs.py).
Run: python benchmarks/planning/setups.py [--data DIR] [--seconds 60] [--proof-seconds 600] [--seeds 1] [--instances 19,g0] [--workers 2,8].
"""

import argparse
import math
from pathlib import Path

from generators import setup_shops
from judged import shown, verdict
from runs import DATA, Found, Run, Runs, mean_makespans, shop_run

from factolake.planning.formats import read

FATTAHI = ("1", "3", "5", "7", "9", "11", "13", "15", "17", "19")
OPEN = "19"
GENERATED = tuple(f"g{number}" for number in range(10))
SHARE = 0.97
SOURCES = {"own": ("models/planning/flexible", "models/planning/compiled.py"), "cpsat": ("benchmarks/planning/peers/setup_shop.py",)}


def main() -> None:
    runs = Runs(__file__, one_run, SOURCES)
    runs.parser.add_argument("--data", type=Path, default=DATA)
    runs.parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each run")
    runs.parser.add_argument("--proof-seconds", type=float, default=600.0, help="CPU seconds of the proof of an optimum")
    runs.parser.add_argument("--seeds", type=int, default=1)
    runs.parser.add_argument("--instances", default="", help="names with commas between")
    runs.parser.add_argument("--workers", default="2,8", help="of CP-SAT, with commas between; the better mean counts")
    asked = runs.begin()
    names = [name for name in asked.instances.split(",") if name] or (*FATTAHI, *GENERATED)
    runs.show_cold(Run(names[0], "own", 1, asked.seconds))
    missed, unplanned, own_sum, peer_sum = [], [], 0.0, 0.0
    for name in names:
        found = mean_makespans(runs, name, ("own", *(f"cpsat-{count}" for count in asked.workers.split(","))), asked)
        if found is None:
            continue
        own, peer = found["own"], min(value for solver, value in found.items() if solver != "own")
        print(f"{name}: {shown(found)}", flush=True)
        if name in GENERATED and math.isinf(peer):
            unplanned.append(name)
        elif name in GENERATED:
            own_sum, peer_sum = own_sum + own, peer_sum + peer
        elif name == OPEN:
            verdict(f"number {name} / CP-SAT's", own / peer, 1.0)
        else:
            proof = runs.found(Run(name, "cpsat-8", 1, asked.proof_seconds))
            print(f"number {name}: proof run of CP-SAT {proof}, own {own:.1f}")
            if proof is None or own != proof["bound"]:
                missed.append(name)
    if set(names) & set(FATTAHI) - {OPEN}:
        verdict(f"Fattahi's not at the proven optimum {missed}", len(missed), 0)
    if peer_sum:
        verdict(f"generated, own / CP-SAT, without those that it found no plan of {unplanned}", own_sum / peer_sum, SHARE)


def one_run(asked: argparse.Namespace, run: Run) -> Found:
    if run.case in GENERATED:
        problem = setup_shops()[int(run.case[1:])]
    else:
        problem = read(f"{asked.data / 'flexible_jobshop_setup_times.zip'}:Fattahi_setup_{int(run.case):02}.fjs")
    return shop_run(problem, run, "models.planning.flexible", "peers.setup_shop")


if __name__ == "__main__":
    main()
