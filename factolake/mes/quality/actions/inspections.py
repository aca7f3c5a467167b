"""Inspections: made, judged at once. A failed one raises a quality event and, where its plan says so, a hold; a good one ends what holds cover."""

import json

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.production.actions.lots import moment
from factolake.mes.production.models import Lot, Operation
from factolake.mes.quality.forms import InspectionForm
from factolake.mes.quality.holds import end_windows, place_hold
from factolake.mes.quality.judge import conforms, nonconforming
from factolake.mes.quality.models import (
    CharacteristicKind,
    Gauge,
    Inspection,
    InspectionPlan,
    InspectionResult,
    Measurement,
    QualityEvent,
    Severity,
)


@action("inspection.create", At("plan_id", InspectionPlan), {Role.OPERATOR, Role.QUALITY}, Effect.PRODUCTION, InspectionForm)
def inspect(call: Call, plan: InspectionPlan, form: InspectionForm) -> Inspection:
    """Check a sample by a plan. The answer says whether it passed; a failed check is told as a quality event in the same moment."""
    check = Inspection(plan=plan, equipment=plan.equipment, characteristic=plan.characteristic, inspected_by=call.actor)
    check.at_ts = moment(call, form.at_ts)
    if check.at_ts < plan.valid_from or (plan.valid_to is not None and check.at_ts >= plan.valid_to):
        raise Conflict(f"inspection plan {plan.pk} is valid from {plan.valid_from} to {plan.valid_to}; take the plan that is valid now")
    check.operation = find(Operation, operation_id=form.operation_id) if form.operation_id else None
    check.lot = find(Lot, lot_id=form.lot_id) if form.lot_id else None
    _check_belongs(plan, check)
    check.gauge = _gauge(plan, form, check)
    check.sample_size, check.nonconforming = _counted(plan, form)
    passed = check.nonconforming <= plan.accept_up_to
    check.result = (InspectionResult.PASSED if passed else InspectionResult.FAILED).value
    call.create(check)
    measured = [Measurement(inspection=check, number=n, value=v, conforms=conforms(v, plan.lower, plan.upper)) for n, v in enumerate(form.values, 1)]
    call.create_many(measured)
    if passed:
        end_windows(call, check)
    else:
        _tell(call, check)
    return check


def _counted(plan: InspectionPlan, form: InspectionForm) -> tuple[int, int]:
    """Items checked and items that failed."""
    if plan.kind == CharacteristicKind.VARIABLE.value:
        if not form.values or form.nonconforming is not None or form.sample_size is not None:
            raise Invalid(f"{plan.characteristic} is measured: give values, and neither sample_size nor nonconforming")
        size, failed = len(form.values), nonconforming(form.values, plan.lower, plan.upper)
    else:
        if form.values or form.nonconforming is None:
            raise Invalid(f"{plan.characteristic} is counted: give nonconforming, and no values")
        size, failed = form.sample_size or plan.sample_size, form.nonconforming
    if size < plan.sample_size or failed > size:
        raise Invalid(
            f"{failed} of {size} items of {plan.characteristic} failed; check {plan.sample_size} or more, and count at most those that were"
        )
    return size, failed


def _gauge(plan: InspectionPlan, form: InspectionForm, check: Inspection) -> Gauge | None:
    """What it was measured with. Refused when it is overdue: a doubtful value cannot be taken back out of charts and last good checks, a part can be
    measured again."""
    gauge: Gauge | None = find(Gauge, gauge_id=form.gauge_id) if form.gauge_id else plan.gauge
    if gauge is None:
        return None
    if not gauge.is_active:
        raise Conflict(f"gauge {gauge.gauge_id} is out of use; measure with another one")
    if gauge.due_ts <= check.at_ts:
        raise Conflict(f"gauge {gauge.gauge_id} was due for calibration at {gauge.due_ts}; measure with another one or have it calibrated")
    return gauge


def _check_belongs(plan: InspectionPlan, check: Inspection) -> None:
    """What was checked is of the plan's material."""
    materials = {
        *([check.lot.material_id] if check.lot else []),
        *([check.operation.order.material_id] if check.operation and not check.lot else []),
    }
    if plan.material_id is not None and materials - {plan.material_id}:
        raise Conflict(f"inspection plan {plan.pk} is for material {plan.material_id}, what was checked is {materials.pop()}; take its plan")


def _tell(call: Call, check: Inspection) -> None:
    plan = check.plan
    text = f"{check.characteristic}: {check.nonconforming} of {check.sample_size} failed"
    event = QualityEvent(kind="inspection_failed", equipment=check.equipment, lot=check.lot, severity=Severity.MAJOR.value, at_ts=check.at_ts)
    event.text, event.source, event.source_key = text, "inspection", str(check.pk)
    event.evidence = json.dumps({"inspection_id": check.pk, "nonconforming": check.nonconforming, "sample_size": check.sample_size}, sort_keys=True)
    call.create(event)
    if plan.holds_on_failure:
        place_hold(call, check.equipment, text, inspection=check, event=event)
