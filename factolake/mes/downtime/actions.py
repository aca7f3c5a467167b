"""What people say of stops: the reason, where one was two, where two were one. Minutes are neither made nor lost."""

from django.db.models import Q

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import Form, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.downtime.forms import ClassifyForm, MergeForm, SplitForm
from factolake.mes.downtime.models import Stop, StopConflict, StopState
from factolake.mes.equipment.models import Reason, ReasonKind
from factolake.mes.people.rights import covers

SHOP = {Role.OPERATOR, Role.MAINTENANCE, Role.PLANNER}


@action("stop.classify", On(Stop), SHOP, Effect.REVERSIBLE, ClassifyForm)
def classify_stop(call: Call, stop: Stop, form: ClassifyForm) -> Stop:
    """Give the stop its reason; a later one replaces it, and the audit keeps both."""
    _must_count(stop)
    reason = find(Reason, reason_id=form.reason_id, kind=ReasonKind.DOWNTIME.value, is_active=True)
    if reason.children.filter(is_active=True).exists():
        raise Invalid(f"reason {reason.reason_id} is a branch; choose one below it: {', '.join(reason.children.values_list('reason_id', flat=True))}")
    if reason.scope and not covers(reason.scope, stop.place):
        raise Invalid(f"reason {reason.reason_id} is not for {stop.equipment_id}; it is for {reason.scope}")
    return call.change(stop, reason=reason, comment=form.comment, classified_by=call.actor, classified_ts=call.at_ts)


@action("stop.split", On(Stop), SHOP, Effect.REVERSIBLE, SplitForm)
def split_stop(call: Call, stop: Stop, form: SplitForm) -> Stop:
    """Make two stops of one at a moment inside it; both keep the reason until they get their own. Answers with the second."""
    _must_count(stop)
    end = max(stop.to_ts, call.at_ts) if stop.is_open else stop.to_ts
    if not stop.from_ts < form.at_ts < end:
        raise Invalid(f"stop {stop.stop_id} lasts from {stop.from_ts} to {end}; {form.at_ts} is not inside it")
    second = Stop(stop_id=stop_id(stop.equipment_id, form.at_ts.isoformat()), equipment=stop.equipment, from_ts=form.at_ts, to_ts=end)
    for name in ("is_open", "machine_state", "state_raw", "causing_machine", "asks_reason", "reason", "comment", "classified_by", "classified_ts"):
        setattr(second, name, getattr(stop, name))
    second.lake_from_ts, second.lake_version, second.is_edited = stop.lake_from_ts, stop.lake_version, True
    call.create(second)
    call.change(stop, to_ts=form.at_ts, is_open=False, is_edited=True)
    return second


@action("stop.merge", On(Stop), SHOP, Effect.REVERSIBLE, MergeForm)
def merge_stops(call: Call, stop: Stop, form: MergeForm) -> Stop:
    """Make one stop of two that follow each other on the same machine. What lay between counts as stopped from then on."""
    _must_count(stop)
    other = locked(Stop, form.with_stop_id)
    if other is None or other.equipment_id != stop.equipment_id:
        raise Conflict(f"there is no stop {form.with_stop_id} of {stop.equipment_id}")
    _must_count(other)
    if other.from_ts < stop.to_ts:
        raise Invalid(f"stop {other.stop_id} does not come after {stop.stop_id}; merge the earlier one with the later one")
    between = Q(equipment=stop.equipment, state=StopState.CURRENT.value, from_ts__gte=stop.to_ts, from_ts__lt=other.from_ts)
    if (nearer := Stop.objects.filter(between).first()) is not None:
        raise Conflict(f"stop {nearer.stop_id} lies between the two; merge it first")
    call.change(other, state=StopState.MERGED.value, merged_into=stop, is_edited=True)
    return call.change(stop, to_ts=other.to_ts, is_open=other.is_open, asks_reason=stop.asks_reason or other.asks_reason, is_edited=True)


@action("stop_conflict.settle", On(StopConflict), SHOP, Effect.REVERSIBLE)
def settle_conflict(call: Call, conflict: StopConflict, _: Form) -> StopConflict:
    """Somebody has looked: the stop stays as people have it."""
    return call.change(conflict, settled_ts=conflict.settled_ts or call.at_ts)


def stop_id(machine: str, beginning: str) -> str:
    """The id of a stop: machine and beginning."""
    return f"{machine}@{beginning.replace('+00:00', 'Z')}"


def _must_count(stop: Stop) -> None:
    if stop.state != StopState.CURRENT.value:
        raise Conflict(f"stop {stop.stop_id} is {stop.state} and no longer counts")
