"""Defects found, and nonconformances: what does not conform, contained, disposed of and closed."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.production.models.material import quantity_field
from factolake.mes.quality.models.event import Severity


class NonconformanceState(StrEnum):
    """Where a nonconformance stands."""

    OPEN = "open"
    CONTAINED = "contained"
    DISPOSITIONED = "dispositioned"
    CLOSED = "closed"


NONCONFORMANCE_STATES = StateMachine(
    "nonconformance",
    {
        NonconformanceState.OPEN: frozenset({NonconformanceState.CONTAINED}),
        NonconformanceState.CONTAINED: frozenset({NonconformanceState.DISPOSITIONED}),
        NonconformanceState.DISPOSITIONED: frozenset({NonconformanceState.CLOSED}),
        NonconformanceState.CLOSED: frozenset(),
    },
)


class Disposition(StrEnum):
    """What becomes of what does not conform."""

    USE_AS_IS = "use_as_is"
    REWORK = "rework"
    SCRAP = "scrap"
    RETURN = "return"


class Nonconformance(Record):
    """So much of something does not conform. Use as it is (a concession) and scrap take two people."""

    NOUN = "nonconformance"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Where it was found.")
    lot = models.ForeignKey(
        "production.Lot", null=True, on_delete=models.PROTECT, related_name="nonconformances", db_comment="Which lot; null: none."
    )
    quantity = quantity_field(null=True, db_comment="How much of the lot, base unit; null: not known.")
    severity = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Severity], db_comment="How bad.")
    description = models.TextField(db_comment="What does not conform, to which requirement.")
    hold = models.ForeignKey("quality.Hold", null=True, on_delete=models.PROTECT, db_comment="Hold that contains it.")
    state = models.CharField(
        max_length=14,
        choices=[(s.value, s.value) for s in NonconformanceState],
        default=NonconformanceState.OPEN.value,
        db_comment="Where it stands.",
    )
    disposition = models.CharField(max_length=10, blank=True, choices=[(d.value, d.value) for d in Disposition], db_comment="What becomes of it.")
    disposition_why = models.TextField(blank=True, db_comment="Why so.")
    dispositioned_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who decided.")
    dispositioned_ts = models.DateTimeField(null=True, db_comment="When (UTC).")
    found_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who found it.")
    found_ts = models.DateTimeField(db_comment="When it was found (UTC).")
    closed_ts = models.DateTimeField(null=True, db_comment="When it was closed (UTC).")

    class Meta:
        """Open ones of a place are found at once."""

        indexes = (models.Index(fields=("state", "equipment"), name="nonconformance_open"),)


class Defect(Record):
    """A defect seen on parts: its reason is one of the scrap and rework reasons, so that defects and scrap speak one language."""

    NOUN = "defect"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Where it was found.")
    cause = models.ForeignKey("equipment.Reason", on_delete=models.PROTECT, db_comment="What is wrong: a reason of scrap or rework.")
    quantity = quantity_field(default=1, db_comment="Parts that have it, base unit.")
    location = models.CharField(max_length=120, blank=True, db_comment="Where on the part.")
    lot = models.ForeignKey("production.Lot", null=True, on_delete=models.PROTECT, db_comment="On which lot or serial; null: not known.")
    operation = models.ForeignKey("production.Operation", null=True, on_delete=models.PROTECT, db_comment="At which operation; null: not said.")
    inspection = models.ForeignKey("quality.Inspection", null=True, on_delete=models.PROTECT, db_comment="In which check; null: seen by chance.")
    nonconformance = models.ForeignKey(Nonconformance, null=True, on_delete=models.PROTECT, related_name="defects", db_comment="Dealt with there.")
    found_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who found it.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
