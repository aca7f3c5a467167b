"""Changes that a planner tries out: judged as they stand by the rules of plans and by those of proposals. Nothing is written.

People, tools and materials are judged as the record has them. A stock that runs short is told and forbids nothing while no delivery of the material
was ever entered and no order makes it: nobody knows what is on its way. What was wrong with the plan before and has nothing to do with a change is
nobody's fault here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from factolake.domain.job import Placed
from factolake.mes.core.refusals import Refusal
from factolake.mes.equipment.models import Equipment
from factolake.mes.scheduling.effects import Schedule, effects
from factolake.mes.scheduling.forms import EntryForm
from factolake.mes.scheduling.present import equipment_of, open_operations
from factolake.mes.scheduling.proposing import changes_among
from factolake.mes.scheduling.rule_words import short_of, told
from factolake.mes.scheduling.situation import situation
from factolake.planning.building import Built, built, current
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.staffing import lacking, staffed
from factolake.planning.validator import Fault, Rule, faults

MOST = 3
"""So many broken rules are told: one is mended after the other."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried: whether it can be, in sentences, the operations that break a rule, and the entries a proposal would have.

    Ends of the entries follow from the open time of their machines.
    """

    is_good: bool
    told: tuple[str, ...]
    wrong: frozenset[str]
    entries: tuple[EntryForm, ...]


def try_out(line: Equipment, forms: Iterable[EntryForm], now: datetime) -> Trial:
    """Judge the changes against the line as it is now."""
    wanted = {form.operation_id: form for form in forms}
    equipment = equipment_of(line)
    operations = open_operations(equipment)
    machines = {key: (form.equipment_id,) for key, form in wanted.items() if form.equipment_id in equipment}
    plan = built(situation(line, equipment, operations, now, machines, has_means=True))
    before = standing(plan)
    moved = _moved(plan, wanted.values())
    entries = tuple(_ended(plan, form, moved.get(form.operation_id)) for form in wanted.values())
    after, found = _judged(plan, before, {placed.operation: placed for placed in moved.values()})
    if unplanned := [each for each in plan.refused if each.operation_id in wanted]:
        return Trial(False, tuple(each.says for each in unplanned[:MOST]), frozenset(each.operation_id for each in unplanned), entries)
    known = {stock.material_id for stock in plan.situation.stocks if stock.is_all}
    short = [fault for fault in found if fault.rule is Rule.MATERIAL and known.isdisjoint(short_of(plan, fault, after))]
    if broken := [fault for fault in found if fault not in short]:
        wrong = frozenset(plan.operations[number].operation_id for fault in broken for number in fault.operations)
        return Trial(False, tuple(told(plan, fault, after) for fault in broken[:MOST]), wrong, entries)
    try:
        changes_among(line, entries, equipment, operations)
    except Refusal as refusal:
        return Trial(False, (str(refusal),), frozenset(wanted) - moved.keys() or frozenset(wanted), entries)
    minds = (f"Mind the stock: {told(plan, fault, after)}." for fault in short[:MOST])
    return Trial(True, (*effects(plan, before, after), *minds), frozenset(), entries)


def standing(plan: Built) -> dict[int, Placed]:
    """The schedule as it is, running and frozen work where it stands, each with people and tools that are free for it."""
    found = {placed.operation: placed for placed in (*current(plan), *plan.problem.fixed)}
    return _by_operation(staffed(plan.problem, _by_start(found)))


def _judged(plan: Built, before: Schedule, moved: Schedule) -> tuple[Schedule, list[Fault]]:
    """The schedule with what is moved, and the rules that are broken by that and were not before.

    What is moved takes people and tools that are free. Where it finds none, all are given out anew, if so no more work is without than before.
    """
    stays = [placed for number, placed in before.items() if number not in moved]
    after = _by_operation(staffed(plan.problem, _by_start(moved), stays))
    found = _broken(plan, before, after, moved)
    if any(fault.rule in _HANDS for fault in found):
        anew = staffed(plan.problem, _by_start(after))
        if lacking(plan.problem, anew) <= lacking(plan.problem, tuple(before.values())):
            after = _by_operation(anew)
            found = _broken(plan, before, after, moved)
    return after, found


_HANDS = frozenset({Rule.PEOPLE, Rule.TOOL_AWAY, Rule.TOOL_BUSY})
"""Rules that other people and tools may keep."""


def _by_start(schedule: Schedule) -> list[Placed]:
    return sorted(schedule.values(), key=lambda placed: (placed.start, placed.end, placed.operation))


def _by_operation(schedule: Iterable[Placed]) -> dict[int, Placed]:
    return {placed.operation: placed for placed in schedule}


def _moved(plan: Built, forms: Iterable[EntryForm]) -> dict[str, Placed]:
    """Where the changes place their operations; those that cannot be planned at all are left out."""
    numbers, found = plan.numbers, {}
    machines = {machine.name: place for place, machine in enumerate(plan.problem.machines)}
    for form in forms:
        number = numbers.get(form.operation_id)
        modes = plan.problem.operations[number].modes if number is not None else ()
        mode = next((place for place, each in enumerate(modes) if each.machine == machines.get(form.equipment_id)), None)
        if number is None or mode is None:
            continue
        start = plan.seconds.at(form.planned_start_ts)
        windows = plan.problem.machines[modes[mode].machine].windows
        end = OpenTime(windows).end_of(max(start, 0), modes[mode].duration)
        found[form.operation_id] = Placed(number, mode, start, start + modes[mode].duration if end is None else end)
    return found


def _ended(plan: Built, form: EntryForm, placed: Placed | None) -> EntryForm:
    if placed is None:
        return form
    return form.model_copy(update={"planned_start_ts": plan.moment(placed.start), "planned_end_ts": plan.moment(placed.end)})


def _broken(plan: Built, before: Schedule, after: Schedule, moved: Collection[int]) -> list[Fault]:
    """Rules that the changes break and the plan before did not."""
    changed = set(moved)
    found = [each for each in faults(plan.problem, tuple(after.values())) if each.rule is not Rule.PLACED and not changed.isdisjoint(each.operations)]
    known = {(each.rule, each.operations) for each in faults(plan.problem, tuple(before.values()))} if found else set()
    return [each for each in found if (each.rule, each.operations) not in known]
