"""Changes that a planner tries out: judged as they stand by the rules of plans and by those of proposals. Nothing is written.

What was wrong with the plan before and has nothing to do with a change is nobody's fault here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from factolake.domain.job import Placed
from factolake.mes.core.refusals import Refusal
from factolake.mes.equipment.models import Equipment
from factolake.mes.scheduling.effects import effects
from factolake.mes.scheduling.forms import EntryForm
from factolake.mes.scheduling.present import equipment_of, open_operations
from factolake.mes.scheduling.proposing import changes_among
from factolake.mes.scheduling.rule_words import told
from factolake.mes.scheduling.situation import situation
from factolake.planning.building import Built, built, current
from factolake.planning.judging.open_time import OpenTime
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
    plan = built(situation(line, equipment, operations, now, machines))
    before = standing(plan)
    moved = _moved(plan, wanted.values())
    entries = tuple(_ended(plan, form, moved.get(form.operation_id)) for form in wanted.values())
    after = {**before, **{placed.operation: placed for placed in moved.values()}}
    if unplanned := [each for each in plan.refused if each.operation_id in wanted]:
        return Trial(False, tuple(each.says for each in unplanned[:MOST]), frozenset(each.operation_id for each in unplanned), entries)
    broken = _broken(plan, before, after, {placed.operation for placed in moved.values()})
    if broken:
        wrong = frozenset(plan.operations[number].operation_id for fault in broken for number in fault.operations)
        return Trial(False, tuple(told(plan, fault, after) for fault in broken[:MOST]), wrong, entries)
    try:
        changes_among(line, entries, equipment, operations)
    except Refusal as refusal:
        return Trial(False, (str(refusal),), frozenset(wanted) - moved.keys() or frozenset(wanted), entries)
    return Trial(True, effects(plan, before, after), frozenset(), entries)


def standing(plan: Built) -> dict[int, Placed]:
    """The schedule as it is, running and frozen work where it stands."""
    return {placed.operation: placed for placed in (*current(plan), *plan.problem.fixed)}


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


def _broken(plan: Built, before: Mapping[int, Placed], after: Mapping[int, Placed], moved: set[int]) -> list[Fault]:
    """Rules that the changes break and the plan before did not."""
    known = {(fault.rule, fault.operations) for fault in faults(plan.problem, tuple(before.values()))}
    found = faults(plan.problem, tuple(after.values()))
    return [each for each in found if each.rule is not Rule.PLACED and moved & set(each.operations) and (each.rule, each.operations) not in known]
