"""Where else operations may be done, and in what times, by the routings of their materials as they are now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from factolake.mes.core.validity import valid_at
from factolake.mes.production.models import Operation, RoutingAlternative, RoutingStep
from factolake.planning.situation import Alternative
from factolake.planning.ways import alternatives


@dataclass(frozen=True, slots=True)
class Times:
    """Planned times of an operation at a machine, in seconds; `run_s` is per item, None: not known."""

    run_s: float | None
    setup_s: float


def elsewhere(operations: Iterable[Operation], now: datetime) -> dict[str, tuple[Alternative, ...]]:
    """By operation, the other machines that may do it; those of which there is none are left out."""
    work = list(operations)
    is_valid = valid_at(now) & Q(material__in={each.order.material_id for each in work})
    others: dict[tuple[str, int], list[Alternative]] = defaultdict(list)
    for row in RoutingAlternative.objects.filter(is_valid, equipment__is_active=True).order_by("pk"):
        others[row.material_id, row.step_number].append(_way(row))
    steps = {(row.material_id, row.number): _way(row) for row in RoutingStep.objects.filter(is_valid)} if others else {}
    found = {}
    for each in work:
        step = steps.get((each.order.material_id, each.number))
        ways = alternatives(each.equipment_id, step, others[each.order.material_id, each.number]) if step is not None else ()
        if ways:
            found[each.operation_id] = ways
    return found


def times_at(operation: Operation, equipment_id: str, ways: Iterable[Alternative]) -> Times:
    """Its planned times there: as one of `ways` says, else its own."""
    way = next((each for each in ways if each.equipment == equipment_id), Alternative(equipment_id))
    run_s = operation.planned_run_s if way.planned_run_s is None else way.planned_run_s
    return Times(run_s, operation.planned_setup_s if way.planned_setup_s is None else way.planned_setup_s)


def _way(row: RoutingStep | RoutingAlternative) -> Alternative:
    return Alternative(row.equipment_id, row.planned_run_s, row.planned_setup_s)
