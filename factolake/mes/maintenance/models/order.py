"""Maintenance orders: the five clocks of a stop, what failed and why, what was used and who worked on it."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.maintenance.models.code import CodeKind, FailureCode
from factolake.mes.maintenance.models.plan import PreventivePlan
from factolake.mes.maintenance.models.request import MaintenanceRequest
from factolake.mes.production.models.material import quantity_field


class MaintenanceKind(StrEnum):
    """Why there is an order: something failed, or it was time."""

    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"


class MaintenanceOrderState(StrEnum):
    """Where an order stands; the clocks move it."""

    OPEN = "open"
    WORKING = "working"
    REPAIRED = "repaired"
    PROVEN = "proven"
    CLOSED = "closed"
    CANCELLED = "cancelled"


MAINTENANCE_ORDER_STATES = StateMachine(
    "maintenance_order",
    {
        MaintenanceOrderState.OPEN: frozenset({MaintenanceOrderState.WORKING, MaintenanceOrderState.CANCELLED}),
        MaintenanceOrderState.WORKING: frozenset({MaintenanceOrderState.REPAIRED}),
        MaintenanceOrderState.REPAIRED: frozenset({MaintenanceOrderState.PROVEN, MaintenanceOrderState.CLOSED}),
        MaintenanceOrderState.PROVEN: frozenset({MaintenanceOrderState.CLOSED}),
        MaintenanceOrderState.CLOSED: frozenset(),
        MaintenanceOrderState.CANCELLED: frozenset(),
    },
)


def _code(kind: CodeKind, what: str) -> models.ForeignKey:
    known = {"null": True, "on_delete": models.PROTECT, "related_name": "+", "limit_choices_to": {"kind": kind.value}}
    return models.ForeignKey(FailureCode, **known, db_comment=f"{what} (ISO 14224); null: not said.")


class MaintenanceOrder(Record):
    """One piece of work on a machine."""

    NOUN = "maintenance_order"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="What is worked on.")
    kind = models.CharField(max_length=12, choices=[(k.value, k.value) for k in MaintenanceKind], db_comment="Failed, or it was time.")
    description = models.TextField(db_comment="What is to be done.")
    request = models.ForeignKey(MaintenanceRequest, null=True, on_delete=models.PROTECT, related_name="orders", db_comment="From which request.")
    plan = models.ForeignKey(PreventivePlan, null=True, on_delete=models.PROTECT, related_name="orders", db_comment="For which plan.")
    state = models.CharField(
        max_length=12,
        choices=[(s.value, s.value) for s in MaintenanceOrderState],
        default=MaintenanceOrderState.OPEN.value,
        db_comment="Where it stands.",
    )
    stopped_ts = models.DateTimeField(null=True, db_comment="Clock 1: the equipment stopped (UTC).")
    called_ts = models.DateTimeField(null=True, db_comment="Clock 2: maintenance was called (UTC).")
    arrived_ts = models.DateTimeField(null=True, db_comment="Clock 3: maintenance arrived (UTC).")
    repaired_ts = models.DateTimeField(null=True, db_comment="Clock 4: it was repaired (UTC).")
    first_good_ts = models.DateTimeField(null=True, db_comment="Clock 5: the first good part (UTC).")
    mode = _code(CodeKind.MODE, "How it failed")
    mechanism = _code(CodeKind.MECHANISM, "By what process it failed")
    cause = _code(CodeKind.CAUSE, "Why it failed at the root")
    detection = _code(CodeKind.DETECTION, "How the failure was found")
    finding = models.TextField(blank=True, db_comment="What was found and done.")
    closed_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who closed it.")
    closed_ts = models.DateTimeField(null=True, db_comment="When (UTC).")

    class Meta:
        """Open ones of a place, and the failures of a machine in time, are found at once."""

        indexes = (
            models.Index(fields=("state", "equipment"), name="maintenance_order_open"),
            models.Index(fields=("equipment", "stopped_ts"), name="maintenance_order_failures"),
        )


class MaintenancePart(Record):
    """So much of a spare part went into an order. A wrong row is reversed by one of the opposite sign."""

    NOUN = "maintenance_part"
    PLACE = "order__equipment__path"
    OWNER = "order"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    order = models.ForeignKey(MaintenanceOrder, on_delete=models.PROTECT, related_name="parts", db_comment="For which order.")
    part_id = models.CharField(max_length=64, db_comment="Number of the spare part.")
    description = models.CharField(max_length=240, blank=True, db_comment="In words.")
    quantity = quantity_field(db_comment="How many; negative in a reversal.")
    booked_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who booked it.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, db_comment="Row that this one takes back.")


class MaintenanceLabour(Record):
    """So long somebody worked on an order. A wrong row is reversed by one of the opposite sign."""

    NOUN = "maintenance_labour"
    PLACE = "order__equipment__path"
    OWNER = "order"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    order = models.ForeignKey(MaintenanceOrder, on_delete=models.PROTECT, related_name="labour", db_comment="For which order.")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who worked.")
    worked_s = models.IntegerField(db_comment="How long (seconds); negative in a reversal.")
    booked_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who booked it.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, db_comment="Row that this one takes back.")
