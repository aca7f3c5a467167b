"""Weighted lateness + setup minutes + moved work of 50 orders on 10 machines: own search, dispatching rules and CP-SAT in equal CPU time.

Goal: summed objective at most 0.7 x that of the best rule (EDD, SPT, MWKR, slack, ATCS; each case's own best) and at most CP-SAT's; some order is
late by the best rule in every case. Every plan is judged by the validator. Run: python benchmarks/planning/tardiness.py [--seconds 60] [--cases 10].
"""

import argparse

from generators import tardiness_shop
from judged import judged, verdict
from peers.tardiness_shop import solve_peer

from models.planning import rich

RULES = ("EDD", "SPT", "MWKR", "SLACK", "ATCS")
WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each search")
    parser.add_argument("--cases", type=int, default=10)
    parser.add_argument("--without-peer", action="store_true", help="leave CP-SAT out")
    asked = parser.parse_args()
    rich.warm_up()
    sums = {"own": 0, "rule": 0, "cp_sat": 0}
    is_late = True
    for seed in range(1, asked.cases + 1):
        problem = tardiness_shop(seed)
        rule = min((judged(problem, plan.schedule) for name, plan in rich.rules(problem).items() if name in RULES), key=lambda one: one.objective)
        own = judged(problem, rich.search(problem, seconds=asked.seconds, iterations=None, seed=seed).schedule)
        peer = None if asked.without_peer else judged(problem, solve_peer(problem, asked.seconds, WORKERS, seed)[2])
        is_late = is_late and rule.tardiness > 0
        sums["own"] += own.objective
        sums["rule"] += rule.objective
        sums["cp_sat"] += peer.objective if peer else 0
        print(f"case {seed}: best rule {rule.objective}, CP-SAT {peer.objective if peer else 'not run'}, own {own.objective} ({own})")
    verdict("own / best rule", sums["own"] / sums["rule"], 0.7)
    if not asked.without_peer:
        verdict("own / CP-SAT", sums["own"] / sums["cp_sat"], 1.0)
    print(f"some order is late by the best rule in every case: {'reached' if is_late else 'NOT reached'}")


if __name__ == "__main__":
    main()
