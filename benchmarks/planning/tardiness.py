"""Weighted lateness + setup minutes + moved work of 50 orders on 10 machines: own search, dispatching rules and CP-SAT in equal CPU time.

Goal: summed objective at most 0.7 x that of the best rule (EDD, SPT, MWKR, slack, ATCS; each case's own best) and at most CP-SAT's; some order is
late by the best rule in every case. Every plan is judged by the validator. Runs are kept (runs.py).
Run: python benchmarks/planning/tardiness.py [--seconds 60] [--cases 10] [--without-peer].
"""

import argparse
import math
import time

from generators import tardiness_shop
from judged import judged, verdict
from runs import Found, Run, Runs, compiling, left

RULES = ("EDD", "SPT", "MWKR", "SLACK", "ATCS")
SHOP = "benchmarks/planning/generators.py"
ENGINE = ("models/planning/rich", "models/planning/compiled.py", SHOP)
SOURCES = {"own": ENGINE, "rules": ENGINE, "cpsat": ("benchmarks/planning/peers/tardiness_shop.py", SHOP)}


def main() -> None:
    runs = Runs(__file__, one_run, SOURCES)
    runs.parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each run")
    runs.parser.add_argument("--cases", type=int, default=10)
    runs.parser.add_argument("--without-peer", action="store_true", help="leave CP-SAT out")
    asked = runs.begin()
    solvers = ("own", "rules") if asked.without_peer else ("own", "rules", "cpsat-2", "cpsat-8")
    runs.show_cold(Run("1", "own", 1, asked.seconds))
    sums = dict.fromkeys(("own", "rules", "cpsat"), 0.0)
    is_late = True
    for case in range(1, asked.cases + 1):
        found = {solver: runs.found(Run(str(case), solver, case, asked.seconds)) for solver in solvers}
        cost = {solver: answer.get("objective") or math.inf for solver, answer in found.items() if answer is not None}
        if len(cost) < len(solvers):
            continue
        is_late = is_late and (found["rules"] or {})["tardiness"] > 0
        cost["cpsat"] = min((value for solver, value in cost.items() if solver.startswith("cpsat")), default=math.inf)
        for solver in sums:
            sums[solver] += cost[solver]
        print(f"case {case}: {found}", flush=True)
    verdict("own / best rule", sums["own"] / sums["rules"], 0.7)
    if not asked.without_peer:
        verdict("own / better CP-SAT, which has no plan where 0", sums["own"] / sums["cpsat"], 1.0)
    verdict("cases where no order is late by the best rule", float(not is_late), 0)


def one_run(asked: argparse.Namespace, run: Run) -> Found:
    """Objective of the plan, and its parts."""
    problem = tardiness_shop(int(run.case))
    found: Found = {}
    if run.solver.startswith("cpsat"):
        from peers.tardiness_shop import solve_peer

        schedule = solve_peer(problem, left(run), int(run.solver.removeprefix("cpsat-")), run.seed)[2]
    else:
        from models.planning import rich

        with compiling(found):
            rich.warm_up()
        if run.solver == "rules":
            plans = {name: plan.schedule for name, plan in rich.rules(problem).items() if name in RULES}
            found["rule"] = min(plans, key=lambda name: judged(problem, plans[name]).objective)
            schedule = plans[found["rule"]]
        else:
            schedule = rich.search(problem, seconds=left(run), iterations=None, seed=run.seed).schedule
    found["cpu_s"] = round(time.process_time(), 2)
    if not schedule:
        return found
    cost = judged(problem, schedule)
    return {"objective": cost.objective, "tardiness": cost.tardiness, "setup": cost.setup, "moved": cost.moved, **found}


if __name__ == "__main__":
    main()
