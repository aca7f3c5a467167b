"""Telling an alert: who is on shift, step by step from the place to the site, in the inbox and by mail. Each step is told once.

Where nobody is on shift the step goes to everybody with the role; where nobody has it, the next step is told at once, and at the end of all steps
the administrators: an alert that nobody hears of is none.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from factolake.domain.action import Role
from factolake.mes.alerts.kinds import KINDS, AlertKind, Kind, Severity, Step
from factolake.mes.alerts.models import Alert, AlertEvent, AlertMail, AlertNotice, Contact, EventKind
from factolake.mes.alerts.rules import Rules
from factolake.mes.core.call import Call
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.personnel.on_shift import holders, on_shift
from factolake.mes.quality.scope import paths_above

_WIDEST_FIRST = list(EquipmentLevel)
_SEVERITIES = list(Severity)
_TEXT = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What one step comes to: which, to whom, and that in a sentence."""

    step: int
    people: tuple[str, ...]
    text: str


def told_as(alert: Alert) -> AlertKind:
    """The kind whose steps and times count: a storm is told as what it sums up."""
    return AlertKind(alert.cause_key.partition("@")[0]) if alert.kind == AlertKind.STORM.value else AlertKind(alert.kind)


def raise_told(call: Call, alert: Alert, rules: Rules) -> Alert:
    """Store a new alert and tell its first step."""
    steps, alert.next_ts = _aim(alert, 0, call.at_ts, rules)
    alert.step = steps[-1].step
    call.create(alert)
    for told in steps:
        _write(call, alert, told)
    return alert


def tell_next(call: Call, alert: Alert, rules: Rules) -> Alert:
    """Tell the step after the last one. The caller has checked that there is one."""
    steps, next_ts = _aim(alert, alert.step + 1, call.at_ts, rules)
    call.change(alert, step=steps[-1].step, next_ts=next_ts)
    for told in steps:
        _write(call, alert, told)
    return alert


def has_next(alert: Alert) -> bool:
    """Whether a step is left."""
    return alert.step + 1 < len(KINDS[told_as(alert)].steps)


def note(call: Call, alert: Alert, what: EventKind, text: str = "", step: int | None = None) -> None:
    """One line of the alert's history."""
    call.create(AlertEvent(alert=alert, what=what.value, step=step, at_ts=call.at_ts, person=call.actor, text=text[:_TEXT]))


def widened(place: str, level: EquipmentLevel | None) -> str:
    """Path of the equipment of `level`, or the next wider one, that `place` lies in; `place` itself where it is as wide, or level is None."""
    if level is None or not place:
        return place
    wide_enough = [each.value for each in _WIDEST_FIRST[: _WIDEST_FIRST.index(level) + 1]]
    found = Equipment.objects.filter(path__in=paths_above(place), level__in=wide_enough).values_list("path", flat=True)
    return max(found, key=len, default="")


def _aim(alert: Alert, first: int, now: datetime, rules: Rules) -> tuple[list[Told], datetime | None]:
    """The steps from `first` on up to the first that somebody hears, and when the one after it is due; None where it is the last."""
    kind = told_as(alert)
    steps = KINDS[kind].steps
    found = []
    for number in range(first, len(steps)):
        found.append(_told(KINDS[kind], alert.place_path, number, now))
        if found[-1].people:
            break
    return found, now + rules.at(kind, alert.place_path).wait if found[-1].step + 1 < len(steps) else None


def _told(kind: Kind, place: str, number: int, now: datetime) -> Told:
    """Who hears a step: on shift as far as it reaches, and able to act at the place; of a step that is for everybody, everybody there."""
    step = kind.steps[number]
    where, able = widened(place, step.level), holders(step.roles, place)
    named = f"as {_roles(step)} at {where or 'the enterprise'}"
    here = on_shift(step.roles, where, now)
    people = here if step.roles == frozenset(Role) else sorted(set(here) & set(able))
    if people:
        return Told(number, tuple(people), _sentence(people, f"on shift {named}"))
    if able or number + 1 < len(kind.steps):
        return Told(number, tuple(able), _sentence(able, f"nobody is on shift {named}"))
    people = holders({Role.ADMIN}, "")
    return Told(number, tuple(people), _sentence(people, f"there is nobody {named}; the administrators"))


def _sentence(people: list[str], how: str) -> str:
    return f"{len(people)} told ({how}): {', '.join(people)}" if people else f"nobody told ({how})"


def _roles(step: Step) -> str:
    return "anybody" if step.roles == frozenset(Role) else " or ".join(sorted(role.value for role in step.roles))


def _write(call: Call, alert: Alert, told: Told) -> None:
    note(call, alert, EventKind.TOLD, told.text, told.step)
    notices = [AlertNotice(alert=alert, person_id=person, step=told.step, at_ts=call.at_ts) for person in told.people]
    call.create_many(notices)
    if settings.FACTOMES_MAIL_FROM:
        lowest = _SEVERITIES[: _SEVERITIES.index(Severity(alert.severity)) + 1]
        mailed = Contact.objects.filter(person__in=told.people, mail_from__in=[each.value for each in lowest]).exclude(email="")
        wanted = set(mailed.values_list("person_id", flat=True))
        AlertMail.objects.bulk_create(AlertMail(notice=each, next_try_ts=call.at_ts) for each in notices if each.person_id in wanted)
