"""The cycles of a machine, and the plans that are due by them."""

from datetime import datetime
from decimal import Decimal

from django.db.models import F, Sum

from factolake.mes.core.refusals import Invalid
from factolake.mes.maintenance.due import Due, PlanDue, due
from factolake.mes.maintenance.models import CycleSource, PreventivePlan
from factolake.mes.maintenance.models.request import PENDING
from factolake.mes.production.models import Operation


def counted(equipment_ids: list[str]) -> dict[str, Decimal]:
    """Good and scrap that the operations of each machine have reported, over all time; 0 where none did."""
    sums = Operation.objects.filter(equipment__in=equipment_ids).values_list("equipment_id").annotate(cycles=Sum(F("good") + F("scrap")))
    return dict.fromkeys(equipment_ids, Decimal(0)) | dict(sums)


def cycles_of(plan: PreventivePlan, given: Decimal | None) -> Decimal | None:
    """The count that `plan` goes by; None where it does not go by cycles or nobody gave the counter. Raises Invalid for a count that is not asked."""
    is_given = plan.cycles_from == CycleSource.GIVEN.value
    if given is not None and not (is_given and plan.every_cycles is not None):
        raise Invalid(f"preventive plan {plan.plan_id} does not go by a counter that is given; leave out cycles")
    if plan.every_cycles is None or is_given:
        return given
    return counted([plan.equipment_id])[plan.equipment_id]


def due_of(plan: PreventivePlan) -> Due:
    """When the plan is due."""
    return Due(plan.next_due_ts, plan.next_due_cycles)


def due_plans(now: datetime) -> list[str]:
    """Ids of the active plans that are due and have not asked yet, by time and by what the operations counted."""
    waiting = PreventivePlan.objects.filter(is_active=True).exclude(requests__state__in=PENDING).order_by("plan_id")
    plans = list(waiting)
    counters = counted(sorted({p.equipment_id for p in plans if p.cycles_from == CycleSource.OPERATIONS.value and p.every_cycles is not None}))
    given = CycleSource.GIVEN.value
    by_count = [PlanDue(p.plan_id, p.equipment_id, Due(p.next_due_ts, None) if p.cycles_from == given else due_of(p)) for p in plans]
    return due(by_count, now, counters)
