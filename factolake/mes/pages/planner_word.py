"""What the planner last said of a line, from `lake_plan`, and the request for a new plan that it has not answered yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from factolake.mes.core.lake import is_there, rows, stamp, utc
from factolake.mes.scheduling.models import ScheduleRequest, ScheduleVersion

TABLE = "lake_plan"
ANSWERED_WITHIN = timedelta(days=7)
"""The planner looks at no older request, so nobody waits for it any more."""
_CLOCKS_DIFFER = timedelta(hours=1)
"""The planner's clock may be another machine's: its answer may seem older than the request by less than this."""
_ENDED = {
    "optimal": "no better plan exists",
    "feasible": "a plan was found",
    "infeasible": "no plan is possible",
    "unknown": "no plan was found in time",
    "failed": "no answer",
}
_NEWEST = f"""
SELECT plan_id, started_ts, why, status, is_published, told,
       EXISTS (SELECT 1 FROM {TABLE} WHERE line = %s AND about = %s AND started_ts >= %s) AS is_answered
FROM {TABLE} WHERE line = %s ORDER BY started_ts DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Try:
    """The newest try to plan a line. `ended`: its status in words; `told`: what came of it; `version`: as which proposal, None for none yet."""

    started_ts: datetime
    why: str
    ended: str
    told: str
    is_published: bool
    version: ScheduleVersion | None


def planner_word(line: str, versions: Iterable[ScheduleVersion], now: datetime) -> tuple[Try | None, ScheduleRequest | None]:
    """The newest try, and the newest request while it is not answered; earlier ones are answered with it. `versions`: the line's of late."""
    recent = ScheduleRequest.objects.filter(line=line, requested_ts__gt=now - ANSWERED_WITHIN)
    asked = recent.select_related("requested_by").order_by("-pk").first()
    if not is_there(TABLE):
        return None, asked
    about, since = (f"request {asked.pk}", asked.requested_ts - _CLOCKS_DIFFER) if asked is not None else ("", now)
    found = next(rows(_NEWEST, [line, about, stamp(since), line]), None)
    if found is None:
        return None, asked
    version = next((each for each in versions if each.source_id == found["plan_id"]), None)
    ended = _ENDED.get(found["status"], found["status"])
    tried = Try(utc(found["started_ts"]), found["why"], ended, found["told"], bool(found["is_published"]), version)
    return tried, None if found["is_answered"] else asked
