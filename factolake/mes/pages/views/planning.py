"""Planning by hand: what a planner moves on the drawing of a schedule, judged at once; what becomes of interrupted work."""

import json
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from pydantic import ValidationError

from factolake.domain.order import OperationState
from factolake.mes.core.action import ACTIONS
from factolake.mes.core.refusals import Invalid, NotAllowed
from factolake.mes.pages.access import page, said, who
from factolake.mes.pages.asking import ask, row_of
from factolake.mes.pages.views.schedule import line_of
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.actions.proposals import PROPOSERS
from factolake.mes.scheduling.forms import MAX_ENTRIES, EntryForm
from factolake.mes.scheduling.trying import Trial, try_out


@page()
def try_changes(request: HttpRequest, line: str) -> HttpResponse:
    """Judge `moves`, as the drawing's script sends them: operation to `at`, `start` and `end` in seconds since 1970. Writes nothing."""
    found = line_of(request, line)
    if request.method != "POST":
        return redirect("schedule", line=line)
    if not who(request).rights.holds(PROPOSERS, found.path):
        raise NotAllowed(f"{who(request).person.person_id} may not plan line {line}: it takes the role planner")
    return JsonResponse(_answer(try_out(found, _moves(request.POST.get("moves", "")), timezone.now())))


@page()
def choose_way(request: HttpRequest, line: str) -> HttpResponse:
    """Have the rest of `operation`, which is interrupted, made at the machine `to`, and ask for a plan with that."""
    found = line_of(request, line)
    if request.method != "POST":
        return redirect("schedule", line=line)
    key, to = request.POST.get("operation", ""), request.POST.get("to", "")
    operation = row_of(Operation, key, who(request).rights)
    why = f"the rest of {key} is made at {to}"
    if operation.state == OperationState.RUNNING.value:
        ask(request, ACTIONS["operation.suspend"], key, {}, part="-stop")
    ask(request, ACTIONS["operation.move_rest"], key, {"equipment_id": to, "reason": why}, part="-rest")
    ask(request, ACTIONS["schedule_request.create"], "", {"line_id": found.pk, "reason": why}, part="-ask")
    said(request, f"{why[:1].upper()}{why[1:]}; a new plan is asked for.")
    return redirect("schedule", line=line)


def _moves(text: str) -> list[EntryForm]:
    try:
        sent = json.loads(text)
        if not 0 < len(sent) <= MAX_ENTRIES:
            raise Invalid(f"moves has {len(sent)} operations; give 1 to {MAX_ENTRIES}")
        return [_entry(operation, move) for operation, move in sent.items()]
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, OSError, ValidationError) as error:
        raise Invalid("moves is not what the drawing sends; open the page again") from error


def _entry(operation: str, move: dict[str, Any]) -> EntryForm:
    start, end = (datetime.fromtimestamp(move[name], UTC) for name in ("start", "end"))
    return EntryForm(operation_id=operation, equipment_id=move["at"], planned_start_ts=start, planned_end_ts=end)


def _answer(trial: Trial) -> dict[str, Any]:
    placed = {
        entry.operation_id: {"at": entry.equipment_id, "start": entry.planned_start_ts.timestamp(), "end": entry.planned_end_ts.timestamp()}
        for entry in trial.entries
    }
    entries = [entry.model_dump(mode="json") for entry in trial.entries]
    return {"good": trial.is_good, "told": trial.told, "wrong": sorted(trial.wrong), "placed": placed, "entries": entries if trial.is_good else []}
