"""A shop as a mixed-integer programme (Manne, Operations Research 8, 1960, with modes, setups, travel and windows).

Sets: operations, their modes. Variables: `start` of each operation, `on` of each mode, `first` of each pair that may meet on a machine (1: the lower
number is first), `inside` of each window, `latest` end, `late` of each job. Big-M values come from heads and the horizon, never from a guess.
"""

from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations, pairwise

import pyomo.environ as pyo

from factolake.domain.job import Placed, Problem
from models.planning.bounds import heads_of, horizon_of


def build(problem: Problem, horizon: int | None = None, kept: tuple[Placed, ...] = ()) -> pyo.ConcreteModel:
    """The programme. `horizon`: a latest end that the best plan keeps. `kept`: work whose machines and order among itself stay as they are there."""
    shop = pyo.ConcreteModel()
    heads = heads_of(problem)
    shop.horizon = horizon_of(problem) if horizon is None else horizon
    shop.heads = heads.starts
    size = range(len(problem.operations))
    modes = [(number, place) for number in size for place in range(len(problem.operations[number].modes))]
    shop.start = pyo.Var(size, bounds=lambda _, number: (heads.starts[number], max(shop.horizon, heads.starts[number])))
    shop.on = pyo.Var(modes, domain=pyo.Binary)
    shop.one_mode = pyo.Constraint(size, rule=lambda _, number: sum(shop.on[number, place] for place in _modes(problem, number)) == 1)
    shop.limits = pyo.ConstraintList()
    for number in size:
        operation = problem.operations[number]
        last = shop.horizon if operation.deadline is None else min(operation.deadline, shop.horizon)
        shop.limits.add(end(shop, problem, number) <= last)
    _add_links(shop, problem)
    _add_fixed(shop, problem)
    _add_sequences(shop, problem, kept)
    _add_windows(shop, problem)
    _add_objective(shop, problem)
    return shop


def _modes(problem: Problem, number: int) -> range:
    return range(len(problem.operations[number].modes))


def end(shop: pyo.ConcreteModel, problem: Problem, number: int) -> pyo.Expression:
    """Start plus the duration of the mode that is on."""
    return shop.start[number] + sum(mode.duration * shop.on[number, place] for place, mode in enumerate(problem.operations[number].modes))


def _add_links(shop: pyo.ConcreteModel, problem: Problem) -> None:
    """end + lag + travel <= start. Where travel depends on the modes, each pair of places has its own limit."""
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            since = end(shop, problem, link.operation) + link.lag
            pairs = _places(shop, problem, link.operation, number)
            travels = {problem.travel[one][other] for one, other in pairs}
            if len(travels) == 1:
                ready = since + travels.pop()
                shop.limits.add(ready == shop.start[number] if link.no_wait else ready <= shop.start[number])
                continue
            reach = 2 * shop.horizon + max(travels)
            for (one, other), (first, second) in pairs.items():
                ready, slack = since + problem.travel[one][other], reach * (2 - first - second)
                shop.limits.add(ready - slack <= shop.start[number])
                if link.no_wait:
                    shop.limits.add(ready + slack >= shop.start[number])


def _places(shop: pyo.ConcreteModel, problem: Problem, before: int, after: int) -> dict[tuple[int, int], tuple[pyo.Expression, pyo.Expression]]:
    """For each pair of places of two operations: what is 1 where the one, and where the other, is done there."""
    there: list[dict[int, pyo.Expression]] = []
    for number in (before, after):
        sums: dict[int, pyo.Expression] = defaultdict(int)
        for place, mode in enumerate(problem.operations[number].modes):
            sums[problem.machines[mode.machine].location] += shop.on[number, place]
        there.append(sums)
    return {(one, other): (there[0][one], there[1][other]) for one in there[0] for other in there[1]}


def _add_fixed(shop: pyo.ConcreteModel, problem: Problem) -> None:
    for placed in problem.fixed:
        shop.limits.add(shop.on[placed.operation, placed.mode] == 1)
        shop.limits.add(shop.start[placed.operation] == placed.start)
        shop.limits.add(end(shop, problem, placed.operation) == placed.end)


def _add_sequences(shop: pyo.ConcreteModel, problem: Problem, kept: tuple[Placed, ...]) -> None:
    """Each pair that may meet on a machine has an order; what is kept has the one that it has."""
    stays = {placed.operation: placed for placed in kept}
    by_machine: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, operation in enumerate(problem.operations):
        for place, mode in enumerate(operation.modes):
            if number not in stays or stays[number].mode == place:
                by_machine[mode.machine][number].append(place)
    shop.first = pyo.Var(pyo.Set(initialize=_pairs(by_machine, set(stays))), domain=pyo.Binary)
    for number, placed in stays.items():
        shop.limits.add(shop.on[number, placed.mode] == 1)
    for machine, there in by_machine.items():
        order = sorted((placed.start, placed.end, placed.operation) for placed in kept if placed.operation in there)
        for (_, _, before), (_, _, after) in pairwise(order):
            shop.limits.add(end(shop, problem, before) + _setup(problem, machine, before, after) <= shop.start[after])
        for one, other in combinations(sorted(there), 2):
            if (one, other) in shop.first:
                _add_pair(shop, problem, machine, one, other, there)
        _add_first_setup(shop, problem, machine, there)


def _pairs(by_machine: Mapping[int, Mapping[int, list[int]]], stays: set[int]) -> list[tuple[int, int]]:
    meet = {pair for there in by_machine.values() for pair in combinations(sorted(there), 2)}
    return sorted(pair for pair in meet if not stays.issuperset(pair))


def _add_pair(shop: pyo.ConcreteModel, problem: Problem, machine: int, one: int, other: int, there: Mapping[int, list[int]]) -> None:
    here = sum(shop.on[one, place] for place in there[one]) + sum(shop.on[other, place] for place in there[other])
    first = shop.first[one, other]
    for before, after, chosen in ((one, other, first), (other, one, 1 - first)):
        setup = _setup(problem, machine, before, after)
        reach = shop.horizon - shop.heads[after] + setup  # no end is later than the horizon, no start before its head
        shop.limits.add(end(shop, problem, before) + setup - shop.start[after] <= reach * (1 - chosen) + reach * (2 - here))


def _setup(problem: Problem, machine: int, before: int, after: int) -> int:
    matrix = problem.machines[machine].setups
    return 0 if matrix is None else problem.setups[matrix][problem.operations[before].family][problem.operations[after].family]


def _add_first_setup(shop: pyo.ConcreteModel, problem: Problem, machine: int, there: Mapping[int, list[int]]) -> None:
    """From what the machine is set up for at 0; without shortcuts it binds those that come later by itself."""
    matrix, family = problem.machines[machine].setups, problem.machines[machine].family
    if matrix is None or family is None:
        return
    for number, places in there.items():
        setup = problem.setups[matrix][family][problem.operations[number].family]
        if setup > shop.heads[number]:
            shop.limits.add(shop.start[number] >= setup * sum(shop.on[number, place] for place in places))


def _add_windows(shop: pyo.ConcreteModel, problem: Problem) -> None:
    """Work on a machine with a calendar lies inside one of its windows."""
    choices = [
        (number, place, window)
        for number, operation in enumerate(problem.operations)
        for place, mode in enumerate(operation.modes)
        for window in range(len(problem.machines[mode.machine].windows or ()))
    ]
    shop.inside = pyo.Var(choices, domain=pyo.Binary)
    for number, operation in enumerate(problem.operations):
        for place, mode in enumerate(operation.modes):
            windows = problem.machines[mode.machine].windows
            if windows is None:
                continue
            inside = [shop.inside[number, place, window] for window in range(len(windows))]
            shop.limits.add(sum(inside) == shop.on[number, place])
            for here, (opens, closes) in zip(inside, windows, strict=True):
                last = min(closes - mode.duration, closes - 1)
                shop.limits.add(shop.start[number] >= opens * here)
                shop.limits.add(shop.start[number] <= last + max(shop.horizon - last, 0) * (1 - here))


def _add_objective(shop: pyo.ConcreteModel, problem: Problem) -> None:
    weights = problem.weights
    shop.latest = pyo.Var(bounds=(0, shop.horizon))
    dated = [number for number, job in enumerate(problem.jobs) if job.due is not None and weights.tardiness]
    shop.late = pyo.Var(dated, bounds=(0, None))
    for number, operation in enumerate(problem.operations):
        shop.limits.add(shop.latest >= end(shop, problem, number))
        due = problem.jobs[operation.job].due
        if operation.job in dated and due is not None:
            shop.limits.add(shop.late[operation.job] >= end(shop, problem, number) - due)
    lateness = sum(problem.jobs[number].weight * shop.late[number] for number in dated)
    shop.cost = pyo.Objective(expr=weights.makespan * shop.latest + weights.tardiness * lateness)
