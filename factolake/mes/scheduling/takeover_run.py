"""One turn of the takeover: what `lake_schedule` has for the lines is proposed by the service `lake`; a plan that cannot be is kept as rejected."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from factolake.domain.action import Role
from factolake.mes.core.lake import is_there, rows, utc
from factolake.mes.core.refusals import Invalid, Refusal
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.people.models import Person
from factolake.mes.people.services import act, service
from factolake.mes.scheduling.actions.proposals import SYNC
from factolake.mes.scheduling.models import ScheduleState, ScheduleVersion
from factolake.mes.scheduling.takeover import LakePlan, Step, wanted

TABLE = "lake_schedule"
LAKE = "lake"
"""Id of the service that brings what the lake says, as for stops; it may not sign in."""
_log = structlog.get_logger(__name__)
_unfit: set[str] = set()
"""Plans that no proposal can be made of, such as those with an id that is none: told once, and not tried again before a restart."""


def turn(now: datetime) -> int:
    """Take what is new; returns how many proposals were made or taken back."""
    if not is_there(TABLE):
        return 0
    proposals = _proposals()
    told = _told(proposals)
    steps = wanted(told, _taken(told), proposals)
    actor = service(LAKE, "The lake", now) if steps else None
    return sum(_take(step, actor, now) for step in steps if actor is not None and step.propose not in _unfit)


def _told(proposals: Mapping[str, tuple[str, str]]) -> list[LakePlan]:
    """The newest plan of each line that the record knows, and those of `proposals` that are still there; by index, for the table holds a month."""
    lines = Equipment.objects.filter(level=EquipmentLevel.PRODUCTION_LINE.value).values_list("equipment_id", flat=True)
    plans = {(line_id, plan_id) for line_id, (_, plan_id) in proposals.items()}
    newest = f"SELECT max(plan_id) AS plan_id FROM {TABLE} WHERE line = %s AND as_of = (SELECT max(as_of) FROM {TABLE} WHERE line = %s)"
    for line_id in lines:
        plans |= {(line_id, row["plan_id"]) for row in rows(newest, [line_id, line_id]) if row["plan_id"]}
    # By the plan alone: asked for line and plan, SQLite goes through all of the line's rows
    query = f"SELECT line, max(as_of) AS latest, count(*) AS held, max(plan_operations) AS whole FROM {TABLE} WHERE plan_id = %s GROUP BY line"
    found = (row | {"plan_id": plan_id} for plan_id in {plan_id for _, plan_id in plans} for row in rows(query, [plan_id]))
    held = [LakePlan(row["line"], row["plan_id"], utc(row["latest"]), row["held"], row["whole"]) for row in found]
    return [plan for plan in held if (plan.line_id, plan.plan_id) in plans]


def _taken(told: list[LakePlan]) -> dict[str, set[str]]:
    """Which of these plans each line had already."""
    taken: dict[str, set[str]] = defaultdict(set)
    versions = ScheduleVersion.objects.filter(source_id__in=[plan.plan_id for plan in told])
    for line_id, plan_id in versions.values_list("line_id", "source_id"):
        taken[line_id].add(plan_id)
    return taken


def _proposals() -> dict[str, tuple[str, str]]:
    """The open proposals of the lake's: by line the schedule's id and the plan's."""
    own = ScheduleVersion.objects.filter(state=ScheduleState.PROPOSED.value, made_by=LAKE)
    return {line_id: (key, plan_id) for line_id, key, plan_id in own.values_list("line_id", "pk", "source_id")}


def _take(step: Step, actor: Person, now: datetime) -> bool:
    """Do it; False where a person's proposal is in the way, or somebody decided meanwhile: the next turn looks again."""
    others = ScheduleVersion.objects.filter(line=step.line_id, state=ScheduleState.PROPOSED.value).exclude(made_by=LAKE)
    if others.exists():
        return False
    try:
        if step.withdraw:
            why = f"plan {step.propose} has come in its place" if step.propose else "the plan is no longer in the lake"
            act(actor, Role.PLANNER, "schedule.reject", step.withdraw, now, SYNC, reason=why)
        if step.propose:
            act(actor, Role.PLANNER, "schedule.create", "", now, SYNC, **_payload(step))
    except Invalid as error:
        _unfit.add(step.propose)
        _log.warning("plan of the lake cannot be read", line=step.line_id, plan=step.propose, cause=str(error))
        return False
    except Refusal:
        return False
    return True


def _payload(step: Step) -> dict[str, Any]:
    query = f"SELECT * FROM {TABLE} WHERE line = %s AND plan_id = %s ORDER BY planned_start_ts, operation_id"
    found = list(rows(query, [step.line_id, step.propose]))
    entries = [
        {
            "operation_id": row["operation_id"],
            "equipment_id": row["machine"],
            "planned_start_ts": utc(row["planned_start_ts"]).isoformat(),
            "planned_end_ts": utc(row["planned_end_ts"]).isoformat(),
            "why": row["why"] or "",
        }
        for row in found
    ]
    about = {"reason": found[0]["plan_why"], "based_on_id": found[0]["based_on"] or "", "source_id": step.propose}
    return {"line_id": step.line_id, "entries": entries, **about}
