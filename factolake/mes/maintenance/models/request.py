"""Maintenance requests: somebody, or a preventive plan, asks for maintenance."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.maintenance.models.plan import PreventivePlan


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


REQUEST_STATES = StateMachine(
    "maintenance_request",
    {
        RequestState.OPEN: frozenset({RequestState.ACCEPTED, RequestState.REJECTED, RequestState.WITHDRAWN}),
        RequestState.ACCEPTED: frozenset({RequestState.DONE, RequestState.OPEN}),
        RequestState.DONE: frozenset(),
        RequestState.REJECTED: frozenset(),
        RequestState.WITHDRAWN: frozenset(),
    },
)
PENDING = (RequestState.OPEN.value, RequestState.ACCEPTED.value)
"""States in which a request still leads to something."""


class MaintenanceRequest(Record):
    """Please look at this. Accepted, it becomes a maintenance order."""

    NOUN = "maintenance_request"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="What needs it.")
    description = models.TextField(db_comment="What is wrong or due.")
    priority = models.IntegerField(default=0, db_comment="Higher goes first.")
    is_stopped = models.BooleanField(default=False, db_comment="Whether the equipment stands still because of it.")
    stopped_ts = models.DateTimeField(null=True, db_comment="Since when it stands still (UTC).")
    plan = models.ForeignKey(
        PreventivePlan, null=True, on_delete=models.PROTECT, related_name="requests", db_comment="Plan that is due; null: a person asks."
    )
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in RequestState], default=RequestState.OPEN.value, db_comment="Where it stands."
    )
    requested_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who asks.")
    requested_ts = models.DateTimeField(db_comment="When (UTC).")
    answer = models.TextField(blank=True, db_comment="Why it was rejected or withdrawn.")

    class Meta:
        """A plan asks once at a time; open ones of a place are found at once."""

        constraints = (models.UniqueConstraint(fields=("plan",), condition=Q(state__in=PENDING), name="maintenance_request_of_plan_once"),)
        indexes = (models.Index(fields=("state", "equipment"), name="maintenance_request_open"),)
