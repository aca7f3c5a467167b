"""What time alone makes an alert: the same questions asked again and again. What is true now is an alert; what no longer is, closes it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from factolake.domain.order import OrderState
from factolake.mes.alerts.causes import Cause, Finding, Key, Over
from factolake.mes.alerts.kinds import KINDS, AlertKind
from factolake.mes.alerts.models import Alert, AlertState
from factolake.mes.alerts.rules import Rules
from factolake.mes.downtime.models import Stop, StopState
from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.models import MaintenanceRequest, RequestState
from factolake.mes.pages import lake
from factolake.mes.production.models import Order
from factolake.mes.quality.models import Gauge
from factolake.mes.signals.models import standing
from factolake.mes.signals.words import headline

Watch = Callable[[datetime, Rules], Iterator[Cause]]
RECENT = timedelta(hours=24)
"""Stops that began before that ask for a reason on the page of records, not by an alert."""
_OPEN_ORDERS = [state.value for state in (OrderState.PLANNED, OrderState.RELEASED, OrderState.RUNNING, OrderState.HELD)]


def findings(now: datetime) -> list[Finding]:
    """What is new and what is over since the last look."""
    rules = Rules()
    true: dict[Key, Cause] = {
        (cause.kind, cause.key): cause for watch in _WATCHES for cause in watch(now, rules) if rules.at(cause.kind, cause.place).is_on
    }
    watched = [kind.value for kind, about in KINDS.items() if about.is_watched]
    held = Alert.objects.filter(kind__in=watched).exclude(state=AlertState.CLOSED.value).values_list("kind", "cause_key")
    known = {(AlertKind(kind), key) for kind, key in held}
    new: list[Finding] = [true[key] for key in sorted(true.keys() - known)]
    return new + [Over(kind, key, "it is over") for kind, key in sorted(known - true.keys())]


def _overdue_orders(now: datetime, rules: Rules) -> Iterator[Cause]:
    lines = list(Equipment.objects.filter(level="ProductionLine").values_list("pk", flat=True))
    late = Order.objects.filter(line__in=lines, state__in=_OPEN_ORDERS, due_ts__lt=now).select_related("line")
    for order in late:
        assert order.due_ts is not None  # the filter has it
        if now - order.due_ts > rules.at(AlertKind.ORDER_OVERDUE, order.place).after:
            text = f"Order {order.order_id} was due at {order.due_ts:%Y-%m-%d %H:%M} UTC and is {order.state}"
            yield Cause(AlertKind.ORDER_OVERDUE, order.order_id, order.place, text, f"order {order.order_id}")


def _overdue_maintenance(now: datetime, rules: Rules) -> Iterator[Cause]:
    asked = MaintenanceRequest.objects.filter(state=RequestState.OPEN.value, plan__isnull=False).select_related("equipment", "plan")
    for request in asked:
        if now - request.requested_ts > rules.at(AlertKind.MAINTENANCE_OVERDUE, request.place).after:
            text = f"{request.equipment_id}: {request.description} is due since {request.requested_ts:%Y-%m-%d %H:%M} UTC and nobody has taken it on"
            yield Cause(AlertKind.MAINTENANCE_OVERDUE, str(request.pk), request.place, text, f"maintenance_request {request.pk}")


def _due_gauges(now: datetime, rules: Rules) -> Iterator[Cause]:
    for gauge in Gauge.objects.filter(is_active=True, due_ts__lt=now).select_related("equipment"):
        if now - gauge.due_ts > rules.at(AlertKind.CALIBRATION_DUE, gauge.place).after:
            text = f"Gauge {gauge.gauge_id} was to be calibrated by {gauge.due_ts:%Y-%m-%d}; nothing is measured with it until then"
            yield Cause(AlertKind.CALIBRATION_DUE, gauge.gauge_id, gauge.place, text, f"gauge {gauge.gauge_id}")


def _unexplained_stops(now: datetime, rules: Rules) -> Iterator[Cause]:
    """One alert a machine, about its oldest stop of the last day that nobody has explained."""
    told: set[str] = set()
    unexplained = Stop.objects.filter(asks_reason=True, reason=None, state=StopState.CURRENT.value, from_ts__gt=now - RECENT)
    for stop in unexplained.select_related("equipment").order_by("from_ts"):
        if stop.equipment_id not in told and now - stop.from_ts > rules.at(AlertKind.STOP_UNCLASSIFIED, stop.place).after:
            told.add(stop.equipment_id)
            text = f"{stop.equipment_id} stopped at {stop.from_ts:%Y-%m-%d %H:%M} UTC ({stop.machine_state}) and nobody has said why"
            yield Cause(AlertKind.STOP_UNCLASSIFIED, stop.equipment_id, stop.place, text, f"stop {stop.stop_id}")


def _unknown_machines(now: datetime, rules: Rules) -> Iterator[Cause]:
    """Machines that were heard of once and are not any more: of the others nobody expects anything."""
    machines = {each.equipment_id: each for each in Equipment.objects.filter(level="WorkUnit", is_active=True)}
    for machine, known in lake.states(machines).items():
        since = known.since_ts if known.state == "unknown" else known.known_until_ts
        if now - since > rules.at(AlertKind.MACHINE_UNKNOWN, machines[machine].path).after:
            text = f"Nothing is known of {machine} since {since:%Y-%m-%d %H:%M} UTC"
            yield Cause(AlertKind.MACHINE_UNKNOWN, machine, machines[machine].path, text, f"equipment {machine}")


def _unusual_machines(_: datetime, __: Rules) -> Iterator[Cause]:
    """Alerts of machines that are open and that nobody has called false; they are told when they are taken from the lake, so no rule delays them."""
    for alert in standing().select_related("equipment"):
        yield Cause(AlertKind.MACHINE_UNUSUAL, alert.alert_id, alert.place, headline(alert.text_en), f"machine_alert {alert.alert_id}")


_WATCHES: tuple[Watch, ...] = (_overdue_orders, _overdue_maintenance, _due_gauges, _unexplained_stops, _unknown_machines, _unusual_machines)
