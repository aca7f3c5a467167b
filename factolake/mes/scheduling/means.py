"""What the work of a line takes beside its machine, and what there is of it: people with skills, tools of a class, materials in stock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.personnel.models import Qualification, ShiftAssignment, SkillRequirement
from factolake.mes.production.models import Operation
from factolake.mes.quality.good_checks import below
from factolake.mes.quality.scope import paths_above
from factolake.mes.scheduling.materials import Amounts, materials_of
from factolake.mes.tooling.models import Tool, ToolRequirement
from factolake.planning.roster import PlannedShift, workers
from factolake.planning.situation import Peg, PlantTool, Span, Stock, Worker

Asked = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Means:
    """What operations take, and the people, tools and stocks that there are.

    `skills`: by operation and machine. By operation: `tool_classes`, `needs` of a material for each item, how much of it was `taken` already, and
    what of it comes from other orders (`pegs`).
    """

    skills: Asked
    tool_classes: Mapping[str, tuple[str, ...]]
    needs: Amounts
    taken: Amounts
    workers: tuple[Worker, ...]
    tools: tuple[PlantTool, ...]
    stocks: tuple[Stock, ...]
    pegs: Mapping[str, tuple[Peg, ...]]


NOTHING = Means({}, {}, {}, {}, (), (), (), {})
"""Work that takes a machine and nothing else."""


def means_of(
    line: Equipment, work: Sequence[Operation], places: Iterable[Equipment], opened: tuple[Span, ...], now: datetime, end: datetime
) -> Means:
    """The means of the line's open operations, at any of `places`, from `now` to `end`; `opened`: when the line works.

    What the record does not keep, nothing asks for.
    """
    materials = {each.order.material_id for each in work}
    skills = _skills(work, {each.pk: each.path for each in places}, now)
    classes = _tool_classes(work, materials, now)
    wanted = {name for names in skills.values() for name in names}
    tools = Tool.objects.filter(is_active=True, tool_class__in={name for names in classes.values() for name in names}) if classes else ()
    found = materials_of(line, work, now)
    return Means(
        skills,
        classes,
        found.needs,
        found.taken,
        _workers(line, wanted, opened, now, end) if wanted else (),
        tuple(PlantTool(each.tool_id, each.tool_class, each.equipment_id or "", () if each.is_worn else None) for each in tools),
        found.stocks,
        found.pegs,
    )


def _skills(work: Sequence[Operation], paths: Mapping[str, str], now: datetime) -> Asked:
    rows = list(SkillRequirement.objects.filter(valid_at(now)).values_list("skill_id", "equipment__path", "material_id", "step_number"))
    if not rows:
        return {}
    above = {key: {None, *paths_above(path)} for key, path in paths.items()}
    asked = {
        (key, *step): tuple(sorted({name for name, path, material, number in rows if path in there and {material, number} <= {None, *step}}))
        for key, there in above.items()
        for step in {(each.order.material_id, each.number) for each in work}
    }
    steps = {each.operation_id: (each.order.material_id, each.number) for each in work}
    return {(operation, key): names for operation, step in steps.items() for key in paths if (names := asked[(key, *step)])}


def _tool_classes(work: Iterable[Operation], materials: set[str], now: datetime) -> dict[str, tuple[str, ...]]:
    by_step: dict[tuple[str, int], set[str]] = defaultdict(set)
    asked = ToolRequirement.objects.filter(valid_at(now), material__in=materials)
    for material, step, name in asked.values_list("material_id", "step_number", "tool_class"):
        by_step[material, step].add(name)
    steps = {each.operation_id: (each.order.material_id, each.number) for each in work}
    return {key: tuple(sorted(by_step[step])) for key, step in steps.items() if step in by_step}


def _workers(line: Equipment, skills: set[str], opened: tuple[Span, ...], now: datetime, end: datetime) -> tuple[Worker, ...]:
    """Who holds one of the skills, and when they are at the line."""
    held: dict[str, set[str]] = defaultdict(set)
    holders = Qualification.objects.filter(valid_at(now), skill__in=skills, person__is_active=True)
    for person, skill in holders.values_list("person_id", "skill_id"):
        held[person].add(skill)
    return workers(held, _shifts(line, now), opened, now, end) if held else ()


def _shifts(line: Equipment, now: datetime) -> list[PlannedShift]:
    """Those planned at the line, around it or at its machines that are not over; of one that was ended early its planned end counts."""
    here = Q(equipment__path__in=paths_above(line.path)) | below("equipment__path", line.path)
    found = ShiftAssignment.objects.filter(here, Q(to_ts__gt=now) | Q(planned_to_ts__gt=now))
    rows = found.values_list("person_id", "from_ts", "to_ts", "planned_to_ts")
    return [PlannedShift(person, from_ts, planned_to_ts or to_ts, to_ts) for person, from_ts, to_ts, planned_to_ts in rows]
