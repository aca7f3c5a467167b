"""What happens in the record and is an alert: each kind of row that raises, answers or ends one, by what an action changed in it."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from factolake.mes.alerts.causes import Answered, Cause, Finding, Over
from factolake.mes.alerts.kinds import AlertKind
from factolake.mes.alerts.raising import take
from factolake.mes.core.call import Call, Change, after_each_action
from factolake.mes.equipment.models import Equipment
from factolake.mes.exchange.models import ConfirmationState, ImportState
from factolake.mes.maintenance.models import RequestState
from factolake.mes.production.models import Operation
from factolake.mes.quality.models import EventState, HoldState, Severity
from factolake.mes.signals.models import Verdict, still_stands
from factolake.mes.signals.words import headline

Row = Mapping[str, Any]
Source = Callable[[Change, Row], Finding | None]


@after_each_action
def raise_alerts(call: Call) -> None:
    """Raise, acknowledge and close alerts with what the action changed, in its transaction: what is recorded is told."""
    findings = list(_findings(call))
    if findings:
        take(call, findings)


def _findings(call: Call) -> Iterator[Finding]:
    for change in call.changes:
        source = _SOURCES.get(change.noun)
        if source is not None and change.after is not None:
            finding = source(change, change.after)
            if finding is not None:
                yield finding


def _request(change: Change, row: Row) -> Finding | None:
    """A person's call for help; a preventive plan's request is no call."""
    key, state = change.object_id, row["state"]
    if row["plan_id"] is not None:
        return None
    if change.before is None:
        stands = "it stands still: " if row["is_stopped"] else ""
        return Cause(AlertKind.HELP, key, _path(row), f"{row['equipment_id']}: {stands}{row['description']}", f"maintenance_request {key}")
    if state == RequestState.ACCEPTED.value:
        return Answered(AlertKind.HELP, key)
    return None if state == RequestState.OPEN.value else Over(AlertKind.HELP, key, f"the request is {state}")


def _hold(change: Change, row: Row) -> Finding | None:
    if change.before is None:
        return Cause(AlertKind.HOLD, change.object_id, str(row["place_path"]), f"Hold {change.object_id}: {row['why']}", f"hold {change.object_id}")
    return Over(AlertKind.HOLD, change.object_id, "the hold is released") if row["state"] == HoldState.RELEASED.value else None


def _quality_event(change: Change, row: Row) -> Finding | None:
    key = change.object_id
    if row["state"] == EventState.ACKNOWLEDGED.value:
        return Over(AlertKind.QUALITY_EVENT, key, "the event is acknowledged")
    if change.before is not None or row["severity"] == Severity.MINOR.value:
        return None
    said = f": {row['text']}" if row["text"] else ""
    return Cause(AlertKind.QUALITY_EVENT, key, _path(row), f"{row['equipment_id']}: {row['kind']}, {row['severity']}{said}", f"quality_event {key}")


def _tool(change: Change, row: Row) -> Finding | None:
    limit = row["life_limit"] if row["allowed_to"] is None else row["allowed_to"]
    is_worn = row["is_active"] and limit is not None and Decimal(str(row["used"])) >= Decimal(str(limit))
    if not is_worn:
        return Over(AlertKind.TOOL_WORN, change.object_id, "the tool may be used")
    was = change.before
    if was is not None and was["used"] == row["used"] and was["allowed_to"] == row["allowed_to"]:
        return None
    text = f"Tool {change.object_id} has done {row['used']} of {limit} {row['counts']}"
    return Cause(AlertKind.TOOL_WORN, change.object_id, _path(row), text, f"tool {change.object_id}")


def _confirmation(change: Change, row: Row) -> Finding | None:
    key = change.object_id
    if change.before is None:
        return None
    if row["state"] != ConfirmationState.REFUSED.value:
        return Over(AlertKind.ERP_REFUSED, key, f"the confirmation is {row['state']}")
    text = f"Confirmation {key} of {row['operation_id']} refused: {row['refused_field']} {row['refused_message']}"
    place = Operation.objects.values_list("equipment__path", flat=True).get(pk=row["operation_id"])
    return Cause(AlertKind.ERP_REFUSED, key, place, text, f"erp_confirmation {key}")


def _import(change: Change, row: Row) -> Finding | None:
    if row["state"] != ImportState.DONE.value or not row["errors"]:
        return None
    text = f"{row['errors']} of {row['rows']} {row['kind']} rows from {row['source_system']} could not be taken"
    return Cause(AlertKind.ERP_ROWS, change.object_id, "", text, f"erp_import {change.object_id}")


def _machine_alert(change: Change, row: Row) -> Finding | None:
    """Told when it comes, and again where the lake opens it anew or a person takes back that it was false; over when it is one or the other."""
    key = change.object_id
    if not _stands(row):
        was_false = row["verdict"] == Verdict.FALSE.value
        return Over(AlertKind.MACHINE_UNUSUAL, key, "it was a false alarm" if was_false else f"the alert of the machine is {row['state']}")
    if change.before is not None and _stands(change.before):
        return None
    text = headline(str(row["text_en"]))
    return Cause(AlertKind.MACHINE_UNUSUAL, key, _path(row), text, f"machine_alert {key}")


def _stands(row: Row) -> bool:
    return still_stands(str(row["state"]), str(row["verdict"]))


def _path(row: Row) -> str:
    """Path of the row's equipment; the enterprise where it has none."""
    return Equipment.objects.values_list("path", flat=True).filter(pk=row["equipment_id"]).first() or ""


_SOURCES: dict[str, Source] = {
    "maintenance_request": _request,
    "hold": _hold,
    "quality_event": _quality_event,
    "tool": _tool,
    "erp_confirmation": _confirmation,
    "erp_import": _import,
    "machine_alert": _machine_alert,
}
"""What each kind of row has to say."""
