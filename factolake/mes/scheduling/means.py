"""What the work of a line takes beside its machine, and what there is of it: people with skills, tools of a class, materials in stock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, Sum

from factolake.domain.order import MAKING
from factolake.mes.equipment.models import Equipment
from factolake.mes.personnel.models import Qualification, ShiftAssignment, SkillRequirement
from factolake.mes.production.models import BillItem, Consumption, Delivery, DeliveryState, Lot, LotStatus, Operation, Order
from factolake.mes.quality.good_checks import below
from factolake.mes.quality.scope import paths_above
from factolake.mes.tooling.models import Tool, ToolRequirement
from factolake.planning.situation import PlantTool, Span, Stock, Worker

Amounts = Mapping[str, Mapping[str, float]]
Asked = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Means:
    """What operations take, and the people, tools and stocks that there are.

    `skills`: by operation and machine. By operation: `tool_classes`, `needs` of a material for each item, and how much of it was `taken` already.
    """

    skills: Asked
    tool_classes: Mapping[str, tuple[str, ...]]
    needs: Amounts
    taken: Amounts
    workers: tuple[Worker, ...]
    tools: tuple[PlantTool, ...]
    stocks: tuple[Stock, ...]


NOTHING = Means({}, {}, {}, {}, (), (), ())
"""Work that takes a machine and nothing else."""


def means_of(line: Equipment, work: Sequence[Operation], places: Iterable[Equipment], opened: tuple[Span, ...], now: datetime) -> Means:
    """The means of the line's open operations, at any of `places`; `opened`: when the line works. What the record does not keep, nothing asks for."""
    materials = {each.order.material_id for each in work}
    skills = _skills(work, {each.pk: each.path for each in places}, now)
    classes, needs = _tool_classes(work, materials, now), _needs(work, materials, now)
    wanted = {name for names in skills.values() for name in names}
    tools = Tool.objects.filter(is_active=True, tool_class__in={name for names in classes.values() for name in names}) if classes else ()
    return Means(
        skills,
        classes,
        needs,
        _taken([each for each in work if each.operation_id in needs and each.actual_start_ts is not None]),
        tuple(_workers(line, wanted, opened, now)) if wanted else (),
        tuple(PlantTool(each.tool_id, each.tool_class, each.equipment_id or "", () if each.is_worn else None) for each in tools),
        _stocks({name for each in needs.values() for name in each}) if needs else (),
    )


def _valid(now: datetime) -> Q:
    return Q(valid_from__lte=now) & (Q(valid_to=None) | Q(valid_to__gt=now))


def _skills(work: Sequence[Operation], paths: Mapping[str, str], now: datetime) -> Asked:
    rows = list(SkillRequirement.objects.filter(_valid(now)).values_list("skill_id", "equipment__path", "material_id", "step_number"))
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
    asked = ToolRequirement.objects.filter(_valid(now), material__in=materials)
    for material, step, name in asked.values_list("material_id", "step_number", "tool_class"):
        by_step[material, step].add(name)
    steps = {each.operation_id: (each.order.material_id, each.number) for each in work}
    return {key: tuple(sorted(by_step[step])) for key, step in steps.items() if step in by_step}


def _needs(work: Iterable[Operation], materials: set[str], now: datetime) -> dict[str, dict[str, float]]:
    by_step: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    items = BillItem.objects.filter(_valid(now), material__in=materials)
    for material, step, component, quantity in items.values_list("material_id", "step_number", "component_id", "quantity"):
        by_step[material, step][component] = by_step[material, step].get(component, 0.0) + float(quantity)
    steps = {each.operation_id: (each.order.material_id, each.number) for each in work}
    return {key: by_step[step] for key, step in steps.items() if step in by_step}


def _taken(begun: list[Operation]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    if begun:
        used = Consumption.objects.filter(operation__in=begun).order_by().values_list("operation_id", "lot__material_id")
        for key, material, quantity in used.annotate(Sum("quantity")):
            found[key][material] = float(quantity)
    return found


def _workers(line: Equipment, skills: set[str], opened: tuple[Span, ...], now: datetime) -> Iterable[Worker]:
    """Who holds one of the skills. After the last shift that is planned for anybody, they are taken to be there whenever the line works."""
    held: dict[str, set[str]] = defaultdict(set)
    holders = Qualification.objects.filter(_valid(now), skill__in=skills, person__is_active=True)
    for person, skill in holders.values_list("person_id", "skill_id"):
        held[person].add(skill)
    here = Q(equipment__path__in=paths_above(line.path)) | below("equipment__path", line.path)
    shifts = (
        list(ShiftAssignment.objects.filter(here, to_ts__gt=now).order_by("from_ts").values_list("person_id", "from_ts", "to_ts")) if held else []
    )
    known_until = max([now, *(to_ts for _, _, to_ts in shifts)])
    later = [(max(start, known_until), end) for start, end in opened if end > known_until]
    for person, own in sorted(held.items()):
        planned = [(max(from_ts, now), to_ts) for who, from_ts, to_ts in shifts if who == person]
        yield Worker(person, frozenset(own), (*planned, *later))


def _stocks(components: set[str]) -> tuple[Stock, ...]:
    """What may be used of each component that is booked in lots or awaited, and the deliveries that are expected.

    Once a delivery of it was entered, whatever became of it, that is all that comes. What open orders make is the plan's own matter, and no stock.
    """
    own = Order.objects.filter(material__in=components, state__in=[state.value for state in MAKING])
    bought = components - set(own.order_by().values_list("material_id", flat=True).distinct())
    told = Delivery.objects.filter(material__in=bought).order_by()
    awaited: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for each in told.filter(state=DeliveryState.EXPECTED.value):
        awaited[each.material_id].append((each.expected_ts, float(each.left)))
    limits = set(told.values_list("material_id", flat=True).distinct())
    booked = Lot.objects.filter(material__in=bought).order_by()
    usable = booked.filter(status=LotStatus.UNRESTRICTED.value, remaining__gt=0)
    there = dict(usable.values_list("material_id").annotate(Sum("remaining")))
    known = sorted(limits.union(booked.values_list("material_id", flat=True).distinct()))
    return tuple(Stock(name, float(there.get(name, 0)), tuple(awaited[name]), is_all=name in limits) for name in known)
