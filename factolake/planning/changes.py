"""What a plan changes and why: a reason for each operation that moves, all of it in one sentence, and what goes along when a change is rejected."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from factolake.domain.job import Operation, Placed
from factolake.planning.bounds import BoundKind, Scene
from factolake.planning.building import Built
from factolake.planning.explaining import closed_why, coming_from
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.validator import Rule, faults


@dataclass(frozen=True, slots=True)
class Change:
    """An operation that moves: its places then (None: it had none) and now, why, and the operation that makes it move, if another one does.

    `is_cause`: the reason is none of the plan's own: a machine is down, material comes late, an order would be late.
    """

    operation_id: str
    before: Placed | None
    after: Placed
    why: str
    because_of: str = ""
    is_cause: bool = False


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """All changes of a plan by their start, how many operations the plan has, and the sum of it in one sentence."""

    changes: tuple[Change, ...]
    operations: int
    says: str

    @property
    def why(self) -> dict[str, str]:
        """Why each operation moves, by its id."""
        return {change.operation_id: change.why for change in self.changes}


def change_report(built: Built, before: tuple[Placed, ...], after: tuple[Placed, ...]) -> ChangeReport:
    """What differs between two schedules of one problem: another machine, start or end. Work that stands is never among it.

    `before` may be `building.current(built)`, the schedule as it is, with starts below 0 for what should have begun already.
    """
    fixed = {placed.operation for placed in built.problem.fixed}
    then = {placed.operation: placed for placed in before}
    scene, old = Scene(built, after), Scene(built, before)
    changes = []
    for placed in sorted(after, key=lambda one: (one.start, one.end, one.operation)):
        was = then.get(placed.operation)
        if placed.operation not in fixed and (was is None or _place(scene, was) != _place(scene, placed)):
            why = _why(scene, old, was, placed)
            by = "" if why.by is None else built.operations[why.by].operation_id
            changes.append(Change(built.operations[placed.operation].operation_id, was, placed, why.says, by, why.is_cause))
    return ChangeReport(tuple(changes), len(after), _summed(changes, len(after)))


def dependents(built: Built, before: tuple[Placed, ...], after: tuple[Placed, ...], rejected: Iterable[str]) -> frozenset[str]:
    """The changes that go when those of the operations `rejected` do, these among them.

    Gone are changes that are later on a machine of one that is gone, or later in its order, and those that then break a rule with what stays.
    """
    changed = {change.operation_id: change.after for change in change_report(built, before, after).changes}
    then = {placed.operation: placed for placed in before}
    gone = frozenset(rejected) & changed.keys()
    while True:
        more = gone | {name for name, placed in changed.items() if any(_follows(built, placed, changed[one]) for one in gone)}
        back = {changed[name].operation for name in more}
        mixed = [placed for placed in after if placed.operation not in back] + [then[number] for number in sorted(back & then.keys())]
        at_fault = {number for fault in faults(built.problem, tuple(mixed)) if fault.rule is not Rule.PLACED for number in fault.operations}
        more |= {name for name, placed in changed.items() if placed.operation in at_fault}
        if more == gone:
            return gone
        gone = more


def _follows(built: Built, placed: Placed, one: Placed) -> bool:
    operations = built.problem.operations
    is_later = placed.start > one.start and built.machine_of(placed) == built.machine_of(one)
    return is_later or (operations[placed.operation].job == operations[one.operation].job and placed.operation > one.operation)


def _place(scene: Scene, placed: Placed) -> tuple[int, int, int]:
    return scene.machine(placed), placed.start, placed.end


def _summed(changes: list[Change], operations: int) -> str:
    """The causes by how many changes follow from them; what follows from none is there to fit the plan together."""
    if not changes:
        return f"0 of {operations} operations moved"
    by_name = {change.operation_id: change for change in changes}
    roots = [_root(change, by_name) for change in changes]
    causes = Counter(root.why for root in roots if root.is_cause)
    moved = f"{len(changes)} of {operations} operations moved"
    if not causes:
        return f"{moved}, because the work fits together better so"
    others = len(changes) - sum(causes.values())
    told = [f"{why} ({count})" if len(causes) > 1 or others else why for why, count in causes.most_common(3)]
    if len(causes) > 3:
        told.append(f"{len(causes) - 3} more causes ({sum(count for _, count in causes.most_common()[3:])})")
    if others:
        told.append(f"the rest fits together better so ({others})")
    return f"{moved}, because {'; '.join(told)}"


def _root(change: Change, by_name: dict[str, Change]) -> Change:
    """The change that this one follows from in the end."""
    seen = set()
    while change.because_of in by_name and change.operation_id not in seen:
        seen.add(change.operation_id)
        change = by_name[change.because_of]
    return change


@dataclass(frozen=True, slots=True)
class _Why:
    says: str
    by: int | None = None
    is_cause: bool = False


def _why(scene: Scene, old: Scene, was: Placed | None, placed: Placed) -> _Why:
    """The first thing that keeps it from its place of before; where nothing does, what the new place is good for."""
    if was is None:
        return _Why("it had no place in the schedule", is_cause=True)
    forced = next(_forced(scene, was), None)
    if forced is None and (placed.end > was.end or scene.machine(placed) != scene.machine(was)):
        forced = next(_contended(scene, was, placed), None)
    return forced or _chosen(scene, old, was, placed)


def _forced(scene: Scene, was: Placed) -> Iterator[_Why]:
    """What makes its place of before impossible, whoever has its machine then."""
    built = scene.built
    name = built.operations[was.operation].operation_id
    yield from _closed(scene, was)
    if was.start < 0:
        yield _Why(f"{name} should have begun at {built.told(was.start)} and has not", is_cause=True)
    for bound in scene.bounds(was):
        if bound.until <= was.start:
            break
        if bound.kind is BoundKind.PREDECESSOR and bound.operation is not None:
            before = built.operations[bound.operation].operation_id
            yield _Why(f"its step before, {before}, ends at {built.told(scene.placed[bound.operation].end)}", bound.operation)
        elif bound.kind is BoundKind.SUPPLY and bound.operation is not None:
            maker = built.operations[bound.operation].operation_id
            says = f"it takes {bound.name}, which {maker} makes until {built.told(scene.placed[bound.operation].end)}"
            yield _Why(says, bound.operation, is_cause=True)
        elif bound.kind is BoundKind.RELEASE:
            yield _Why(f"{name} may not start before {built.told(bound.until)}", is_cause=True)
        elif bound.kind is BoundKind.MATERIAL:
            yield _Why(f"{bound.name} comes at {built.told(bound.until)}{coming_from(built, bound)}", is_cause=True)
        elif bound.kind is BoundKind.SETUP:
            yield _Why(f"{bound.name} is set up for it until {built.told(bound.until)}", bound.operation)


def _closed(scene: Scene, was: Placed) -> Iterator[_Why]:
    built, machine = scene.built, scene.machine(was)
    windows, unit = built.problem.machines[machine].windows, built.machine_of(was)
    if windows is None or was.end <= 0:
        return
    start = max(was.start, 0)
    wanted = built.problem.operations[was.operation].modes[was.mode].duration
    opens = scene.opens(was, start)
    if opens is None or opens > start:
        until = "" if opens is None else f" until {built.told(opens)}"
        yield _Why(f"{unit} is {closed_why(built, machine, start)}{until}", is_cause=True)
    elif OpenTime(windows).between(start, was.end) < min(wanted, was.end - start):
        closes = next(end for first, end in windows if first <= start < end)
        yield _Why(f"{unit} is {closed_why(built, machine, closes)} from {built.told(closes)}", is_cause=True)


def _contended(scene: Scene, was: Placed, placed: Placed) -> Iterator[_Why]:
    """What has its machine or its people now. That explains no place that is better than the one before."""
    built = scene.built
    for other in scene.on_machine[scene.machine(was)]:
        if other.operation != was.operation and other.start < was.end and was.start < other.end:
            yield _Why(
                f"{built.operations[other.operation].operation_id} is at {built.machine_of(was)} until {built.told(other.end)}", other.operation
            )
    yield from _nobody(scene, was)
    behind = [one for one in scene.on_machine[scene.machine(placed)] if was.end <= one.start < placed.start]
    if behind and scene.machine(placed) == scene.machine(was) and behind[-1].end <= placed.start:
        last = behind[-1]
        yield _Why(
            f"it is behind {built.operations[last.operation].operation_id}, at {built.machine_of(was)} until {built.told(last.end)}", last.operation
        )


def _nobody(scene: Scene, was: Placed) -> Iterator[_Why]:
    """A skill that nobody has free at the time."""
    built, problem = scene.built, scene.built.problem
    pieces = list(OpenTime(problem.machines[scene.machine(was)].windows).pieces(was.start, was.end))
    for skill in problem.operations[was.operation].modes[was.mode].skills:
        able = [number for number, person in enumerate(problem.people) if skill in person.skills]
        there = [n for n in able if all(OpenTime(problem.people[n].windows).between(*piece) == piece[1] - piece[0] for piece in pieces)]
        if not there:
            says = f"nobody with skill {problem.skills[skill]} is there from {built.told(was.start)} to {built.told(was.end)}"
            yield _Why(says, is_cause=True)
            continue
        work = [[o for o in scene.of_person[n] if o.operation != was.operation and o.start < was.end and was.start < o.end] for n in there]
        if all(work):
            first = work[0][0]
            name = built.operations[first.operation].operation_id
            yield _Why(f"{problem.people[there[0]].name}, who has skill {problem.skills[skill]}, is at {name} then", first.operation)


def _chosen(scene: Scene, old: Scene, was: Placed, placed: Placed) -> _Why:
    built = scene.built
    operation, order = built.problem.operations[placed.operation], built.orders[built.problem.operations[placed.operation].job]
    due, where = built.due[operation.job], built.machine_of(placed)
    if placed.end < was.end and due is not None and _end_of(old, operation) > due:
        return _Why(f"order {order.order_id}, due at {built.told(due)}, would be late at its place of before", is_cause=True)
    ahead = _overtaker(scene, old, placed) if placed.start > was.start else None
    if ahead is not None:
        other = built.operations[ahead.operation]
        return _Why(f"it lets {other.operation_id} go first{_more_urgent(built, ahead, placed)}", ahead.operation)
    if built.machine_of(was) != where:
        return _Why(f"{where} has time for it{' earlier' if placed.end < was.end else ''}")
    if placed.start < was.start:
        return _Why(f"{where} is free for it earlier")
    if placed.start == was.start:
        return _Why(f"{where} takes {'longer' if placed.end > was.end else 'less time'} for it than was planned", is_cause=True)
    return _Why("nothing needs it earlier")


def _end_of(scene: Scene, operation: Operation) -> int:
    return max(one.end for one in scene.placed.values() if scene.built.problem.operations[one.operation].job == operation.job)


def _overtaker(scene: Scene, old: Scene, placed: Placed) -> Placed | None:
    """The last operation that is before it on its machine now and was not before it there."""
    was = old.placed[placed.operation]
    for one in reversed(scene.on_machine[scene.machine(placed)]):
        then = old.placed.get(one.operation)
        if one.operation != placed.operation and one.start < placed.start and (then is None or then.start > was.start):
            return one
    return None


def _more_urgent(built: Built, ahead: Placed, placed: Placed) -> str:
    one, other = (built.problem.operations[each.operation].job for each in (ahead, placed))
    due = built.due[one]
    if due is not None and one != other and (built.due[other] is None or due < (built.due[other] or 0)):
        return f", whose order is due earlier, at {built.told(due)}"
    if built.problem.jobs[one].weight > built.problem.jobs[other].weight:
        return ", whose order has the higher priority"
    return ""
