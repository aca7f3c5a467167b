"""What holds an operation back in a plan: each limit on its start, and the moment before which it forbids it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from factolake.domain.job import Placed
from factolake.planning.building import Built
from factolake.planning.building.seconds import first_open
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.situation import PegKind


class BoundKind(StrEnum):
    """What an operation waits for."""

    BEGINNING = "beginning"
    RELEASE = "release"
    PREDECESSOR = "predecessor"
    SUPPLY = "supply"
    MACHINE = "machine"
    SETUP = "setup"
    MATERIAL = "material"
    PERSON = "person"
    TOOL = "tool"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Bound:
    """Not before `until` (seconds): `kind`, the operation behind which it waits (its place, None: behind none), and what it is (an id)."""

    kind: BoundKind
    until: int
    operation: int | None = None
    name: str = ""


def made_by(built: Built, maker: int, taker: int) -> str:
    """What one operation takes of what another order makes, whose last step the other operation is: 12 of HOUSING from order 4711."""
    order_id = built.operations[maker].order_id
    peg = next(peg for peg in built.operations[taker].pegs if peg.order_id == order_id and peg.kind is PegKind.HERE)
    return f"{peg.quantity:g} of {peg.material_id} from order {order_id}"


def _together(one: Placed, other: Placed) -> bool:
    """Whether two of a machine are one batch, or one of them takes no time."""
    return one.start == other.start


class Scene:
    """A schedule sorted out by what its operations use, to ask what bounds each of them."""

    def __init__(self, built: Built, schedule: tuple[Placed, ...]) -> None:
        self.built = built
        self.placed = {one.operation: one for one in schedule}
        self.on_machine: dict[int, list[Placed]] = defaultdict(list)
        self.of_person: dict[int, list[Placed]] = defaultdict(list)
        self.of_tool: dict[int, list[Placed]] = defaultdict(list)
        self.takers: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for one in sorted(schedule, key=lambda placed: (placed.start, placed.end, placed.operation)):
            mode = built.problem.operations[one.operation].modes[one.mode]
            self.on_machine[mode.machine].append(one)
            for person in one.people:
                self.of_person[person].append(one)
            for tool in mode.tools:
                self.of_tool[tool].append(one)
            for material, quantity in built.problem.operations[one.operation].needs:
                self.takers[material].append((one.start, one.operation, quantity))

    def machine(self, placed: Placed) -> int:
        """The place of the machine that an operation is placed on."""
        return self.built.problem.operations[placed.operation].modes[placed.mode].machine

    def bounds(self, placed: Placed) -> list[Bound]:
        """Every limit on the start of a placed operation, the latest first; of equal ones those behind other work come first."""
        found = [Bound(BoundKind.BEGINNING, 0), *self._releases(placed), *self._links(placed), *self._machine(placed)]
        found += [*self._people(placed), *self._tools(placed), *self._materials(placed)]
        return sorted(found, key=lambda bound: (-bound.until, bound.operation is None, bound.kind is BoundKind.BEGINNING))

    def opens(self, placed: Placed, time: int) -> int | None:
        """When the machine of a placed operation is open, from `time` on."""
        windows = self.built.problem.machines[self.machine(placed)].windows
        return time if windows is None else first_open(windows, time)

    def _releases(self, placed: Placed) -> Iterator[Bound]:
        operation = self.built.problem.operations[placed.operation]
        release = max(operation.release, self.built.problem.jobs[operation.job].release)
        if release > 0:
            yield Bound(BoundKind.RELEASE, release)

    def _links(self, placed: Placed) -> Iterator[Bound]:
        problem = self.built.problem
        for link in problem.operations[placed.operation].after:
            before = self.placed.get(link.operation)
            if before is not None:
                way = problem.travel[problem.machines[self.machine(before)].location][problem.machines[self.machine(placed)].location]
                is_own = problem.operations[link.operation].job == problem.operations[placed.operation].job
                name = "" if is_own else made_by(self.built, link.operation, placed.operation)
                yield Bound(BoundKind.PREDECESSOR if is_own else BoundKind.SUPPLY, before.end + link.lag + way, link.operation, name)

    def _machine(self, placed: Placed) -> Iterator[Bound]:
        problem, place = self.built.problem, self.machine(placed)
        machine = problem.machines[place]
        before = [
            one for one in self.on_machine[place] if one.end <= placed.start and one.operation != placed.operation and not _together(one, placed)
        ]
        last = max(before, key=lambda one: one.end, default=None)
        family = machine.family if last is None else problem.operations[last.operation].family
        since = 0 if last is None else last.end
        if last is not None:
            yield Bound(BoundKind.MACHINE, since, last.operation, machine.name)
        if machine.setups is not None and family is not None:
            setup = problem.setups[machine.setups][family][problem.operations[placed.operation].family]
            ready = OpenTime(machine.windows).end_of(since, setup) if setup else None
            if ready is not None:
                yield Bound(BoundKind.SETUP, ready, None if last is None else last.operation, machine.name)

    def _people(self, placed: Placed) -> Iterator[Bound]:
        for person in placed.people:
            one = self.built.problem.people[person]
            busy = [other for other in self.of_person[person] if other.end <= placed.start and other.operation != placed.operation]
            last = max(busy, key=lambda other: other.end, default=None)
            if last is not None:
                yield Bound(BoundKind.PERSON, last.end, last.operation, one.name)
            comes = OpenTime(one.windows).window_at(placed.start) if one.windows is not None else None
            if comes is not None and comes[0] > 0:
                yield Bound(BoundKind.PERSON, comes[0], None, one.name)

    def _tools(self, placed: Placed) -> Iterator[Bound]:
        problem = self.built.problem
        here = problem.machines[self.machine(placed)].location
        for number in problem.operations[placed.operation].modes[placed.mode].tools:
            tool = problem.tools[number]
            used = [one for one in self.of_tool[number] if one.end <= placed.start and one.operation != placed.operation]
            last = max(used, key=lambda one: one.end, default=None)
            start = tool.location if last is None else problem.machines[self.machine(last)].location
            since = 0 if last is None else last.end
            if since + problem.travel[start][here] > 0:
                yield Bound(BoundKind.TOOL, since + problem.travel[start][here], None if last is None else last.operation, tool.name)
            comes = OpenTime(tool.windows).window_at(placed.start) if tool.windows is not None else None
            if comes is not None and comes[0] > 0:
                yield Bound(BoundKind.TOOL, comes[0], None, tool.name)

    def _materials(self, placed: Placed) -> Iterator[Bound]:
        here = (placed.start, placed.operation)
        for number, needed in self.built.problem.operations[placed.operation].needs:
            earlier = (q for start, operation, q in self.takers[number] if operation != placed.operation and (start, operation) < here)
            wanted = needed + sum(earlier)
            material, there = self.built.problem.materials[number], 0
            for when, quantity in sorted(material.arrivals):
                there += quantity
                if there >= wanted:
                    if when > 0:
                        yield Bound(BoundKind.MATERIAL, when, None, material.name)
                    break
