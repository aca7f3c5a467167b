"""Quality events: what models, cameras, machines and failed checks raise for a person to look at."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine


class Severity(StrEnum):
    """How bad: minor does no harm, major may fail in use, critical may hurt somebody."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class EventState(StrEnum):
    """Whether somebody has seen it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


EVENT_STATES = StateMachine("quality_event", {EventState.OPEN: frozenset({EventState.ACKNOWLEDGED}), EventState.ACKNOWLEDGED: frozenset()})


class QualityEvent(Record):
    """Something was seen. The evidence is JSON text, whatever its source calls evidence."""

    NOUN = "quality_event"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    kind = models.CharField(max_length=64, db_comment="What was seen: inspection_failed, surface_defect, drift.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Where.")
    lot = models.ForeignKey("production.Lot", null=True, on_delete=models.PROTECT, db_comment="On which lot or serial; null: not known.")
    severity = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Severity], db_comment="How bad.")
    text = models.CharField(max_length=500, blank=True, db_comment="In a sentence.")
    evidence = models.TextField(default="{}", db_comment="JSON of what it was seen by: scores, image hashes, model version.")
    source = models.CharField(max_length=64, db_comment="Model, camera or program that saw it.")
    source_key = models.CharField(max_length=120, blank=True, db_comment="The source's own key; the same one twice is one event.")
    at_ts = models.DateTimeField(db_comment="When it was seen (UTC).")
    state = models.CharField(
        max_length=14, choices=[(s.value, s.value) for s in EventState], default=EventState.OPEN.value, db_comment="Where it stands."
    )
    acknowledged_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, db_comment="Who looked at it.")
    acknowledged_ts = models.DateTimeField(null=True, db_comment="When (UTC).")

    class Meta:
        """Told once by its source; open ones of a place are found at once."""

        constraints = (models.UniqueConstraint(fields=("source", "source_key"), condition=~Q(source_key=""), name="quality_event_once"),)
        indexes = (models.Index(fields=("state", "equipment", "at_ts"), name="quality_event_open"),)
