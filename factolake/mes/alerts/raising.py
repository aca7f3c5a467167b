"""From findings to alerts: raised and told, counted when seen again, summed up in a storm, acknowledged, closed.

Rows are locked in the order storms, new alerts, known alerts, each by kind and key, so that nobody waits in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from factolake.domain.action import ActorKind
from factolake.mes.alerts.causes import Answered, Cause, Finding, Key, Over
from factolake.mes.alerts.kinds import KINDS, STORM_AFTER, STORM_QUIET, STORM_WINDOW, AlertKind
from factolake.mes.alerts.models import ALERT_STATES, Alert, AlertState, EventKind
from factolake.mes.alerts.rules import Rules
from factolake.mes.alerts.telling import note, raise_told, widened
from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import EquipmentLevel
from factolake.mes.quality.good_checks import below

BY_HAND = frozenset({AlertKind.SAFETY, AlertKind.HELP, AlertKind.MESSAGE})
"""Kinds that people raise themselves: somebody else acknowledges them, and a person's own are never summed up."""
_NOT_CLOSED = ~Q(state=AlertState.CLOSED.value)
_AT_ONCE = 500


def take(call: Call, findings: Iterable[Finding]) -> list[Alert]:
    """Bring the alerts to what was found; returns those that were raised or seen again."""
    found = list(findings)
    rules = Rules()
    causes: dict[Key, Cause] = {(each.kind, each.key): each for each in found if isinstance(each, Cause) and rules.at(each.kind, each.place).is_on}
    known = _known(causes)
    fresh = [causes[key] for key in sorted(causes.keys() - known.keys())]
    storms = _storms(call, fresh, rules)
    alerts, again = [], sorted(causes.keys() & known.keys())
    for cause in fresh:
        alert = _raise(call, cause, storms.get((cause.kind, cause.key)), rules)
        if alert is None:
            again.append((cause.kind, cause.key))  # the same cause came twice at once, and the other was first
        else:
            alerts.append(alert)
    alerts += [_again(call, causes[key], rules) for key in again]
    for each in sorted((each for each in found if not isinstance(each, Cause)), key=lambda each: (each.kind, each.key)):
        _follow(call, each)
    return alerts


def acknowledge(call: Call, alert: Alert) -> Alert:
    """Somebody looks after it: no further step is told. Raises IllegalStep."""
    ALERT_STATES.check(str(alert.pk), alert.state, AlertState.ACKNOWLEDGED)
    note(call, alert, EventKind.ACKNOWLEDGED)
    state = AlertState.ACKNOWLEDGED.value
    return call.change(alert, state=state, acknowledged_by=call.actor, acknowledged_ts=call.at_ts, next_ts=None)


def close(call: Call, alert: Alert, done: str) -> Alert:
    """It is dealt with. With a storm go its parts, but for those that close by themselves: they are acknowledged. Raises IllegalStep."""
    ALERT_STATES.check(str(alert.pk), alert.state, AlertState.CLOSED)
    note(call, alert, EventKind.CLOSED, done)
    call.change(alert, state=AlertState.CLOSED.value, closed_by=call.actor, closed_ts=call.at_ts, done=done, next_ts=None)
    for part in Alert.objects.select_for_update(of=("self",), no_key=True).filter(_NOT_CLOSED, part_of=alert).order_by("kind", "cause_key"):
        if not KINDS[AlertKind(part.kind)].is_watched:
            close(call, part, done)
        elif part.state == AlertState.OPEN.value:
            acknowledge(call, part)
    return alert


def _known(causes: Iterable[Key]) -> dict[Key, int]:
    """Those of the causes that have an alert which is not closed, with its number."""
    wanted: dict[AlertKind, list[str]] = defaultdict(list)
    for kind, key in causes:
        wanted[kind].append(key)
    held: dict[Key, int] = {}
    for kind, keys in wanted.items():
        for start in range(0, len(keys), _AT_ONCE):
            rows = Alert.objects.filter(_NOT_CLOSED, kind=kind.value, cause_key__in=keys[start : start + _AT_ONCE])
            held.update({(kind, key): number for key, number in rows.values_list("cause_key", "pk")})
    return held


def _raise(call: Call, cause: Cause, storm: Alert | None, rules: Rules) -> Alert | None:
    """The new alert, told unless a storm tells it; None when there is one already."""
    alert = _new(call, cause.kind, cause.key, cause.place, cause.text)
    alert.severity, alert.about, alert.part_of = KINDS[cause.kind].severity.value, cause.about, storm
    alert.danger = cause.danger.value if cause.danger else ""
    try:
        with transaction.atomic():
            return call.create(alert) if storm is not None else raise_told(call, alert, rules)
    except Conflict:
        if not _known([(cause.kind, cause.key)]):
            raise
        return None


def _again(call: Call, cause: Cause, rules: Rules) -> Alert:
    """The alert of a cause that was seen before: counted. One that was closed just now is raised anew."""
    number = _known([(cause.kind, cause.key)]).get((cause.kind, cause.key))
    alert = locked(Alert, number) if number is not None else None
    if alert is None or alert.state == AlertState.CLOSED.value:
        made = _raise(call, cause, None, rules)
        if made is None:
            raise Conflict(f"alert {cause.kind.value} of {cause.key} changes too fast; try again")
        return made
    if cause.kind in BY_HAND:
        note(call, alert, EventKind.SEEN_AGAIN, cause.text)
    return call.change(alert, count=alert.count + 1, last_ts=max(alert.last_ts, call.at_ts))


def _follow(call: Call, finding: Answered | Over) -> None:
    """Acknowledge or close the alert that it is about, where there is one to which that can happen."""
    number = _known([(finding.kind, finding.key)]).get((finding.kind, finding.key))
    alert = locked(Alert, number) if number is not None else None
    if alert is None or alert.state == AlertState.CLOSED.value:
        return
    if isinstance(finding, Over):
        close(call, alert, finding.done)
    elif alert.state == AlertState.OPEN.value:
        acknowledge(call, alert)


def _storms(call: Call, fresh: list[Cause], rules: Rules) -> dict[Key, Alert]:
    """The storm that tells each of the causes that are too many to be told one by one."""
    by_person = call.actor.kind == ActorKind.HUMAN.value
    places: dict[tuple[AlertKind, str], list[Cause]] = defaultdict(list)
    for cause in fresh:
        if cause.kind is not AlertKind.SAFETY and not (by_person and cause.kind in BY_HAND):
            places[cause.kind, widened(cause.place, EquipmentLevel.SITE)].append(cause)
    storms: dict[Key, Alert] = {}
    for (kind, site), causes in sorted(places.items()):
        free = STORM_AFTER - _told_lately(call, kind, site)
        lines: dict[str, list[Cause]] = defaultdict(list)
        for cause in causes:
            line = widened(cause.place, EquipmentLevel.PRODUCTION_LINE)
            if free > 0 and _storm(call, kind, line) is None:
                free -= 1
            else:
                lines[line].append(cause)
        for line, folded in sorted(lines.items()):
            storm = _grown(call, kind, line, len(folded), rules)
            storms.update({(cause.kind, cause.key): storm for cause in folded})
    return storms


def _told_lately(call: Call, kind: AlertKind, site: str) -> int:
    is_lately = Q(raised_ts__gt=call.at_ts - STORM_WINDOW, raised_ts__lte=call.at_ts)
    return Alert.objects.filter(is_lately, below("place_path", site) if site else Q(place_path=""), kind=kind.value, part_of=None).count()


def _storm(call: Call, kind: AlertKind, line: str) -> Alert | None:
    """The storm of the kind at the line that is going on."""
    is_going_on = Q(last_ts__gt=call.at_ts - STORM_QUIET, last_ts__lte=call.at_ts)
    storms = Alert.objects.filter(is_going_on, state=AlertState.OPEN.value, kind=AlertKind.STORM.value, cause_key__startswith=f"{kind.value}@{line}@")
    return storms.order_by("-pk").first()


def _grown(call: Call, kind: AlertKind, line: str, by: int, rules: Rules) -> Alert:
    """The storm of the kind at the line with so many more parts; raised and told when it begins."""
    known = _storm(call, kind, line)
    if known is None:
        storm = _new(call, AlertKind.STORM, f"{kind.value}@{line}@{call.at_ts:%Y-%m-%dT%H:%M}", line, f"Many alerts at once: {KINDS[kind].title}")
        storm.severity, storm.count = KINDS[kind].severity.value, by
        try:
            with transaction.atomic():
                return raise_told(call, storm, rules)
        except Conflict:
            known = _storm(call, kind, line)
            if known is None:
                raise
    held = locked(Alert, known.pk)
    assert held is not None  # alerts are never removed
    return call.change(held, count=held.count + by, last_ts=max(held.last_ts, call.at_ts))


def _new(call: Call, kind: AlertKind, key: str, place: str, text: str) -> Alert:
    alert = Alert(kind=kind.value, cause_key=key, place_path=place, text=" ".join(text.split())[:500])
    alert.raised_by, alert.raised_ts, alert.last_ts = call.actor, call.at_ts, call.at_ts
    return alert
