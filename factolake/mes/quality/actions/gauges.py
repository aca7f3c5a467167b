"""Gauges: added, calibrated, taken out of use."""

from datetime import timedelta

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.actions.lots import moment
from factolake.mes.quality.forms import CalibrationForm, GaugeForm, WhyForm
from factolake.mes.quality.models import Calibration, Gauge


@action("gauge.create", At("equipment_id", Equipment), {Role.QUALITY, Role.ENGINEER}, Effect.PRODUCTION, GaugeForm)
def create_gauge(call: Call, equipment: Equipment | None, form: GaugeForm) -> Gauge:
    """Add a gauge."""
    gauge = Gauge(gauge_id=form.gauge_id, name=form.name, equipment=equipment, interval_days=form.interval_days, due_ts=form.due_ts)
    return call.create(gauge)


@action("gauge.calibrate", On(Gauge), {Role.QUALITY}, Effect.PRODUCTION, CalibrationForm)
def calibrate(call: Call, gauge: Gauge, form: CalibrationForm) -> Calibration:
    """Record a calibration: a passed one opens the next interval; a failed one takes the gauge out of use.

    What was measured since the calibration before a failed one no longer counts as a good check.
    """
    at_ts = moment(call, form.at_ts)
    if gauge.calibrations.filter(at_ts__gte=at_ts).exists():
        raise Conflict(f"gauge {gauge.gauge_id} was calibrated later than {at_ts}; calibrations are recorded in their order")
    done = Calibration(gauge=gauge, at_ts=at_ts, passed=form.passed, certificate=form.certificate, calibrated_by=call.actor)
    call.create(done)
    due_ts = at_ts + timedelta(days=gauge.interval_days) if form.passed else at_ts
    call.change(gauge, due_ts=due_ts, is_active=form.passed)
    return done


@action("gauge.retire", On(Gauge), {Role.QUALITY, Role.ENGINEER}, Effect.PRODUCTION, WhyForm)
def retire_gauge(call: Call, gauge: Gauge, _: WhyForm) -> Gauge:
    """Take the gauge out of use; a passed calibration puts it back."""
    return call.change(gauge, is_active=False)
