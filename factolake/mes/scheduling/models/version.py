"""Versions of a line's schedule (ISA-95 work schedule) and what each plans: one operation at one machine at one time."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person
from factolake.mes.production.models import Operation
from factolake.mes.production.models.material import quantity_field


class ScheduleState(StrEnum):
    """Where a version stands. The accepted one is the line's current schedule."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    STALE = "stale"
    UNDONE = "undone"


SCHEDULE_STATES = StateMachine(
    "schedule",
    {
        ScheduleState.PROPOSED: frozenset({ScheduleState.ACCEPTED, ScheduleState.REJECTED, ScheduleState.STALE}),
        ScheduleState.ACCEPTED: frozenset({ScheduleState.SUPERSEDED, ScheduleState.UNDONE}),
        ScheduleState.SUPERSEDED: frozenset({ScheduleState.ACCEPTED}),
        ScheduleState.REJECTED: frozenset(),
        ScheduleState.STALE: frozenset(),
        ScheduleState.UNDONE: frozenset(),
    },
)


class EntryState(StrEnum):
    """Where one change stands: of a proposed version, of what was accepted, and of what an undo took back."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    UNDONE = "undone"


class ScheduleVersion(Record):
    """One version of a line's schedule: what changes against the one before, who made it and why."""

    NOUN = "schedule"
    PLACE = "line__path"

    schedule_id = models.CharField(max_length=80, primary_key=True, db_comment="Line and number: L1.7.")
    line = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="schedules", db_comment="Of which line.")
    number = models.PositiveIntegerField(db_comment="Counts the versions of the line, from 1.")
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in ScheduleState], default=ScheduleState.PROPOSED.value, db_comment="Where it stands."
    )
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="schedules", db_comment="Planner or planner software.")
    made_ts = models.DateTimeField(db_comment="When it was proposed (UTC).")
    why = models.TextField(db_comment="Why, in the proposer's words.")
    from_ts = models.DateTimeField(db_comment="Beginning of the time it plans (UTC).")
    to_ts = models.DateTimeField(db_comment="End of the time it plans (UTC).")
    based_on = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_comment="The schedule that was current then.")
    digest = models.CharField(max_length=64, db_comment="SHA-256 over what it changes (RFC 8785), hex; acceptance is bound to it.")
    source_id = models.CharField(max_length=120, blank=True, db_comment="The planner software's own id of the plan; empty where it has none.")
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who accepted, rejected or undid it.")
    ended_ts = models.DateTimeField(null=True, db_comment="When it came into its state (UTC); null while it is proposed.")
    ended_why = models.TextField(blank=True, db_comment="Why it is rejected, stale or undone.")
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_comment="The schedule that was current before it.")

    class Meta:
        """A line has one open proposal and one current schedule at a time."""

        constraints = (
            models.UniqueConstraint(fields=("line", "number"), name="schedule_number_once"),
            models.UniqueConstraint(fields=("line", "source_id"), condition=~models.Q(source_id=""), name="schedule_source_once"),
            models.UniqueConstraint(fields=("line",), condition=models.Q(state="proposed"), name="schedule_one_proposed"),
            models.UniqueConstraint(fields=("line",), condition=models.Q(state="accepted"), name="schedule_one_accepted"),
        )
        ordering = ("line_id", "-number")


class ScheduleEntry(Record):
    """One change of a version: an operation's new machine, place in its sequence and times (ISA-95 job order), and how all that was before."""

    NOUN = "schedule_entry"
    PLACE = "schedule__line__path"
    OWNER = "schedule"

    id = models.BigAutoField(primary_key=True, db_comment="Number.")
    schedule = models.ForeignKey(ScheduleVersion, on_delete=models.PROTECT, related_name="entries", db_comment="Of which version.")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="+", db_comment="What is planned.")
    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="+", db_comment="Where it is to be done.")
    sequence = models.PositiveIntegerField(db_comment="Its place in the sequence of that equipment, from 1.")
    planned_start_ts = models.DateTimeField(db_comment="Planned start (UTC).")
    planned_end_ts = models.DateTimeField(db_comment="Planned end (UTC).")
    why = models.CharField(max_length=240, blank=True, db_comment="Why this one moves, in the proposer's words.")
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in EntryState], default=EntryState.PROPOSED.value, db_comment="Where the change stands."
    )
    before_equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="+", db_comment="Where it was planned before.")
    before_start_ts = models.DateTimeField(null=True, db_comment="Planned start before (UTC); null: none.")
    before_end_ts = models.DateTimeField(null=True, db_comment="Planned end before (UTC); null: none.")
    before_setup_s = models.FloatField(null=True, db_comment="Planned set-up time before (seconds); null: not known.")
    before_run_s = models.FloatField(null=True, db_comment="Planned run time per item before (seconds); null: not known.")
    before_state = models.CharField(max_length=16, db_comment="The operation's state when it was proposed.")
    before_quantity = quantity_field(db_comment="What the operation was to make then.")
    before_due_ts = models.DateTimeField(null=True, db_comment="Due date of its order then (UTC); null: none.")

    class Meta:
        """An operation once a version."""

        constraints = (
            models.UniqueConstraint(fields=("schedule", "operation"), name="schedule_entry_once"),
            models.CheckConstraint(condition=models.Q(planned_end_ts__gt=models.F("planned_start_ts")), name="schedule_entry_ends_later"),
        )
        ordering = ("schedule_id", "equipment_id", "sequence")
