"""What a person was told of and is not yet closed: their inbox, and the number in the head of each page."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from factolake.mes.alerts.kinds import Severity
from factolake.mes.alerts.models import Alert, AlertNotice, AlertState


@dataclass(frozen=True, slots=True)
class Bell:
    """How many open alerts wait for a person, and whether one of them is about danger."""

    count: int
    is_danger: bool


def of_person(person_id: str) -> "QuerySet[Alert]":
    """Alerts that the person was told of and that are not closed."""
    told = AlertNotice.objects.filter(alert=OuterRef("pk"), person=person_id)
    return Alert.objects.filter(Exists(told)).exclude(state=AlertState.CLOSED.value)


def count_of(person_id: str) -> Bell:
    """What the head of a page shows: alerts that nobody has acknowledged yet."""
    waiting = list(of_person(person_id).filter(state=AlertState.OPEN.value).values_list("severity", flat=True))
    return Bell(len(waiting), Severity.SAFETY.value in waiting)
