"""What the planner says, from `lake_plan`: of a line its newest try, and the request it has not answered yet; of a proposal what goes beside it."""

import json
from collections.abc import Collection, Iterable
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


@dataclass(frozen=True, slots=True)
class Way:
    """One way on for an operation that was interrupted at `equipment`: what is done and what follows, in sentences; `to`: where it goes on, if so.

    `kind` is "wait", "elsewhere" or "scrap"; `is_taken`: the plan goes by it.
    """

    operation: str
    equipment: str
    kind: str
    to: str
    says: str
    then: str
    is_taken: bool


def beside(version: ScheduleVersion, interrupted: Collection[str]) -> tuple[dict[str, list[Way]], str]:
    """By operation of `interrupted` what may become of it, the plan's own way first; and what earlier knowledge of the stop was worth, in words."""
    query = f"SELECT ways, hindsight FROM {TABLE} WHERE plan_id = %s"
    found = next(rows(query, [version.source_id]), None) if is_there(TABLE, "ways", "hindsight") else None
    ways: dict[str, list[Way]] = {}
    for each in json.loads((found and found["ways"]) or "[]"):
        if each["operation"] in interrupted:
            ways.setdefault(each["operation"], []).append(Way(**each))
    return ways, (found and found["hindsight"]) or ""


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
