"""Proposals of schedules: made by planners and planner software, rejected whole or change by change, marked when the present has overtaken them."""

from collections.abc import Iterable

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict, Invalid, NotAllowed, Refusal
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.production.forms import WhyForm
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.forms import ScheduleForm
from factolake.mes.scheduling.materials import makers_of
from factolake.mes.scheduling.models import SCHEDULE_STATES, EntryState, ScheduleEntry, ScheduleState, ScheduleVersion
from factolake.mes.scheduling.present import equipment_of, open_operations, overtaken, place_in, plan_of, standing
from factolake.mes.scheduling.proposing import changes, digest_of
from factolake.mes.scheduling.sequence import with_dependents

SYNC = "sync"
"""By which way the takeover of the lake's plans comes."""
PROPOSERS = {Role.PLANNER}
DECIDERS = {Role.PLANNER, Role.APPROVER}


@action("schedule.create", At("line_id", Equipment), PROPOSERS, Effect.REVERSIBLE, ScheduleForm)
def propose_schedule(call: Call, line: Equipment, form: ScheduleForm) -> ScheduleVersion:
    """Propose where and when operations of a line are done; nothing changes until somebody accepts it."""
    if line.level != EquipmentLevel.PRODUCTION_LINE.value:
        raise Invalid(f"line_id: {line.equipment_id} is no production line; schedules are of lines")
    waiting = ScheduleVersion.objects.filter(line=line, state=ScheduleState.PROPOSED.value).first()
    if waiting is not None:
        raise Conflict(f"schedule {waiting.pk} of {waiting.made_by_id} is open on line {line.equipment_id}, one at a time; decide about it first")
    current = ScheduleVersion.objects.filter(line=line, state=ScheduleState.ACCEPTED.value).first()
    try:
        _check_basis(line, current, form)
        entries = changes(line, form.entries)
    except Refusal as refusal:
        if call.via != SYNC:
            raise
        return _keep_refused(call, line, current, form, str(refusal))  # nobody waits there for an answer: it is read in the record
    return _store(call, line, current, entries, form)


def _check_basis(line: Equipment, current: ScheduleVersion | None, form: ScheduleForm) -> None:
    if form.source_id and ScheduleVersion.objects.filter(line=line, source_id=form.source_id).exists():
        raise Conflict(f"plan {form.source_id} was proposed for line {line.equipment_id} already; give a new plan a new id")
    if form.based_on_id and (current is None or current.pk != form.based_on_id):
        known = current.pk if current else "none"
        raise Conflict(f"the current schedule of line {line.equipment_id} is {known}, not {form.based_on_id}; plan from that")


def _keep_refused(call: Call, line: Equipment, current: ScheduleVersion | None, form: ScheduleForm, why: str) -> ScheduleVersion:
    version = _new_version(call, line, current, form)
    version.from_ts, version.to_ts = min(e.planned_start_ts for e in form.entries), max(e.planned_end_ts for e in form.entries)
    version.digest = digest_of(line.equipment_id, ())
    version.state, version.ended_by, version.ended_ts, version.ended_why = ScheduleState.REJECTED.value, call.actor, call.at_ts, why
    return call.create(version)


def _store(call: Call, line: Equipment, current: ScheduleVersion | None, entries: list[ScheduleEntry], form: ScheduleForm) -> ScheduleVersion:
    """Write the version and its entries."""
    version = _new_version(call, line, current, form)
    version.from_ts = form.from_ts or min(entry.planned_start_ts for entry in entries)
    version.to_ts = form.to_ts or max(entry.planned_end_ts for entry in entries)
    if version.to_ts <= version.from_ts:
        raise Invalid(f"to_ts is {version.to_ts} and not after from_ts, {version.from_ts}; give a later end")
    version.digest = digest_of(line.equipment_id, entries)
    call.create(version)
    for entry in entries:
        entry.schedule = version
    call.create_many(entries)
    return version


def _new_version(call: Call, line: Equipment, current: ScheduleVersion | None, form: ScheduleForm) -> ScheduleVersion:
    """The line's next version, not stored yet."""
    latest = ScheduleVersion.objects.filter(line=line).order_by("-number").values_list("number", flat=True).first() or 0
    key = f"{line.equipment_id}.{latest + 1}"
    version = ScheduleVersion(schedule_id=key, line=line, number=latest + 1, made_by=call.actor, made_ts=call.at_ts, based_on=current)
    version.why, version.source_id = form.reason, form.source_id
    return version


@action("schedule.reject", On(ScheduleVersion), DECIDERS, Effect.REVERSIBLE, WhyForm)
def reject_schedule(call: Call, version: ScheduleVersion, form: WhyForm) -> ScheduleVersion:
    """Say no to a proposal, or take one's own back: nothing of it happens."""
    SCHEDULE_STATES.check(version.pk, version.state, ScheduleState.REJECTED)
    _check_say(call, version)
    return end(call, version, ScheduleState.REJECTED, form.reason)


@action("schedule.recheck", On(ScheduleVersion), {Role.PLANNER, Role.ENGINEER}, Effect.REVERSIBLE)
def recheck_schedule(call: Call, version: ScheduleVersion, _: Form) -> ScheduleVersion:
    """Look whether a proposal still fits the present, and mark it as stale where it does not; it is done every few seconds by itself."""
    SCHEDULE_STATES.check(version.pk, version.state, ScheduleState.STALE)
    said = overtaken_now(version)
    return end(call, version, ScheduleState.STALE, said) if said else version


@action("schedule_entry.reject", On(ScheduleEntry), DECIDERS, Effect.REVERSIBLE)
def reject_change(call: Call, entry: ScheduleEntry, form: Form) -> ScheduleEntry:
    """Say no to one change of a proposal; those that depend on it go with it: later on the same machine or in the same order, waiting for what it
    makes, and in its way.
    """
    version = entry.schedule
    SCHEDULE_STATES.check(version.pk, version.state, ScheduleState.REJECTED)
    if entry.state != EntryState.PROPOSED.value:
        raise Conflict(f"the change of {entry.operation_id} in schedule {version.pk} is {entry.state} already")
    _check_say(call, version)
    entries = {each.operation_id: each for each in standing(version)}
    operations = _operations_of(version, entries.values())
    wanted = {key: place_in(each, operations[key]) for key, each in entries.items()}
    waits = makers_of(version.line, list(operations.values()), call.at_ts)
    gone = with_dependents(plan_of(operations.values()), wanted, {entry.operation_id}, waits)
    for key in sorted(gone - {entry.operation_id}):
        call.change(entries[key], state=EntryState.REJECTED.value)
    call.change(entry, state=EntryState.REJECTED.value)
    kept = [each for key, each in entries.items() if key not in gone]
    if kept:
        call.change(version, digest=digest_of(version.line_id, kept))
    else:
        end(call, version, ScheduleState.REJECTED, form.reason)
    return entry


def overtaken_now(version: ScheduleVersion) -> str:
    """Why the proposal no longer fits the present; empty where it does."""
    entries = standing(version)
    return overtaken(entries, _operations_of(version, entries))


def end(call: Call, version: ScheduleVersion, to: ScheduleState, why: str = "") -> ScheduleVersion:
    """The version's next state, by whom and why."""
    return call.change(version, state=to.value, ended_by=call.actor, ended_ts=call.at_ts, ended_why=why)


def locked_current(line_id: str) -> ScheduleVersion | None:
    """The line's current schedule, held until the transaction ends."""
    key = ScheduleVersion.objects.filter(line=line_id, state=ScheduleState.ACCEPTED.value).values_list("pk", flat=True).first()
    return locked(ScheduleVersion, key) if key is not None else None


def _operations_of(version: ScheduleVersion, entries: Iterable[ScheduleEntry]) -> dict[str, Operation]:
    """The line's open operations and those of the entries, whatever became of them."""
    return {**{each.operation_id: each.operation for each in entries}, **open_operations(equipment_of(version.line))}


def _check_say(call: Call, version: ScheduleVersion) -> None:
    """Programs decide about nothing but what they proposed themselves."""
    if call.actor.kind != ActorKind.HUMAN.value and version.made_by_id != call.actor.pk:
        raise NotAllowed(f"schedule {version.pk} was proposed by {version.made_by_id}; {call.actor.pk} may take back only its own")
