"""Rules between operations that follow from what flows: links with lag and travel, materials, buffers in front of machines."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from factolake.planning.judging.scene import Fault, Rule, Scene, named, operation_named


def link_faults(scene: Scene) -> Iterator[Fault]:
    """An operation starts when those it comes after have ended, their lag and the way from machine to machine included."""
    problem = scene.problem
    for number, placed in scene.placed.items():
        for link in problem.operations[number].after:
            if link.operation not in scene.placed:
                continue
            ready = _ready(scene, number, link.operation, link.lag)
            if placed.start < ready or (link.no_wait and placed.start != ready):
                must = "exactly at" if link.no_wait else "from"
                says = (
                    f"{operation_named(problem, number)} starts at {placed.start}; after {operation_named(problem, link.operation)}, which ends at "
                    f"{scene.placed[link.operation].end}, it may start {must} {ready}"
                )
                yield Fault(Rule.LINK, (link.operation, number), says)


def _ready(scene: Scene, number: int, before: int, lag: int) -> int:
    return scene.placed[before].end + lag + scene.problem.travel[scene.location(before)][scene.location(number)]


def material_faults(scene: Scene) -> Iterator[Fault]:
    """By no time was more of a material taken than had arrived. Each time that it runs short is one fault, of the operation that takes too much."""
    problem = scene.problem
    taken: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, placed in scene.placed.items():
        for material, quantity in problem.operations[number].needs:
            taken[material].append((placed.start, number, quantity))
    for material in sorted(taken):
        # At one time arrivals come first: what arrives at 5 may be taken at 5.
        arrivals = [(time, -1, quantity) for time, quantity in problem.materials[material].arrivals]
        stock, is_short = 0, False
        for time, number, quantity in sorted(arrivals + taken[material]):
            stock += quantity if number < 0 else -quantity
            if number >= 0 and stock < 0 and not is_short:
                what = named("material", material, problem.materials[material].name)
                says = f"{operation_named(problem, number)} takes {quantity} of {what} at {time}, {-stock} more than there is then"
                yield Fault(Rule.MATERIAL, (number,), says)
            is_short = stock < 0


def buffer_faults(scene: Scene) -> Iterator[Fault]:
    """In front of a machine no more jobs wait than its buffer holds; each time that it overflows is one fault."""
    problem = scene.problem
    waits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, placed in scene.placed.items():
        operation, machine = problem.operations[number], scene.mode(number).machine
        if problem.machines[machine].buffer is None:
            continue
        arrival = max((_ready(scene, number, link.operation, link.lag) for link in operation.after if link.operation in scene.placed), default=None)
        if arrival is not None and arrival < placed.start:
            # At one time starts come first: a place that becomes free at 5 may be taken at 5.
            waits[machine] += [(arrival, 1, number), (placed.start, -1, number)]
    for machine in sorted(waits):
        yield from _overflows(scene, machine, sorted(waits[machine]))


def _overflows(scene: Scene, machine: int, events: list[tuple[int, int, int]]) -> Iterator[Fault]:
    problem, room = scene.problem, scene.problem.machines[machine].buffer
    waiting: Counter[int] = Counter()
    here: set[int] = set()
    for time, step, number in events:
        job, had = problem.operations[number].job, len(waiting)
        waiting[job] += step
        if not waiting[job]:
            del waiting[job]
        (here.add if step > 0 else here.discard)(number)
        if room is not None and len(waiting) > room and len(waiting) > had == room:
            where = named("machine", machine, problem.machines[machine].name)
            says = (
                f"{len(waiting)} jobs wait in front of {where} at {time}, {operation_named(problem, number)} the last to come; it has room for {room}"
            )
            yield Fault(Rule.BUFFER, tuple(sorted(here)), says)
