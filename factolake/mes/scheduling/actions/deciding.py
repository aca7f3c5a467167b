"""Acceptance: one authorised person, bound to exactly what they saw, checked against the present in the transaction that writes the plan.

People accept for themselves; a service or agent has to propose `schedule.accept`, and others approve it (approvals). What a kill switch stops is
not accepted either: an open proposal of that program is rejected when the switch is pulled.
"""

from datetime import datetime

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.approvals.actions.switches import check_not_stopped
from factolake.mes.core.action import On, action
from factolake.mes.core.call import Call, after_each_action, locked
from factolake.mes.core.refusals import Conflict, Refusal, Stale
from factolake.mes.people.services import act, service
from factolake.mes.production.ways import elsewhere, times_at
from factolake.mes.scheduling.actions.proposals import DECIDERS, end, locked_current
from factolake.mes.scheduling.forms import AcceptForm
from factolake.mes.scheduling.models import SCHEDULE_STATES, EntryState, ScheduleState, ScheduleVersion
from factolake.mes.scheduling.present import equipment_of, open_operations, overtaken, standing
from factolake.mes.scheduling.proposing import digest_of
from factolake.mes.scheduling.writing import Planned, held, write

CLOCK = "clock"
"""Id of the service that marks what time has overtaken; the one of the approvals."""


class Overtaken(Stale):
    """The proposal no longer fits the present; when the acceptance is rolled back, the proposal is marked as stale."""

    def __init__(self, message: str, version: ScheduleVersion, now: datetime) -> None:
        super().__init__(message)
        self._key, self._now = version.pk, now

    def after_rollback(self) -> None:
        """Mark it."""
        mark_stale(self._key, self._now)


def mark_stale(key: str, now: datetime) -> bool:
    """Have the service look at a proposal again; returns False when somebody decided about it meanwhile."""
    try:
        act(service(CLOCK, "The clock", now), Role.ENGINEER, "schedule.recheck", key, now)
    except Refusal:
        return False
    return True


@action("schedule.accept", On(ScheduleVersion), DECIDERS, Effect.PRODUCTION, AcceptForm)
def accept_schedule(call: Call, version: ScheduleVersion, form: AcceptForm) -> ScheduleVersion:
    """Make a proposal the line's schedule: its operations get their machines, places in the sequence and planned times.

    One that goes to another machine of its routing gets the run and set-up times that it has there.
    """
    SCHEDULE_STATES.check(version.pk, version.state, ScheduleState.ACCEPTED)
    entries = standing(version)
    if form.digest != version.digest or digest_of(version.line_id, entries) != version.digest:
        raise Conflict(f"schedule {version.pk} is not what you saw: it has the digest {version.digest}; read it again")
    if version.made_by.kind != ActorKind.HUMAN.value:
        check_not_stopped("schedule.accept", [version.made_by], is_proposed=True)
    current = locked_current(version.line_id)
    operations = held((e.operation_id for e in entries), {place for e in entries for place in (e.equipment_id, e.before_equipment_id)})
    said = overtaken(entries, {**open_operations(equipment_of(version.line)), **operations})
    if said:
        raise Overtaken(f"schedule {version.pk} no longer fits the present: {said}; ask for a new one", version, call.at_ts)
    if current is not None:
        end(call, current, ScheduleState.SUPERSEDED, f"replaced by {version.pk}")
    wanted = {e.operation_id: Planned(e.equipment_id, e.planned_start_ts, e.planned_end_ts) for e in entries}
    moving = [operations[key] for key, place in wanted.items() if place.equipment_id != operations[key].equipment_id]
    ways = elsewhere(moving, call.at_ts)
    times = {each.pk: times_at(each, wanted[each.pk].equipment_id, ways.get(each.pk, ())) for each in moving}
    before = {each.pk: {"before_run_s": each.planned_run_s, "before_setup_s": each.planned_setup_s} for each in moving}
    write(call, operations, wanted, times)
    call.change_many((entry, {"state": EntryState.ACCEPTED.value, **before.get(entry.operation_id, {})}) for entry in entries)
    call.change(version, replaces=current)
    return end(call, version, ScheduleState.ACCEPTED)


@after_each_action
def reject_what_is_stopped(call: Call) -> None:
    """A kill switch that is pulled takes the open proposals of what it stops along, so that they do not come back later."""
    for change in list(call.changes):
        if change.noun == "kill_switch" and change.after is not None and change.after["is_on"]:
            _reject_stopped(call, str(change.after["scope"]))


def _reject_stopped(call: Call, scope: str) -> None:
    kind, _, name = scope.partition(":")
    if kind == "capability" and not name.startswith("schedule."):
        return
    found = ScheduleVersion.objects.filter(state=ScheduleState.PROPOSED.value).exclude(made_by__kind=ActorKind.HUMAN.value)
    if kind == "agent":
        found = found.filter(made_by=name)
    for key in found.order_by("pk").values_list("pk", flat=True):
        version = locked(ScheduleVersion, key)
        if version is not None and version.state == ScheduleState.PROPOSED.value:
            end(call, version, ScheduleState.REJECTED, f"the kill switch {scope} stops what proposed it")
