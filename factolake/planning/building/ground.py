"""What a situation says of machines, people and tools, in the places and seconds of a problem."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from math import ceil

from factolake.domain.job import Machine, Matrix, Person, Tool, Window
from factolake.domain.order import OperationState
from factolake.planning.building.seconds import Seconds
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.situation import Order, OrderOperation, Situation, WorkUnit

ENDED = frozenset({OperationState.COMPLETED, OperationState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Rules:
    """How a situation is read. `is_scrap_made_again`: an operation goes on until all of its quantity is good, not only until all of it was tried."""

    is_scrap_made_again: bool = False


@dataclass(slots=True)
class Ground:
    """A situation with its names looked up: by id, or the place that a name has in the problem. Machines keep their places.

    `tools`: by class, those that can be used at some time.
    """

    situation: Situation
    rules: Rules
    seconds: Seconds = field(init=False)
    orders: dict[str, Order] = field(init=False)
    machines: dict[str, int] = field(init=False)
    windows: tuple[tuple[Window, ...], ...] = field(init=False)
    open_times: tuple[OpenTime, ...] = field(init=False)
    families: dict[str, int] = field(init=False)
    skills: dict[str, int] = field(init=False)
    tools: dict[str, tuple[int, ...]] = field(init=False)
    stocks: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        at = self.situation
        self.seconds = Seconds.from_now(at.now_ts)
        self.orders = {order.order_id: order for order in at.orders}
        self.machines = {unit.equipment: place for place, unit in enumerate(at.machines)}
        self.windows = tuple(self._windows(unit) for unit in at.machines)
        self.open_times = tuple(OpenTime(windows) for windows in self.windows)
        self.families = _places(chain(map(self.family, at.operations), (unit.family for unit in at.machines if unit.family)))
        asked = chain.from_iterable((o.skills, *(a.skills or () for a in o.alternatives)) for o in at.operations)
        self.skills = _places(chain(chain.from_iterable(asked), chain.from_iterable(w.skills for w in at.workers)))
        there = [place for place, tool in enumerate(at.tools) if tool.spans is None or self.seconds.windows(tool.spans)]
        self.tools = {at.tools[one].tool_class: tuple(p for p in there if at.tools[p].tool_class == at.tools[one].tool_class) for one in there}
        self.stocks = {stock.material_id: place for place, stock in enumerate(at.stocks)}

    def family(self, operation: OrderOperation) -> str:
        """What a machine has to be set up for: the family of the operation, or the material of its order."""
        order = self.orders.get(operation.order_id)
        return operation.family or (order.material_id if order else "")

    def quantity(self, operation: OrderOperation) -> float:
        """How much the operation is to make in all."""
        return self.orders[operation.order_id].quantity if operation.quantity is None else operation.quantity

    def left(self, operation: OrderOperation) -> float:
        """How much of it is still to be tried; never below 0."""
        gone = operation.good + (0.0 if self.rules.is_scrap_made_again else operation.scrap)
        return max(self.quantity(operation) - gone, 0.0)

    def is_down(self, machine: int) -> bool:
        """Whether the machine stands still now."""
        return self.situation.machines[machine].down_since_ts is not None

    def repaired(self, machine: int) -> int:
        """Until when a machine that is down stays so (seconds)."""
        unit = self.situation.machines[machine]
        if unit.repaired_ts is not None and unit.repaired_ts > self.situation.now_ts:
            return self.seconds.at(unit.repaired_ts)
        return ceil(self.situation.repair_s)

    def _windows(self, unit: WorkUnit) -> tuple[Window, ...]:
        closed = self.seconds.closed(unit.closed_spans)
        if unit.down_since_ts is not None:
            closed.append((0, self.repaired(self.machines[unit.equipment])))
        return self.seconds.windows(unit.open_spans or (), closed)


def machines_of(ground: Ground, running: dict[int, str]) -> tuple[tuple[Machine, ...], tuple[Matrix, ...]]:
    """The machines of a problem and the setup matrices they go by. `running`: the family that runs on a machine now, by its place."""
    has_ways = bool(ground.situation.transports)
    matrices: dict[Matrix, int] = {}
    found = []
    setups = _planned_setups(ground)
    for place, unit in enumerate(ground.situation.machines):
        matrix = _matrix(ground, unit.equipment, setups.get(place, {}))
        family = running.get(place, unit.family)
        found.append(
            Machine(
                name=unit.equipment,
                windows=ground.windows[place],
                location=place if has_ways else 0,
                setups=None if matrix is None else matrices.setdefault(matrix, len(matrices)),
                family=ground.families[family] if family else None,
                buffer=unit.buffer,
                batch=unit.batch,
            )
        )
    return tuple(found), tuple(matrices)


def travel_of(ground: Ground) -> Matrix:
    """Ways between machines, and last the store, from and to which there is none."""
    at = ground.situation
    if not at.transports:
        return ((0,),)
    names = [unit.equipment for unit in at.machines]
    rows = [(*(ceil(at.transports.get((one, other), 0.0)) for other in names), 0) for one in names]
    return (*rows, (0,) * (len(names) + 1))


def people_of(ground: Ground) -> tuple[Person, ...]:
    """The people of a problem, in their order in the situation."""
    return tuple(
        Person(worker.person_id, frozenset(ground.skills[skill] for skill in worker.skills), ground.seconds.windows(worker.spans))
        for worker in ground.situation.workers
    )


def tools_of(ground: Ground) -> tuple[Tool, ...]:
    """The tools of a problem, in their order in the situation."""
    store = len(ground.machines) if ground.situation.transports else 0
    is_one_place = not ground.situation.transports
    return tuple(
        Tool(
            tool.tool_id,
            0 if is_one_place else ground.machines.get(tool.equipment, store),
            None if tool.spans is None else ground.seconds.windows(tool.spans),
        )
        for tool in ground.situation.tools
    )


def _planned_setups(ground: Ground) -> dict[int, dict[int, int]]:
    """The longest planned setup of each family on each machine (seconds)."""
    found: dict[int, dict[int, int]] = {}
    for operation in ground.situation.operations:
        family = ground.families.get(ground.family(operation), 0)
        places = [(operation.equipment, operation.planned_setup_s)]
        places += [(a.equipment, operation.planned_setup_s if a.planned_setup_s is None else a.planned_setup_s) for a in operation.alternatives]
        for equipment, planned_s in places:
            if operation.state not in ENDED and equipment in ground.machines and planned_s > 0:
                on_machine = found.setdefault(ground.machines[equipment], {})
                on_machine[family] = max(on_machine.get(family, 0), ceil(planned_s))
    return found


def _matrix(ground: Ground, equipment: str, planned: dict[int, int]) -> Matrix | None:
    told = {(before, after): seconds for (machine, before, after), seconds in ground.situation.setups.items() if machine == equipment}
    if not planned and not any(told.values()):
        return None
    rows = []
    for before, row in ground.families.items():
        rows.append(
            tuple(
                ceil(told[before, after]) if (before, after) in told else 0 if row == column else planned.get(column, 0)
                for after, column in ground.families.items()
            )
        )
    return tuple(rows)


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(set(names)))}
