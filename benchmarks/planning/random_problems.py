"""Random problems and repairs, most of them with a planted plan, some without any: does planning find a plan, or name a conflict that is one?

Goal: 9,000 problems that have a plan (a fifth of them repairs after a breakdown) get one without a fault and are never called infeasible; 1,000 that
have none are called infeasible, and the conflict named alone is. That is sure where it holds the whole contradiction that was put in; others are
proved by CP-SAT on the operations of the conflict alone and counted apart. Hundreds of problems are runs that are kept (runs.py): a full run takes
hours, and parts of it add up.
Run: python benchmarks/planning/random_problems.py [--count 10000] [--first 0] [--seconds 20].
"""

import argparse
import time
from collections import Counter
from random import Random

from generators import CONTRADICTIONS, Infeasible, breakdown, infeasible, planted
from runs import Found, Run, Runs

from factolake.domain.job import Conflict, PlanStatus, Problem
from factolake.planning.validator import faults
from models.planning import cpsat, rich
from models.planning.parts import reduced
from models.planning.solve import Settings, solve
from models.planning.structural import structural

PART = 100
GENERATORS = tuple(f"benchmarks/planning/{name}.py" for name in ("random_problems", "planted", "placing", "contradictions", "breakdowns"))
SIZES = ((1, 2, 3), (2, 2, 2), (3, 3, 3), (5, 3, 4), (8, 5, 5), (12, 6, 6))
ITERATIONS = 2000


def main() -> None:
    runs = Runs(__file__, one_run, {"portfolio": ("models/planning", "factolake/planning", *GENERATORS)})
    runs.parser.add_argument("--count", type=int, default=10_000, help="in hundreds")
    runs.parser.add_argument("--first", type=int, default=0, help="number of the first problem, in hundreds")
    runs.parser.add_argument(
        "--seconds", type=float, default=20.0, help="CPU seconds of the whole portfolio, where the own search alone finds no plan"
    )
    asked = runs.begin()
    seen: Counter[str] = Counter()
    for first in range(asked.first, asked.first + asked.count, PART):
        part = runs.found(Run(str(first), "portfolio", 0, asked.seconds))
        if part is None:
            continue
        seen.update(part["seen"])
        for line in part["wrong"]:
            print(line)
        print(f"{seen.total()} problems: {dict(seen)}", flush=True)
    wrong = sum(count for found, count in seen.items() if found not in FINE)
    print(f"wrong: {wrong} of {seen.total()} (goal 0 of 10,000): {'reached' if not wrong and seen.total() >= 10_000 else 'NOT reached'}")


def one_run(asked: argparse.Namespace, run: Run) -> Found:
    """What became of a hundred problems, each that went wrong by its number."""
    rich.warm_up()
    seen: Counter[str] = Counter()
    wrong = []
    for number in range(int(run.case), int(run.case) + PART):
        found = without_plan(number, run.seconds) if number % 10 == 9 else with_plan(number, run.seconds)
        kind = found.split(":")[0]
        seen[kind] += 1
        if kind not in FINE:
            wrong.append(f"problem {number}: {found}")
    return {"seen": dict(seen), "wrong": wrong, "cpu_s": round(time.process_time(), 1)}


PLANNED, BY_PORTFOLIO = "planned", "planned by the whole portfolio"
NAMED, PROVED = "infeasible, the contradiction named", "infeasible, another conflict named and proved"
FINE = (PLANNED, BY_PORTFOLIO, NAMED, PROVED)


def feasible(number: int) -> Problem:
    """Problem `number`, which has a plan: planted, or every fifth a repair, whose operations have no limit in time."""
    rng = Random(number)
    if number % 5 == 4:
        return breakdown(number, jobs=rng.randint(3, 12), machines=rng.randint(2, 6), steps=rng.randint(2, 6)).problem
    return planted(number, *rng.choice(SIZES)).problem


def limits(seconds: float, seed: int) -> Settings:
    """CPU seconds, so that a busy machine has the same chance; the clock ends what hangs."""
    return Settings(seconds=seconds, wall_s=10 * seconds, seed=seed)


def with_plan(number: int, seconds: float) -> str:
    """What became of a problem that has a plan."""
    problem = feasible(number)
    said = structural(problem)
    if said:
        return f"called infeasible: {said[0].says}"
    schedule, found = rich.search(problem, seconds=None, iterations=ITERATIONS, seed=number).schedule, PLANNED
    if not schedule:
        plan = solve(problem, limits(seconds, number))
        if plan.status is PlanStatus.INFEASIBLE:
            return f"called infeasible: {plan.conflicts[0].says if plan.conflicts else 'without a conflict'}"
        schedule, found = plan.schedule, BY_PORTFOLIO
    if not schedule:
        return "no plan found"
    broken = faults(problem, schedule)
    return f"a plan with faults: {broken[0].says}" if broken else found


def without_plan(number: int, seconds: float) -> str:
    """What became of a problem that has no plan."""
    rng = Random(number)
    jobs, machines, steps = rng.choice(SIZES[1:])
    example = infeasible(number, jobs, machines, steps, rng.choice(sorted(CONTRADICTIONS)))
    plan = solve(example.problem, limits(seconds, number))
    if plan.status is not PlanStatus.INFEASIBLE:
        return f"called {plan.status}, and it is infeasible: ({example.kind}, {example.core})"
    if not plan.conflicts:
        return "called infeasible without a conflict"
    return judged(example, plan.conflicts, seconds)


def judged(example: Infeasible, conflicts: tuple[Conflict, ...], seconds: float) -> str:
    """Whether the conflicts that were named are conflicts by themselves."""
    found = NAMED
    for conflict in conflicts:
        if set(example.core) <= set(conflict.operations):
            continue
        alone = cpsat.search(reduced(example.problem, conflict.operations)[0], seconds=seconds, iterations=None, seed=1)
        if alone.status is not PlanStatus.INFEASIBLE:
            return f"called infeasible for what alone is {alone.status}: {conflict.operations} ({example.kind}, {example.core}): {conflict.says}"
        found = PROVED
    return found


if __name__ == "__main__":
    main()
