"""What operations share besides machines, in CP-SAT: people with skills and shifts, tools that travel, materials that arrive, buffers that fill."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from ortools.sat.python import cp_model

from factolake.domain.job import Problem, Window
from models.planning.bounds import link_order
from models.planning.cpsat.model import Model, Run


def add_people(model: Model) -> None:
    """For each skill of a mode somebody who has it, is there, and does nothing else."""
    work: dict[int, list[tuple[Run, cp_model.IntVar]]] = defaultdict(list)
    for step in model.steps:
        for run in step.runs:
            _add_team(model, run, work)
    for person, parts in sorted(work.items()):
        if len(parts) > 1:
            model.cp.add_no_overlap([model.interval(run, does) for run, does in parts])
        windows = model.problem.people[person].windows
        if windows is not None:
            _add_shifts(model, windows, parts)


def _add_team(model: Model, run: Run, work: dict[int, list[tuple[Run, cp_model.IntVar]]]) -> None:
    problem, cp = model.problem, model.cp
    skills = problem.operations[run.operation].modes[run.mode].skills
    if not skills:
        return
    slots: list[dict[int, cp_model.IntVar]] = []
    for skill in skills:
        able = [number for number, person in enumerate(problem.people) if skill in person.skills]
        slots.append({person: cp.new_bool_var("") for person in able})
        cp.add(sum(slots[-1].values()) == run.present)
    for person in sorted({person for slot in slots for person in slot}):
        chosen = [slot[person] for slot in slots if person in slot]
        if len(chosen) == 1:
            does = chosen[0]
        else:  # nobody fills two places of one operation
            does = cp.new_bool_var("")
            cp.add(sum(chosen) == does)
        work[person].append((run, does))
    model.people[run.operation, run.mode] = slots


def _add_shifts(model: Model, windows: tuple[Window, ...], parts: list[tuple[Run, cp_model.IntVar]]) -> None:
    """A person is there while the machine is open: fixed lengths by a domain of starts, others by what they must not overlap."""
    cp = model.cp
    apart: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
    for run, does in parts:
        machine = model.problem.machines[run.machine]
        pauses = model.problem.operations[run.operation].is_splittable and machine.windows is not None
        if pauses or not isinstance(run.size, int):
            apart[run.machine].append(model.interval(run, does))
        elif run.duration:
            allowed = [[opens, closes - run.duration] for opens, closes in windows if closes - opens >= run.duration]
            if allowed:
                domain = cp_model.Domain.from_intervals(allowed)
                cp.add_linear_expression_in_domain(model.steps[run.operation].start, domain).only_enforce_if(does)
            else:
                cp.add(does == 0)
    for number, intervals in sorted(apart.items()):
        absences = _open_without(model.problem.machines[number].windows, windows, model.horizon)
        blocked = [cp.new_fixed_size_interval_var(opens, closes - opens, "") for opens, closes in absences]
        cp.add_no_overlap([*intervals, *blocked])


def _open_without(machine: tuple[Window, ...] | None, person: tuple[Window, ...], horizon: int) -> Iterator[Window]:
    """The parts of a machine's open time, up to the horizon, in which a person is away."""
    for opens, closes in ((0, horizon),) if machine is None else machine:
        at, closes = opens, min(closes, horizon)
        for comes, goes in person:
            if goes <= at or comes >= closes:
                continue
            if comes > at:
                yield (at, comes)
            at = max(at, goes)
        if at < closes:
            yield (at, closes)


def add_tools(model: Model) -> None:
    """A tool is used within one of its windows, by one at a time, and travels between."""
    uses: dict[int, list[Run]] = defaultdict(list)
    for number, operation in enumerate(model.problem.operations):
        for place, mode in enumerate(operation.modes):
            for tool in sorted(set(mode.tools)):
                uses[tool].append(model.steps[number].runs[place])
    for tool, runs in sorted(uses.items()):
        _add_ways(model, tool, runs)
        windows = model.problem.tools[tool].windows
        for run in runs if windows is not None else ():
            _add_tool_windows(model, windows or (), run)


def _add_tool_windows(model: Model, windows: tuple[Window, ...], run: Run) -> None:
    cp, step = model.cp, model.steps[run.operation]
    inside = []
    for opens, closes in windows:
        here = cp.new_bool_var("")
        inside.append(here)
        cp.add_linear_constraint(step.start, opens, closes - 1).only_enforce_if(here)
        cp.add(step.end <= closes).only_enforce_if(here)
    cp.add(sum(inside) == run.present)


def _add_ways(model: Model, tool: int, runs: list[Run]) -> None:
    """One at a time; where ways take time, as a circuit through its uses."""
    cp, travel, machines = model.cp, model.problem.travel, model.problem.machines
    if len(runs) > 1:
        cp.add_no_overlap([model.interval(run) for run in runs])
    places = [machines[run.machine].location for run in runs]
    home = model.problem.tools[tool].location
    if not any(travel[one][other] for one in {home, *places} for other in places):
        return
    none = cp.new_bool_var("")
    arcs: list[tuple[int, int, cp_model.LiteralT]] = [(0, 0, none)]
    cp.add_bool_or([none, *(run.present for run in runs)])
    for at, run in enumerate(runs):
        first, last = cp.new_bool_var(""), cp.new_bool_var("")
        arcs += [(0, at + 1, first), (at + 1, 0, last), (at + 1, at + 1, ~run.present)]
        cp.add_implication(none, ~run.present)
        cp.add(model.steps[run.operation].start >= travel[home][places[at]]).only_enforce_if(first)
        for after, behind in enumerate(runs):
            if behind.operation == run.operation:
                continue
            follows = cp.new_bool_var("")
            arcs.append((at + 1, after + 1, follows))
            arrives = model.steps[run.operation].end + travel[places[at]][places[after]]
            cp.add(model.steps[behind.operation].start >= arrives).only_enforce_if(follows)
    cp.add_circuit(arcs)


def add_materials(model: Model) -> None:
    """Whatever starts before an arrival lives from what had come until then."""
    problem, cp = model.problem, model.cp
    takers: dict[int, Counter[int]] = defaultdict(Counter)
    for number, operation in enumerate(problem.operations):
        for material, quantity in operation.needs:
            takers[material][number] += quantity
    for material, quantities in sorted(takers.items()):
        came: Counter[int] = Counter()
        for time, quantity in problem.materials[material].arrivals:
            came[max(time, 0)] += quantity
        stock = 0
        for time in sorted(came):
            if time > 0 and sum(quantities.values()) > stock:
                early = []
                for number, quantity in quantities.items():
                    is_early = cp.new_bool_var("")
                    cp.add(model.steps[number].start >= time).only_enforce_if(~is_early)
                    early.append(quantity * is_early)
                cp.add(sum(early) <= stock)
            stock += came[time]
        if sum(quantities.values()) > stock:
            cp.add_bool_or([])


def add_buffers(model: Model) -> None:
    """In front of a machine wait no more jobs than its buffer holds."""
    for number, machine in enumerate(model.problem.machines):
        runs = [run for run in model.runs_on(number) if run.operation in model.ready]
        if machine.buffer is None or len({model.problem.operations[run.operation].job for run in runs}) <= machine.buffer:
            continue
        arrivals = {operation: _arrival(model, operation) for operation in sorted({run.operation for run in runs})}
        if _may_wait_twice(model.problem, list(arrivals)):
            _count_jobs(model, runs, arrivals, machine.buffer)
            continue
        waits = []
        for run in runs:
            length = model.cp.new_int_var(0, 2 * model.horizon, "")
            waits.append(model.cp.new_optional_interval_var(arrivals[run.operation], length, model.steps[run.operation].start, run.present, ""))
        model.cp.add_cumulative(waits, [1] * len(waits), machine.buffer)


def _arrival(model: Model, operation: int) -> cp_model.IntVar:
    arrival = model.cp.new_int_var(-model.horizon, 2 * model.horizon, "")
    model.cp.add_max_equality(arrival, model.ready[operation])
    return arrival


def _count_jobs(model: Model, runs: list[Run], arrivals: dict[int, cp_model.IntVar], room: int) -> None:
    """Where a job may wait twice at once and takes one place: counted by jobs, whenever one arrives and has to wait."""
    cp, operations = model.cp, model.problem.operations
    for run in runs:
        waits = cp.new_bool_var("")
        now = arrivals[run.operation]
        cp.add(model.steps[run.operation].start <= now).only_enforce_if(run.present, ~waits)
        cp.add_implication(waits, run.present)
        here: dict[int, cp_model.IntVar] = {}
        for other in runs:
            job = operations[other.operation].job
            if job == operations[run.operation].job:
                continue
            is_here = here.setdefault(job, cp.new_bool_var(""))
            comes_later, is_gone = cp.new_bool_var(""), cp.new_bool_var("")
            cp.add_bool_or([is_here, comes_later, is_gone, ~other.present])
            cp.add(arrivals[other.operation] > now).only_enforce_if(comes_later)
            cp.add(model.steps[other.operation].start <= now).only_enforce_if(is_gone)
        cp.add(sum(here.values()) + 1 <= room).only_enforce_if(waits)


def _may_wait_twice(problem: Problem, operations: list[int]) -> bool:
    """Whether two of them are of one job and neither comes after the other."""
    earlier: dict[int, set[int]] = {}
    for number in link_order(problem):
        links = [link for link in problem.operations[number].after if link.lag >= 0]
        earlier[number] = {link.operation for link in links}.union(*(earlier[link.operation] for link in links))
    return any(
        problem.operations[one].job == problem.operations[other].job and one not in earlier.get(other, ()) and other not in earlier.get(one, ())
        for one, other in combinations(operations, 2)
    )
