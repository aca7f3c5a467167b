"""The last good check of a thing: which characteristics are checked there, and when each was last found good by a gauge nobody doubts."""

from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import MaterialDefinition, Operation, Order
from factolake.mes.quality.models import Calibration, Inspection, InspectionPlan, InspectionResult

Checked = tuple[str, str]
"""Equipment id and characteristic."""


def below(path_field: str, path: str) -> Q:
    """Condition for a path that is `path` or lies in it."""
    return Q(**{path_field: path}) | Q(**{f"{path_field}__startswith": f"{path}/"})


def checked_at(subject: Record, now: datetime, characteristic: str = "") -> list[Checked]:
    """What the plans valid now check of a thing; only `characteristic` when that is given. Empty for what no plan knows, such as one lot."""
    plans = InspectionPlan.objects.filter(Q(valid_to=None) | Q(valid_to__gt=now), _plans_of(subject))
    if characteristic:
        plans = plans.filter(characteristic=characteristic)
    return sorted(set(plans.values_list("equipment_id", "characteristic")))


def _plans_of(subject: Record) -> Q:
    if isinstance(subject, Equipment):
        return below("equipment__path", subject.path)
    if isinstance(subject, MaterialDefinition):
        return Q(material=subject)
    if isinstance(subject, Operation):
        return Q(equipment=subject.equipment_id) & (Q(material=None) | Q(material=subject.order.material_id))
    if isinstance(subject, Order):
        machines = subject.operations.values("equipment_id")
        return Q(equipment__in=machines) & (Q(material=None) | Q(material=subject.material_id))
    return Q(pk__in=())


def last_good(checked: Checked, until: datetime, after: datetime | None = None) -> datetime | None:
    """When the characteristic was last found good, at `until` or before and, where given, after `after`; None: never.

    A check does not count when the next calibration of its gauge failed: what it measured is in doubt.
    """
    equipment_id, characteristic = checked
    next_calibration = Calibration.objects.filter(gauge=OuterRef("gauge"), at_ts__gte=OuterRef("at_ts")).order_by("at_ts", "pk")
    good = Inspection.objects.filter(equipment=equipment_id, characteristic=characteristic, result=InspectionResult.PASSED.value, at_ts__lte=until)
    good = good.annotate(trusted=Subquery(next_calibration.values("passed")[:1])).filter(Q(trusted=None) | Q(trusted=True))
    if after is not None:
        good = good.filter(at_ts__gt=after)
    return good.order_by("-at_ts").values_list("at_ts", flat=True).first()
