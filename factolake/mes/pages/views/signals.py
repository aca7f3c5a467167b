"""Alerts of machines: those that are open, gravest first, and one of them with what its signals did, what it may be and what people found."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from factolake.domain.alert import WEEK_BUDGET, Alert, Contribution, Gravity, PastEvent, Severity, gravity
from factolake.mes.core.action import ACTIONS
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import fields_of, new_key
from factolake.mes.pages.lake import trend
from factolake.mes.pages.trend_chart import Point, Trend, draw
from factolake.mes.people.rights import Rights
from factolake.mes.signals.asked import asked_of, waiting
from factolake.mes.signals.budget import mondays, weeks_of
from factolake.mes.signals.evidence import read, symbol
from factolake.mes.signals.models import MachineAlert, MachineAlertState, Verdict
from factolake.mes.signals.words import headline

SHOWN = 50
LATELY = 20
EARLIER = 5
_LAMPS = {Severity.HIGH.value: "bad", Severity.MEDIUM.value: "wait", Severity.LOW.value: "busy"}
"""Colour of a severity; it is also said in words."""
_NOT_BROUGHT = "The lake has told nothing of minutes of signals yet; the sync brings them with the first alert after silver.features_window is there."
_NONE_HELD = "The lake holds no minutes of these signals from that time."
_JUDGED_IN = ("cause", "fix", "minutes")


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert in a list. `at_stake_min`: what past stops of the likely cause took (min), None where not known."""

    alert: MachineAlert
    title: str
    lamp: str
    at_stake_min: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """One signal's part in the alert, as the page shows it; `side` is a word for where the value lies to its usual band."""

    said: Contribution
    unit: str
    side: str


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier event: what people say of it now; `key` is its alert where the record has it, `alike` 0 to 1 where the model says so."""

    at_ts: datetime
    key: str
    alike: float | None
    verdict: str
    cause: str
    fix: str
    minutes: float | None


@page()
def signals(request: HttpRequest) -> HttpResponse:
    """Open alerts, the gravest first; those that are over and wait for a verdict; how much of its budget each machine used."""
    rows = visible(RESOURCES["machine-alerts"], who(request).rights).select_related("equipment")
    begins = mondays(timezone.localtime())
    is_open = {"state": MachineAlertState.OPEN.value}
    still, over = rows.filter(**is_open).order_by("-raised_ts")[:SHOWN], rows.exclude(**is_open).order_by("-raised_ts")
    told = partial(_shown, is_german=_german(request))
    context = {
        "open": sorted(map(told, still), key=_gravest),
        "unjudged": [told(each) for each in over.filter(verdict="", state=MachineAlertState.CLOSED.value)[:LATELY]],
        "judged": [told(each) for each in over.exclude(verdict="")[:LATELY]],
        "begins": begins,
        "weeks": weeks_of(rows.filter(raised_ts__gte=begins[-1]).defer("evidence", "text_en", "text_de"), begins),
        "budget": WEEK_BUDGET,
    }
    return show(request, "signals", context)


@page()
def signal(request: HttpRequest, key: str) -> HttpResponse:
    """One alert: in words, what its first signals did, what looked alike before and helped, what to look at, what is at stake, and the verdict."""
    rights = who(request).rights
    rows = visible(RESOURCES["machine-alerts"], rights).select_related("equipment", "judged_by", "request", "proposal")
    one: MachineAlert | None = rows.filter(pk=key).first()
    if one is None:
        raise NotFound(f"there is no machine alert {key}")
    found, asked = read(one), asked_of(one)
    charts, note = _charts(one, found)
    judge = ACTIONS["machine_alert.judge"]
    said = {"reason": one.verdict_reason, **{name: "" if getattr(one, name) is None else str(getattr(one, name)) for name in _JUDGED_IN}}
    context = {
        "one": one,
        "shown": _shown(one, is_german=_german(request)),
        "texts": _texts(one, is_german=_german(request)),
        "found": found,
        "parts": [_part(each) for each in found.contributions] if found else [],
        "charts": charts,
        "note": note,
        "past": _past(rights, one, found),
        "asked": asked,
        "proposal": waiting(one),
        "may_ask": asked is None and one.may_lead_to_maintenance and rights.holds(ACTIONS["machine_alert.request_maintenance"].roles, one.place),
        "may_judge": rights.holds(judge.roles, one.place),
        "fields": [field for field in fields_of(judge, rights, said) if field.name != "verdict"],
        "once": new_key(),
    }
    return show(request, "signal", context)


def _german(request: HttpRequest) -> bool:
    """Whether the browser asks for German before all others."""
    return request.headers.get("Accept-Language", "").strip().lower().startswith("de")


def _texts(one: MachineAlert, *, is_german: bool) -> list[tuple[str, str, list[str]]]:
    """The alert in both languages, the reader's first: the language's code and name, and its lines, the first one's without the headline."""
    both = [("en", "In English", one.text_en), ("de", "Auf Deutsch", one.text_de)]
    first, second = [(code, name, text.strip().splitlines()) for code, name, text in (reversed(both) if is_german else both)]
    return [(*first[:2], first[2][1:]), second]


def _shown(one: MachineAlert, *, is_german: bool) -> Shown:
    found = read(one)
    stake = found.stake.median_min if found is not None and found.stake is not None else None
    lamp = _LAMPS[one.severity] if one.state == MachineAlertState.OPEN.value else "idle"
    return Shown(one, headline(one.text_de if is_german else one.text_en), lamp, stake)


def _gravest(one: Shown) -> Gravity:
    return gravity(Severity(one.alert.severity), one.at_stake_min, one.alert.strength, one.alert.onset_ts)


def _part(said: Contribution) -> Part:
    side = {-1: "below usual", 0: "within its usual band", 1: "above usual"}[said.side] if said.usual is not None else "not known"
    return Part(said, symbol(said.unit), side)


def _charts(one: MachineAlert, found: Alert | None) -> tuple[list[tuple[Trend, str]], str]:
    """A drawing for each of the first signals with its unit, in the order of their shares; else a sentence that says why there is none."""
    held = trend(one.pk)
    if not held:
        return [], _NOT_BROUGHT if held is None else _NONE_HELD
    parts = {each.signal: each for each in found.contributions} if found else {}
    end = one.ended_ts or max(points[-1].at_ts for points in held.values())
    charts = []
    for name in dict.fromkeys((*one.signals.split(), *held)):
        if name in held:
            part = parts.get(name)
            local = [Point(timezone.localtime(each.at_ts), each.mean, each.low, each.high) for each in held[name]]
            made = draw(part.label if part else name, local, part.usual if part else None, one.onset_ts, max(end, one.onset_ts))
            charts.append((made, symbol(part.unit) if part else ""))
    return charts, ""


def _past(rights: Rights, one: MachineAlert, found: Alert | None) -> list[Past]:
    """What looked alike, as the model says and as people judge it now; else earlier alerts of the machine with the same first signal."""
    rows = visible(RESOURCES["machine-alerts"], rights)
    if found is not None and found.similar:
        known = {row.pk: row for row in rows.filter(pk__in=[event.event_id for event in found.similar])}
        return [_event(event, known.get(event.event_id)) for event in found.similar]
    same = rows.filter(equipment=one.equipment_id, first_signal=one.first_signal, onset_ts__lt=one.onset_ts).exclude(pk=one.pk)
    return [_row(row, None) for row in same.order_by("-onset_ts")[:EARLIER]] if one.first_signal else []


def _event(event: PastEvent, row: MachineAlert | None) -> Past:
    if row is not None and row.verdict:
        return _row(row, event.similarity)
    verdict = "" if event.false_alarm is None else Verdict.FALSE.value if event.false_alarm else Verdict.TRUE.value
    key = row.pk if row is not None else ""
    return Past(event.onset_ts, key, event.similarity, verdict, event.cause or "", event.fix or "", event.minutes)


def _row(row: MachineAlert, alike: float | None) -> Past:
    return Past(row.onset_ts, row.pk, alike, row.verdict, row.cause, row.fix, row.minutes)
