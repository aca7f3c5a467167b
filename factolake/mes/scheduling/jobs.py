"""What scheduling does by itself: plans of the lake become proposals, and proposals that the present has overtaken are marked as stale."""

from datetime import datetime

from factolake.mes.core.jobs import job
from factolake.mes.scheduling.actions.deciding import mark_stale
from factolake.mes.scheduling.actions.proposals import overtaken_now
from factolake.mes.scheduling.models import ScheduleState, ScheduleVersion
from factolake.mes.scheduling.takeover_run import turn


def mark_overtaken(now: datetime) -> int:
    """Mark every open proposal that no longer fits; returns how many."""
    waiting = ScheduleVersion.objects.filter(state=ScheduleState.PROPOSED.value).select_related("line")
    return sum(mark_stale(version.pk, now) for version in waiting if overtaken_now(version))


job("schedules", 5.0, mark_overtaken)
job("plans", 2.0, turn)
