"""Tablets: enrolled at a station, and taken back."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call
from factolake.mes.equipment.models import Equipment
from factolake.mes.pages.forms import DeviceForm
from factolake.mes.pages.models import Device

ENROLLERS = {Role.ADMIN, Role.ENGINEER}


@action("device.create", At("equipment_id", Equipment), ENROLLERS, Effect.PRODUCTION, DeviceForm, frozenset({"hash"}))
def enrol_device(call: Call, station: Equipment, form: DeviceForm) -> Device:
    """Enrol a tablet at a station, so that people sign on there with their badge."""
    return call.create(Device(label=form.label, equipment=station, hash=form.hash))


@action("device.revoke", On(Device), ENROLLERS, Effect.CONTAIN)
def revoke_device(call: Call, device: Device, _: Form) -> Device:
    """Nobody signs on with the tablet any more, and sessions on it end."""
    return call.change(device, revoked_ts=device.revoked_ts or call.at_ts)
