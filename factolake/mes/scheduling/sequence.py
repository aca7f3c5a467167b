"""What makes a sequence of operations possible, and what goes with a change that is rejected. Pure: values in, values out.

An operation's place is where and when it is planned. Two places clash where a work unit would do both at once, or where an operation would begin
before the ones before it in its order have ended (with one that overlaps: have begun), or before one has ended that makes what it takes. Only
clashes that a change takes part in are anybody's fault: what people planned before may be as it is.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when an operation is planned. `step` is its place in the order: number and part.

    `overlaps`: it may begin while the one before it runs. `is_exclusive`: the equipment does one operation at a time.
    """

    operation_id: str
    order_id: str
    step: tuple[int, int]
    equipment_id: str
    start_ts: datetime
    end_ts: datetime
    overlaps: bool = False
    is_exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Clash:
    """Two places that cannot both be; at least one of them is a change."""

    later: Place
    earlier: Place
    is_same_equipment: bool

    def told(self) -> str:
        """In words."""
        if self.is_same_equipment:
            other = f"{self.earlier.operation_id} is planned there until {_shown(self.earlier.end_ts)}"
            return f"{self.later.operation_id} would begin at {self.later.equipment_id} at {_shown(self.later.start_ts)}, and {other}"
        wanted = f"begins at {_shown(self.earlier.start_ts)}" if self.later.overlaps else f"ends at {_shown(self.earlier.end_ts)}"
        return f"{self.later.operation_id} would begin at {_shown(self.later.start_ts)}, and {self.earlier.operation_id} before it {wanted}"


Plan = Mapping[str, Place]
"""Places by operation id."""
Waits = Mapping[str, Collection[str]]
"""By operation those of other orders which make what it takes."""
NONE: Waits = {}


def clashes(plan: Plan, changed: Iterable[str], waits: Waits = NONE) -> Iterator[Clash]:
    """The clashes of `plan` that one of the operations `changed` takes part in: for each place at most one a rule, so none when there is none."""
    moved = frozenset(changed)
    machines, orders = defaultdict(list), defaultdict(list)
    for place in plan.values():
        orders[place.order_id].append(place)
        if place.is_exclusive:
            machines[place.equipment_id].append(place)
    for places in machines.values():
        yield from _on_machine(sorted(places, key=attrgetter("start_ts", "end_ts", "operation_id")), moved)
    for places in orders.values():
        yield from _in_order(sorted(places, key=attrgetter("step")), moved)
    yield from _in_wait(plan, waits, moved)


def with_dependents(present: Plan, changes: Plan, rejected: Iterable[str], waits: Waits = NONE) -> frozenset[str]:
    """The operations whose changes go when those of `rejected` do; what is left of `changes` over `present` clashes nowhere.

    Gone are those planned later on the same equipment, later ones of the same order, those that take what one that is gone makes, and what would
    clash with an operation that stays where it is.
    """
    gone = frozenset(rejected) & changes.keys()
    while True:
        more = gone | _followers(changes, gone, waits)
        kept = {key: place for key, place in changes.items() if key not in more}
        for clash in clashes({**present, **kept}, kept, waits):
            more |= {clash.later.operation_id, clash.earlier.operation_id} & kept.keys()
        if more == gone:
            return gone
        gone = more


def places_in_sequence(plan: Plan) -> dict[str, int]:
    """Each operation's place in the sequence of its equipment, from 1, by planned start."""
    count: dict[str, int] = defaultdict(int)
    found = {}
    for place in sorted(plan.values(), key=attrgetter("start_ts", "operation_id")):
        count[place.equipment_id] += 1
        found[place.operation_id] = count[place.equipment_id]
    return found


def _on_machine(places: list[Place], moved: frozenset[str]) -> Iterator[Clash]:
    last: Place | None = None
    last_moved: Place | None = None
    for place in places:
        is_moved = place.operation_id in moved
        before = last if is_moved else last_moved
        if before is not None and before.end_ts > place.start_ts:
            yield Clash(place, before, is_same_equipment=True)
        last = _later(last, place)
        last_moved = _later(last_moved, place) if is_moved else last_moved


def _in_order(places: list[Place], moved: frozenset[str]) -> Iterator[Clash]:
    last: Place | None = None
    last_moved: Place | None = None
    previous: Place | None = None
    for place in places:
        is_moved = place.operation_id in moved
        if place.overlaps and previous is not None:
            if (is_moved or previous.operation_id in moved) and previous.start_ts > place.start_ts:
                yield Clash(place, previous, is_same_equipment=False)
        else:
            before = last if is_moved else last_moved
            if before is not None and before.end_ts > place.start_ts:
                yield Clash(place, before, is_same_equipment=False)
        last = _later(last, place)
        last_moved = _later(last_moved, place) if is_moved else last_moved
        previous = place


def _in_wait(plan: Plan, waits: Waits, moved: frozenset[str]) -> Iterator[Clash]:
    for key, makers in waits.items():
        places = [plan[maker] for maker in makers if maker in plan and not moved.isdisjoint((key, maker))]
        last = max(places, key=attrgetter("end_ts", "operation_id"), default=None)
        if last is not None and key in plan and last.end_ts > plan[key].start_ts:
            yield Clash(plan[key], last, is_same_equipment=False)


def _later(one: Place | None, other: Place) -> Place:
    """The place that ends later."""
    return other if one is None or other.end_ts > one.end_ts else one


def _followers(changes: Plan, gone: frozenset[str], waits: Waits) -> frozenset[str]:
    """Changes later on the equipment of one that is gone, or of its order, or of what takes what it makes."""
    starts: dict[str, datetime] = {}
    steps: dict[str, tuple[int, int]] = {}
    for key in gone:
        place = changes[key]
        starts[place.equipment_id] = min(starts.get(place.equipment_id, place.start_ts), place.start_ts)
        steps[place.order_id] = min(steps.get(place.order_id, place.step), place.step)
    return frozenset(
        key
        for key, place in changes.items()
        if (place.equipment_id in starts and place.start_ts > starts[place.equipment_id])
        or (place.order_id in steps and place.step > steps[place.order_id])
        or not gone.isdisjoint(waits.get(key, ()))
    )


def _shown(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes").replace("+00:00", " UTC")
