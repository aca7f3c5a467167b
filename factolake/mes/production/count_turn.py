"""Machine counts are booked by themselves, as the service `lake`: every operation in an action of its own, so that one that cannot keeps no other."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

import structlog
from django.conf import settings
from django.db.models import Max, Q, QuerySet

from factolake.domain.action import Role
from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.lake import is_there, rows
from factolake.mes.core.refusals import Conflict
from factolake.mes.people.services import act, service
from factolake.mes.production.machine_counts import HOUR, LAKE, TABLE, Counters, counters_of, unbooked
from factolake.mes.production.models import CountedBy, Operation, Production
from factolake.mes.production.models.material import PIECE

BOOKED_EVERY = timedelta(minutes=10)
"""How often what a machine counts in the hour under way is booked while its operation runs; everything else is booked at once."""
TURN_S = 5.0
"""How long a turn goes on, other jobs come after it; it is past this by one operation."""
_RECENT, _LATE = timedelta(days=1), timedelta(days=31)
_NOT_NOW = (OperationState.HELD.value, OperationState.CANCELLED.value)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class CountTurn:
    """Books what is new, turn by turn.

    Looked at are operations at work or ended within a day, and those of orders of which the lake told something since; once an hour all that ended
    within 31 days, for what the lake took away without telling something else. What a turn does not get to is looked at in the next ones, before
    anything else is.
    """

    _version: int = -1
    _looked_ts: datetime | None = None
    _left: list[str] = field(default_factory=list)

    def turn(self, now: datetime) -> int:
        """Book what is due, for about five seconds; returns for how many operations."""
        if settings.FACTOMES_INCUMBENT or not is_there(TABLE):
            return 0
        begun, done, counters = time.monotonic(), 0, cache(counters_of)
        if not self._left:
            self._look(now)
        while self._left:
            operation = _wanted().filter(pk=self._left.pop()).select_related("equipment").first()
            if operation is not None and _is_due(operation, now, counters) and _book(operation, now):
                done += 1
            if time.monotonic() - begun >= TURN_S:
                break
        return done

    def _look(self, now: datetime) -> None:
        """Find what is to be looked at."""
        looks_far = self._looked_ts is None or not now - HOUR < self._looked_ts <= now
        version = int(next(rows(f"SELECT coalesce(max(lake_version), -1) AS newest FROM {TABLE}"))["newest"])
        self._left = _candidates(self._version, now - (_LATE if looks_far else _RECENT))[::-1]
        self._version = version
        self._looked_ts = now if looks_far else self._looked_ts


def _wanted() -> "QuerySet[Operation]":
    """Operations of which machines' counts are booked."""
    counted = Operation.objects.filter(order__counted_by=CountedBy.MACHINE.value, order__material__base_unit=PIECE, actual_start_ts__isnull=False)
    return counted.exclude(state__in=_NOT_NOW).exclude(order__state=OrderState.CLOSED.value)


def _candidates(version: int, ended_after: datetime) -> list[str]:
    """Ids of those at hand, then of those the lake told something of since `version`; each once."""
    told = [row["order_id"] for row in rows(f"SELECT DISTINCT order_id FROM {TABLE} WHERE lake_version > %s", [version])]
    found = list(_wanted().filter(Q(actual_end_ts=None) | Q(actual_end_ts__gt=ended_after)).values_list("pk", flat=True))
    for start in range(0, len(told), 500):
        found += _wanted().filter(order__in=told[start : start + 500]).values_list("pk", flat=True)
    return list(dict.fromkeys(found))


def _is_due(operation: Operation, now: datetime, counters: Counters) -> bool:
    """Whether something is to be booked now: of the hour under way not more often than `BOOKED_EVERY`."""
    news = unbooked(operation, counters)
    if operation.state != OperationState.RUNNING.value or any(at_ts < now.replace(minute=0, second=0, microsecond=0) for _, _, at_ts in news):
        return bool(news)
    last = Production.objects.filter(operation=operation, source_system=LAKE).aggregate(last=Max("changed_ts"))["last"]
    return bool(news) and (last is None or not now - BOOKED_EVERY < last <= now)


def _book(operation: Operation, now: datetime) -> bool:
    try:
        act(service(LAKE, "The lake", now), Role.ENGINEER, "operation.take_counts", operation.pk, now, "sync")
    except Conflict as refused:  # under a hold, say: it is tried again
        _log.info("machine counts wait", operation=operation.pk, cause=str(refused))
        return False
    return True
