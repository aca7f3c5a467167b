"""An operation on a machine that stopped: it waits for the repair, its rest is made elsewhere, or what is in the machine is scrapped."""

from datetime import datetime, timedelta
from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.domain.order import OperationState
from factolake.mes.core.action import On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict, IllegalStep, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.rights import covers
from factolake.mes.production.actions.operations import SHOP, complete_operation, report_production
from factolake.mes.production.forms import MoveRestForm, ReportForm, ScrapRestForm, StepForm, WaitForm
from factolake.mes.production.models import Operation
from factolake.mes.production.models.order import OPERATION_STATES
from factolake.mes.production.ways import elsewhere, times_at


@action("operation.wait", On(Operation), SHOP | {Role.MAINTENANCE}, Effect.PRODUCTION, WaitForm)
def wait_for_repair(call: Call, operation: Operation, form: WaitForm) -> Operation:
    """Interrupt the operation: it waits at its machine until the repair, as estimated; its planned end moves with it."""
    if operation.state != OperationState.SUSPENDED.value:
        OPERATION_STATES.check(operation.operation_id, operation.state, OperationState.SUSPENDED)
    if form.repaired_ts <= call.at_ts:
        raise Invalid(f"repaired_ts is {form.repaired_ts}, which has passed; give a time after now, or start the operation again")
    end_ts = _end(operation.planned_run_s, operation.left, form.repaired_ts, setup_s=0.0)
    if end_ts is None and operation.planned_end_ts is not None:
        end_ts = form.repaired_ts + max(operation.planned_end_ts - call.at_ts, timedelta(0))
    return call.change(operation, state=OperationState.SUSPENDED.value, waits_until_ts=form.repaired_ts, planned_end_ts=end_ts)


@action("operation.move_rest", On(Operation), {Role.PLANNER}, Effect.PRODUCTION, MoveRestForm)
def move_rest(call: Call, operation: Operation, form: MoveRestForm) -> Operation:
    """Make what is left of an interrupted operation elsewhere: this one ends with what it made. Answers with the operation that makes the rest."""
    if operation.state == OperationState.RUNNING.value:
        raise IllegalStep(f"operation {operation.operation_id} is running at {operation.equipment_id}, and what runs never moves; suspend it first")
    OPERATION_STATES.check(operation.operation_id, operation.state, OperationState.COMPLETED)
    if operation.left <= 0:
        raise Conflict(f"operation {operation.operation_id} has made all it was to make; complete it")
    rest = _rest(call, operation, _other_place(operation, form.equipment_id), form)
    ended = {"state": OperationState.COMPLETED.value, "actual_end_ts": call.at_ts, "waits_until_ts": None}
    call.change(operation, quantity=operation.good, **ended)
    return rest


@action("operation.scrap_rest", On(Operation), SHOP, Effect.PRODUCTION, ScrapRestForm)
def scrap_rest(call: Call, operation: Operation, form: ScrapRestForm) -> Operation:
    """End an interrupted operation short: what is in the machine is scrap, and nothing more is made by it."""
    report_production(call, operation, ReportForm(scrap=form.scrap, cause_id=form.cause_id))
    return complete_operation(call, operation, StepForm())


def _other_place(operation: Operation, equipment_id: str) -> Equipment:
    place: Equipment = find(Equipment, equipment_id=equipment_id, is_active=True)
    if place.pk == operation.equipment_id:
        raise Invalid(f"equipment_id: {place.pk} is where it was interrupted; start it again there, or give another machine")
    if not covers(operation.order.line.path, place.path):
        raise Invalid(f"equipment_id: {place.pk} is not on line {operation.order.line_id}; give a machine of the line")
    return place


def _rest(call: Call, operation: Operation, place: Equipment, form: MoveRestForm) -> Operation:
    part = operation.order.operations.filter(number=operation.number).order_by("-part").values_list("part", flat=True)[0] + 1
    start_ts = form.planned_start_ts or call.at_ts
    times = times_at(operation, place.pk, elsewhere([operation], call.at_ts).get(operation.operation_id, ()))
    end_ts = form.planned_end_ts or _end(times.run_s, operation.left, start_ts, times.setup_s)
    if end_ts is not None and end_ts <= start_ts:
        raise Invalid(f"planned_end_ts is {end_ts} and not after the start at {start_ts}; give a later one")
    return call.create(
        Operation(
            operation_id=f"{operation.order_id}.{operation.number}-{part}",
            order=operation.order,
            number=operation.number,
            part=part,
            quantity=operation.left,
            description=operation.description,
            equipment=place,
            state=OperationState.READY.value,
            planned_start_ts=start_ts,
            planned_end_ts=end_ts,
            sequence=_place_in_sequence(place, start_ts),
            planned_setup_s=times.setup_s,
            planned_run_s=times.run_s,
            overlaps=operation.overlaps,
        )
    )


def _place_in_sequence(place: Equipment, start_ts: datetime) -> int | None:
    """That of the operation before which it comes, so that no other has to be renumbered: at the same place the earlier start goes first."""
    planned = Operation.objects.filter(equipment=place, sequence__isnull=False).exclude(state__in=OPERATION_STATES.final)
    if not planned.exists():
        return None
    return planned.filter(planned_start_ts__lt=start_ts).count() + 1


def _end(run_s: float | None, left: Decimal, start_ts: datetime, setup_s: float) -> datetime | None:
    """When so much is made by the planned times; None where the run time is not known."""
    if run_s is None:
        return None
    return start_ts + timedelta(seconds=setup_s + float(left) * run_s)
