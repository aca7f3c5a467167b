"""Machines that stand still: since when, what people say of it, and until when plans take them to stay so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from factolake.config.settings import PlannerSettings
from factolake.domain.plant import PlantModel
from factolake.planning.reacting import SHORT_STOP
from models.planning.risk import History
from pipelines.planning.past import FAILED_STATES, expected_end, repairs_of
from pipelines.planning.record import Record


@dataclass(frozen=True, slots=True)
class Stopped:
    """A machine that stands still since `since_ts`.

    `repaired_ts` None: nobody estimates, and too few stops before were like it. `says`: what people say of it; `is_breakdown`: that it is broken.
    """

    machine: str
    since_ts: datetime
    repaired_ts: datetime | None
    says: str = ""
    is_breakdown: bool = False


def stopped(record: Record, plant: PlantModel, line: str, now: datetime, settings: PlannerSettings) -> dict[str, Stopped]:
    """The machines of `line` that a plan cannot count on, by id: broken down, or standing still for as long as no short stop lasts."""
    said, estimates, machines = _said(record), _estimates(record), plant.lines[line].machines
    downs = [row for row in record.rows("downtime", "is_open") if row["machine"] in machines and row["state"] in FAILED_STATES]
    downs = [row for row in downs if row["machine"] in said or now - row["from_ts"] >= SHORT_STOP]
    is_guessed = any(row["machine"] not in estimates for row in downs)
    before = repairs_of(record, plant, line, now) if is_guessed else History()
    found = {}
    for row in downs:
        machine, since = row["machine"], row["from_ts"]
        until = estimates.get(machine) or expected_end(before, machine, since, now, settings.robust_quantile)
        found[machine] = Stopped(machine, since, until, said.get(machine, ""), machine in said)
    return found


def _said(record: Record) -> Mapping[str, str]:
    """Why machines are broken, as people say: a request or an order of maintenance for one that stands still, or the reason of the open stop."""
    asked = record.rows("maintenance_requests", "is_stopped AND state IN ('open', 'accepted')")
    working = record.rows("maintenance_orders", "state IN ('open', 'working') AND stopped_ts IS NOT NULL")
    words = {row["equipment"]: row["description"] or "" for row in (*asked, *working)}
    given = record.rows("stops", "is_open AND state = 'current' AND reason_id IS NOT NULL")
    reasons = {row["reason_id"]: row for row in record.rows("reasons")} if given else {}
    for row in given:
        reason = reasons.get(row["reason_id"], {})
        if not reason.get("is_planned"):
            words.setdefault(row["machine"], str(reason.get("name") or row["reason_id"]))
    return words


def _estimates(record: Record) -> Mapping[str, datetime]:
    """Until when operations wait for a repair, as a person said; the latest of a machine."""
    latest: dict[str, datetime] = {}
    for row in record.rows("operations", "state = 'suspended' AND waits_until_ts IS NOT NULL"):
        latest[row["equipment"]] = max(latest.get(row["equipment"], row["waits_until_ts"]), row["waits_until_ts"])
    return latest
