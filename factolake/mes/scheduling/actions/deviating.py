"""Operators may start another operation than the next one of the schedule, and say why: production cannot know, so its starts are listened to."""

from factolake.domain.action import ActorKind
from factolake.domain.order import OperationState
from factolake.mes.core.call import Call, Change, after_each_action
from factolake.mes.core.refusals import Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.models import ScheduleDeviation, ScheduleState, ScheduleVersion

STARTABLE = (OperationState.READY.value, OperationState.SUSPENDED.value)


def next_planned(equipment: Equipment) -> Operation | None:
    """The operation that the schedule has next at `equipment`, of those that can be started; None where it has none."""
    planned = Operation.objects.filter(equipment=equipment, state__in=STARTABLE, sequence__isnull=False)
    return planned.order_by("sequence", "planned_start_ts", "pk").first()


@after_each_action
def note_deviation(call: Call) -> None:
    """Write down each start out of sequence. Raises Invalid for one without a reason, unless a service tells of it."""
    for change in list(call.changes):
        if _is_start(change):
            _judge(call, Operation.objects.select_related("equipment__parent").get(pk=change.object_id))


def _is_start(change: Change) -> bool:
    if change.noun != Operation.NOUN or change.before is None or change.after is None:
        return False
    return change.before["state"] in STARTABLE and change.after["state"] == OperationState.RUNNING.value


def is_out_of_sequence(operation: Operation, wanted: Operation | None) -> bool:
    """Whether starting `operation` passes over `wanted`, the one that is next there."""
    if wanted is None or wanted.pk == operation.pk:
        return False
    return operation.sequence is None or _key(operation) > _key(wanted)


def _judge(call: Call, started: Operation) -> None:
    wanted = next_planned(started.equipment)  # the started one runs, and is no longer among them
    if wanted is None or not is_out_of_sequence(started, wanted):
        return
    is_told = call.actor.kind == ActorKind.SERVICE.value  # such as another MES: it tells what happened, which no refusal undoes
    if not call.reason.strip() and not is_told:
        raise Invalid(f"{wanted.pk} is next at {started.equipment_id}; start that one, or give the reason why {started.pk} goes first")
    lines = [started.equipment_id, started.equipment.parent_id]
    current = ScheduleVersion.objects.filter(line__in=lines, state=ScheduleState.ACCEPTED.value).first()
    call.create(
        ScheduleDeviation(
            equipment=started.equipment,
            schedule=current,
            planned=wanted,
            started=started,
            person=call.actor,
            at_ts=call.at_ts,
            reason=call.reason or f"told by {call.actor.person_id} without a reason",
        )
    )


def _key(operation: Operation) -> tuple[int, str, str]:
    return (operation.sequence or 0, str(operation.planned_start_ts), operation.operation_id)
