"""Who is on shift: planned by a planner, or signed on at a station."""

from datetime import timedelta

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person
from factolake.mes.people.rights import rights_of
from factolake.mes.personnel.forms import PresenceForm, ShiftForm
from factolake.mes.personnel.models import Presence, ShiftAssignment

ROSTER = {Role.PLANNER, Role.ENGINEER, Role.ADMIN}
LONGEST = timedelta(hours=12)
"""Who forgets to sign off counts as present no longer than a session lasts."""
SHIFT_MAX = timedelta(days=31)


@action("shift_assignment.create", At("equipment_id", Equipment), ROSTER, Effect.PRODUCTION, ShiftForm)
def assign_shift(call: Call, equipment: Equipment, form: ShiftForm) -> ShiftAssignment:
    """Plan a person for a shift; alerts go to who is on shift."""
    if not form.from_ts < form.to_ts <= form.from_ts + SHIFT_MAX:
        raise Invalid(f"the shift ends at {form.to_ts} and begins at {form.from_ts}; it ends later, and at most {SHIFT_MAX.days} days later")
    person = find(Person, person_id=form.person_id, is_active=True)
    if not rights_of(person).holds({form.role}, equipment.path):
        raise Conflict(f"{person.person_id} is no {form.role.value} at {equipment.equipment_id}; an administrator grants the role first")
    planned = ShiftAssignment(person=person, equipment=equipment, role=form.role.value, from_ts=form.from_ts, to_ts=form.to_ts)
    return call.create(planned)


@action("shift_assignment.end", On(ShiftAssignment), ROSTER, Effect.PRODUCTION)
def end_shift(call: Call, planned: ShiftAssignment, _: Form) -> ShiftAssignment:
    """The person is no longer planned, from now on; one that has not begun does not take place."""
    if planned.to_ts <= call.at_ts:
        raise Conflict(f"shift assignment {planned.pk} ended at {planned.to_ts}; what was stays")
    return call.change(planned, to_ts=max(planned.from_ts, call.at_ts), planned_to_ts=planned.planned_to_ts or planned.to_ts)


@action("presence.create", At("equipment_id", Equipment), {Role.OPERATOR}, Effect.REVERSIBLE, PresenceForm, people_only=True)
def sign_on(call: Call, equipment: Equipment, _: PresenceForm) -> Presence:
    """You are at the station from now on: its alerts are for you. Signing on at its terminal does this."""
    there = Presence.objects.select_for_update().filter(person=call.actor, equipment=equipment, from_ts__lte=call.at_ts, to_ts__gt=call.at_ts)
    known = there.order_by("pk").first()
    if known is not None:
        return call.change(known, to_ts=call.at_ts + LONGEST)
    return call.create(Presence(person=call.actor, equipment=equipment, from_ts=call.at_ts, to_ts=call.at_ts + LONGEST))


@action("presence.end", On(Presence), {Role.OPERATOR}, Effect.REVERSIBLE, people_only=True)
def sign_off(call: Call, presence: Presence, _: Form) -> Presence:
    """You leave the station. Signing out at its terminal does this."""
    if presence.person_id != call.actor.person_id:
        raise Conflict(f"presence {presence.pk} is of {presence.person_id}; they sign off themselves")
    return call.change(presence, to_ts=max(presence.from_ts, min(presence.to_ts, call.at_ts)))
