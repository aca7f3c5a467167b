"""Which checks are due at a place: its plans, when each was last checked, and what was made since."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Sum

from factolake.mes.core.record import plain
from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Production
from factolake.mes.quality.good_checks import below
from factolake.mes.quality.judge import SinceLast, is_due
from factolake.mes.quality.models import InspectionPlan, SampledPer


def due_checks(equipment: Equipment, now: datetime) -> list[dict[str, Any]]:
    """Every plan valid at `now` for the equipment and what lies in it, with whether its check is due."""
    plans = InspectionPlan.objects.filter(valid_at(now), below("equipment__path", equipment.path)).select_related("equipment").order_by("pk")
    return [state_of(plan, now) for plan in plans]


def state_of(plan: InspectionPlan, now: datetime) -> dict[str, Any]:
    """When the plan was last checked, what was made since, and whether a check is due."""
    since = _since_last(plan, now)
    return {
        "plan_id": plan.pk,
        "equipment_id": plan.equipment_id,
        "characteristic": plan.characteristic,
        "sample_size": plan.sample_size,
        "last_check_ts": plain(since.at_ts),
        "parts_since": plain(since.parts),
        "lots_since": since.lots,
        "is_due": is_due(SampledPer(plan.sampled_per), plan.sampled_every, since, now),
    }


def _since_last(plan: InspectionPlan, now: datetime) -> SinceLast:
    """What was made at the plan's place, of its material and step, since the last check by it or, before the first, since it is valid."""
    last = plan.inspections.filter(at_ts__lte=now).order_by("-at_ts").values_list("at_ts", flat=True).first()
    made = Production.objects.filter(below("operation__equipment__path", plan.equipment.path), at_ts__gt=last or plan.valid_from, at_ts__lte=now)
    if plan.material_id is not None:
        made = made.filter(operation__order__material=plan.material_id)
    if plan.step_number is not None:
        made = made.filter(operation__number=plan.step_number)
    sums = made.aggregate(parts=Sum(F("good") + F("scrap") + F("rework")), lots=Count("lot", distinct=True))
    return SinceLast(last, sums["parts"] or Decimal(0), sums["lots"])
