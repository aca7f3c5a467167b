"""Stops as people work on them: taken from the lake, classified, split and merged. What the machine did is the lake's; the reason is the person's."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Reason


class StopState(StrEnum):
    """Whether a stop counts."""

    CURRENT = "current"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


class Stop(Record):
    """A stretch in which a machine did not produce. Its ends are the lake's until a person splits or merges it."""

    NOUN = "stop"
    PLACE = "equipment__path"

    stop_id = models.CharField(max_length=120, primary_key=True, db_comment="Machine and beginning; a part of a split stop has its own beginning.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Machine that stood.")
    from_ts = models.DateTimeField(db_comment="Beginning (UTC).")
    to_ts = models.DateTimeField(db_comment="End as far as it is known (UTC).")
    is_open = models.BooleanField(db_comment="Whether it still lasts.")
    machine_state = models.CharField(max_length=20, db_comment="State that took most of it, as the lake says.")
    state_raw = models.CharField(max_length=240, blank=True, db_comment="The machine's own word.")
    causing_machine = models.CharField(max_length=64, blank=True, db_comment="Neighbour that starved or blocked it, where the line model tells.")
    asks_reason = models.BooleanField(db_comment="Whether a person is to give a reason.")
    reason = models.ForeignKey(Reason, null=True, on_delete=models.PROTECT, db_comment="Why; null is unclassified.")
    comment = models.TextField(blank=True, db_comment="In words.")
    classified_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, db_comment="Who gave the reason.")
    classified_ts = models.DateTimeField(null=True, db_comment="When (UTC).")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in StopState], default=StopState.CURRENT.value)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="merged", db_comment="Stop that it became part of.")
    is_edited = models.BooleanField(default=False, db_comment="Whether a person set its ends; the lake no longer changes them.")
    lake_from_ts = models.DateTimeField(db_comment="Beginning of the lake's stop it comes from (UTC).")
    lake_version = models.BigIntegerField(db_comment="Version of the lake's table it was last taken from.")

    class Meta:
        """A machine's stops in time, and those that wait for a reason, are found at once."""

        indexes = (
            models.Index(fields=("equipment", "from_ts"), name="stop_of_equipment"),
            models.Index(fields=("equipment", "lake_from_ts"), name="stop_of_lake"),
            models.Index(fields=("equipment", "stop_id"), name="stop_of_equipment_by_key"),  # a page of the API: SQLite sorted all stops for one
            models.Index(fields=("from_ts",), name="stop_unclassified", condition=models.Q(asks_reason=True, reason=None, state="current")),
        )


class StopConflict(Record):
    """The lake changed a stop whose ends a person had set: the person's stay, and somebody looks."""

    NOUN = "stop_conflict"
    PLACE = "stop__equipment__path"

    stop = models.ForeignKey(Stop, on_delete=models.PROTECT, related_name="conflicts", db_comment="The stop as people have it.")
    lake_from_ts = models.DateTimeField(null=True, db_comment="Beginning the lake says now (UTC); null: it says there was none.")
    lake_to_ts = models.DateTimeField(null=True, db_comment="End the lake says now (UTC).")
    lake_version = models.BigIntegerField(db_comment="Version of the lake's table that says so.")
    settled_ts = models.DateTimeField(null=True, db_comment="When somebody had looked (UTC).")


class TakenFrom(Record):
    """How far a lake table was taken into the record."""

    NOUN = "stop_takeover"

    table = models.CharField(max_length=64, primary_key=True, db_comment="Table of the sync.")
    version = models.BigIntegerField(db_comment="Newest version taken.")
    history = models.TextField(db_comment="History of the lake's table that the version counts in.")

    def since(self, history: str) -> int:
        """The version after which rows are new; all of them are in another history."""
        return self.version if self.history == history else -1

    def move(self, history: str, version: int) -> None:
        """All up to there is taken."""
        if (self.history, self.version) != (history, version):
            self.history, self.version = history, version
            self.save()
