"""A situation as a problem: its drafts put together, with what is pinned, what there was before, and the way back to the plant's names and times."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from factolake.domain import job
from factolake.planning.building.drafts import KEPT, RUNS, Draft, Pin, drafts, lag_after
from factolake.planning.building.ground import Ground, Rules, machines_of, people_of, tools_of, travel_of
from factolake.planning.building.leaving_out import RUNNING, Refused, refused
from factolake.planning.building.pinning import pinned
from factolake.planning.building.seconds import Seconds, told
from factolake.planning.building.supply import materials_of, needs_of, units
from factolake.planning.situation import Order, OrderOperation, Peg, PegKind, Situation

WEIGHTS = job.Weights(makespan=1, tardiness=10, setup=1, moved=300)
"""A late second costs as much as ten of a later end; moving an operation is worth five minutes."""


@dataclass(frozen=True, slots=True)
class Built:
    """A problem in seconds from `seconds.beginning_ts`, and what its numbers stand for.

    `operations` by their place in the problem, `orders` by the place of their job. `due`: by job, below 0 where it is past (the problem says 0 then).
    `refused`: what is not planned, since something is missing. `notes`: what was assumed, in sentences.
    """

    situation: Situation
    problem: job.Problem
    seconds: Seconds
    operations: tuple[OrderOperation, ...]
    orders: tuple[Order, ...]
    due: tuple[int | None, ...]
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()

    def number(self, operation_id: str) -> int:
        """The place of an operation in the problem. Raises KeyError for one that is not planned."""
        return self.numbers[operation_id]

    @property
    def numbers(self) -> Mapping[str, int]:
        """Places in the problem by operation id."""
        return {operation.operation_id: number for number, operation in enumerate(self.operations)}

    def machine_of(self, placed: job.Placed) -> str:
        """Id of the machine that an operation is placed on."""
        return self.problem.machines[self.problem.operations[placed.operation].modes[placed.mode].machine].name

    def moment(self, seconds: int) -> datetime:
        """When so many seconds of the plan have gone by (UTC)."""
        return self.seconds.moment(seconds)

    def told(self, seconds: int) -> str:
        """That moment in words, in the plant's zone; with its day where that is not the one on which the plan begins."""
        return told(self.moment(seconds), self.seconds.beginning_ts, self.situation.zone)


def built(situation: Situation, rules: Rules | None = None, weights: job.Weights = WEIGHTS) -> Built:
    """The problem of a situation.

    Left out and named: operations with something missing, and what comes after them; where they have a place in the schedule they keep it. Ended work
    is aside. Running work stands with what is left of it by count, on a machine that is down from its repair on; so does what is frozen, as far as it
    breaks no rule. `before` is the schedule as it is.
    """
    ground = Ground(situation, rules or Rules())
    left_out = refused(ground)
    gone: set[str] = set()
    while True:
        found = drafts(ground, {one.operation_id for one in left_out}, gone)
        problem, fixed, bare = pinned(found, _Assembly(ground, tuple(found), weights).problem)
        stand = {placed.operation for placed in fixed}
        homeless = {draft.operation.operation_id for number, draft in enumerate(found) if not draft.is_free and number not in stand}
        if not homeless:
            break
        gone |= homeless
    problem = replace(problem, fixed=fixed, before=_before(ground, problem, found))
    orders = tuple(ground.orders[one.name] for one in problem.jobs)
    return Built(
        situation,
        problem,
        ground.seconds,
        tuple(draft.operation for draft in found),
        orders,
        tuple(None if order.due_ts is None else ground.seconds.before(order.due_ts) for order in orders),
        tuple(left_out),
        tuple(_notes(ground, found, gone, fixed, bare)),
    )


@dataclass(frozen=True, slots=True)
class _Assembly:
    ground: Ground
    found: tuple[Draft, ...]
    weights: job.Weights

    def problem(self, held: frozenset[int], bare: frozenset[int]) -> job.Problem:
        """The problem in which the drafts `held` stand where they are pinned, those of `bare` without people and tools."""
        ground = self.ground
        orders = {draft.job: ground.orders[draft.operation.order_id] for draft in self.found}
        fresh = [number for number, draft in enumerate(self.found) if draft.is_free and not draft.has_begun]
        needs = {number: tuple(needs_of(ground, self.found[number].operation)) for number in fresh}
        materials, scales = materials_of(ground, [need for one in needs.values() for need in one])
        machines, setups = machines_of(ground, self._running(held))
        operations = []
        for number, draft in enumerate(self.found):
            modes = self._modes(number, held, bare)
            stands = draft.pin is not None and number in held and draft.pin.rank in {RUNS, KEPT}
            taken = tuple((ground.stocks[name], units(quantity, scales[ground.stocks[name]])) for name, quantity in needs.get(number, ()))
            operations.append(
                job.Operation(
                    job=draft.job,
                    modes=modes,
                    after=() if stands else self._after(draft, modes, held),
                    family=ground.families[ground.family(draft.operation)],
                    release=0 if stands else draft.release,
                    is_splittable=True,
                    needs=taken,
                    name=draft.operation.operation_id,
                )
            )
        return job.Problem(
            jobs=tuple(_job(ground.seconds, orders[place]) for place in sorted(orders)),
            operations=tuple(operations),
            machines=machines,
            people=people_of(ground),
            tools=tools_of(ground),
            materials=materials,
            skills=tuple(ground.skills),
            setups=setups,
            travel=travel_of(ground),
            weights=self.weights,
        )

    def _modes(self, number: int, held: frozenset[int], bare: frozenset[int]) -> tuple[job.Mode, ...]:
        draft, pin = self.found[number], self.found[number].pin
        if pin is None or number not in held:
            is_alone = draft.operation.state == RUNNING
            return tuple(dict.fromkeys(job.Mode(mode.machine, mode.duration) for mode in draft.modes)) if is_alone else draft.modes
        same = [job.Mode(pin.machine, pin.duration, mode.skills, mode.tools) for mode in draft.modes if mode.machine == pin.machine]
        return tuple(same) if same and number not in bare else (job.Mode(pin.machine, pin.duration),)

    def _after(self, draft: Draft, modes: tuple[job.Mode, ...], held: frozenset[int]) -> tuple[job.Link, ...]:
        fed = tuple(job.Link(number) for number in draft.fed_by)
        if draft.before is None:
            return fed
        before, pin = self.found[draft.before], self.found[draft.before].pin
        if pin is not None and draft.before in held:
            lag = max(lag_after(self.ground, before, pin.duration, draft, mode.duration) for mode in modes)
            return (job.Link(draft.before, self._without_pauses(pin, lag)), *fed)
        lag = max(lag_after(self.ground, before, one.duration, draft, mode.duration) for one in before.modes for mode in modes)
        return (job.Link(draft.before, lag), *fed)

    def _without_pauses(self, pin: Pin, lag: int) -> int:
        """A lag below 0 counted back in open time from the end of work that stands: its parts come while it works, not in its pauses."""
        open_time = self.ground.open_times[pin.machine]
        ready = open_time.end_of(0, open_time.until(pin.end) + lag) if lag < 0 else None
        return lag if ready is None else max(ready, pin.start) - pin.end

    def _running(self, held: frozenset[int]) -> dict[int, str]:
        return {
            draft.pin.machine: self.ground.family(draft.operation)
            for number, draft in enumerate(self.found)
            if number in held and draft.pin is not None and draft.pin.rank == RUNS
        }


def _job(seconds: Seconds, order: Order) -> job.Job:
    due = None if order.due_ts is None else max(seconds.before(order.due_ts), 0)
    return job.Job(name=order.order_id, due=due, weight=1 + max(order.priority, 0))


def _before(ground: Ground, problem: job.Problem, found: list[Draft]) -> tuple[job.Placed, ...]:
    """The schedule as it is. What should have begun already stands in its order at the beginning, a second apart: there is no time before 0."""
    planned: dict[int, list[tuple[datetime, datetime, int, int]]] = {}
    for number, draft in enumerate(found):
        operation, modes = draft.operation, problem.operations[number].modes
        starts = operation.actual_start_ts or operation.planned_start_ts
        machine = ground.machines.get(operation.equipment)
        mode = next((place for place, one in enumerate(modes) if one.machine == machine), None)
        if machine is not None and mode is not None and starts is not None and operation.planned_end_ts is not None:
            planned.setdefault(machine, []).append((starts, operation.planned_end_ts, number, mode))
    placed = []
    for on_machine in planned.values():
        free = 0
        for starts, ends, number, mode in sorted(on_machine):
            start = max(ground.seconds.before(starts), free)
            placed.append(job.Placed(number, mode, start, max(ground.seconds.at(ends), start + 1)))
            free = start + 1
    return tuple(sorted(placed, key=lambda one: one.operation))


def _notes(ground: Ground, found: list[Draft], gone: set[str], fixed: tuple[job.Placed, ...], bare: frozenset[int]) -> Iterator[str]:
    at, held = ground.situation, {placed.operation for placed in fixed}
    for place, unit in enumerate(at.machines):
        if ground.is_down(place) and (unit.repaired_ts is None or unit.repaired_ts <= at.now_ts):
            yield f"{unit.equipment} is down and nobody says until when; it is taken to be so for {at.repair_s / 60:.0f} minutes from now"
    for number, draft in enumerate(found):
        operation = draft.operation
        if draft.pin is None or (number in held and number not in bare):
            continue
        if number in bare:
            yield f"operation {operation.operation_id} runs at {operation.equipment} without the people or tools that it asks for"
        elif draft.pin.rank == RUNS:
            yield f"operation {operation.operation_id} is running at {operation.equipment}, which runs another one; suspend one of them"
    for operation_id in sorted(gone):
        yield f"operation {operation_id} is not planned and cannot stay where the schedule has it; its place is taken as free"
    yield from _unwaited(found)
    for stock in at.stocks:
        overdue = [quantity for when, quantity in stock.arrivals if when <= at.now_ts]
        if overdue:
            yield f"{sum(overdue):g} of {stock.material_id} should have come already and are not counted; say when they come, or book them in"


def _unwaited(found: list[Draft]) -> Iterator[str]:
    """What is taken from other orders without a link to them, by material and order."""
    amounts: dict[Peg, float] = {}
    takers: dict[Peg, list[str]] = {}
    for draft in found:
        for peg in draft.operation.pegs if draft.is_free and not draft.has_begun else ():
            key = replace(peg, quantity=0.0)
            amounts[key] = amounts.get(key, 0.0) + peg.quantity
            takers.setdefault(key, []).append(draft.operation.operation_id)
    for peg, quantity in amounts.items():
        if peg.kind in _WHY_UNWAITED:
            first, *others = takers[peg]
            who = f"{first} and {len(others)} more" if others else first
            yield f"{quantity:g} of {peg.material_id} for {who} come from order {peg.order_id}, {_WHY_UNWAITED[peg.kind]}"


_WHY_UNWAITED = {
    PegKind.UNDATED: "of which nobody knows when it ends, and are taken to be there; plan that order",
    PegKind.CIRCLE: "which itself waits for them, and are taken to be there; put the bills or one of the orders right",
}
"""Why a plan does not wait for what an order makes, and what to do about it."""
