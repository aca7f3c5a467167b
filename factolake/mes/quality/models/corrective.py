"""Corrective actions: the steps after a method, who does each by when, and whether it helped."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.quality.models.nonconformance import Nonconformance


class Method(StrEnum):
    """How a problem is worked on."""

    EIGHT_D = "8d"
    CAPA = "capa"


METHOD_STEPS: dict[Method, tuple[tuple[str, str], ...]] = {
    Method.EIGHT_D: (
        ("D0", "Prepare"),
        ("D1", "Form the team"),
        ("D2", "Describe the problem"),
        ("D3", "Contain it"),
        ("D4", "Find root cause and escape point"),
        ("D5", "Choose the corrective actions"),
        ("D6", "Implement and validate them"),
        ("D7", "Prevent it from coming back"),
        ("D8", "Recognise the team"),
    ),
    Method.CAPA: (
        ("identify", "Identify"),
        ("contain", "Contain"),
        ("investigate", "Investigate"),
        ("root_cause", "Find the root cause"),
        ("plan", "Plan the actions"),
        ("implement", "Implement them"),
    ),
}
"""Code and name of each step. That it helped is checked after the last one, whatever the method."""
ROOT_CAUSE_STEPS = frozenset({"D4", "root_cause"})
"""From here the work begins anew when it did not help."""


class CorrectiveState(StrEnum):
    """Where a corrective action stands."""

    OPEN = "open"
    IMPLEMENTED = "implemented"
    EFFECTIVE = "effective"
    CANCELLED = "cancelled"


CORRECTIVE_STATES = StateMachine(
    "corrective_action",
    {
        CorrectiveState.OPEN: frozenset({CorrectiveState.IMPLEMENTED, CorrectiveState.CANCELLED}),
        CorrectiveState.IMPLEMENTED: frozenset({CorrectiveState.EFFECTIVE, CorrectiveState.OPEN}),
        CorrectiveState.EFFECTIVE: frozenset(),
        CorrectiveState.CANCELLED: frozenset(),
    },
)


class CorrectiveAction(Record):
    """A problem that must not come back. Implemented with its last step, effective when somebody else has checked that it helped."""

    NOUN = "corrective_action"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Where the problem is.")
    nonconformance = models.ForeignKey(
        Nonconformance, null=True, on_delete=models.PROTECT, related_name="corrective_actions", db_comment="From which."
    )
    method = models.CharField(max_length=8, choices=[(m.value, m.value) for m in Method], db_comment="8D or CAPA.")
    problem = models.TextField(db_comment="The problem.")
    owner = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who answers for it.")
    due_ts = models.DateTimeField(db_comment="By when all steps are done (UTC).")
    effectiveness_check = models.TextField(db_comment="How it will be seen that it helped.")
    check_due_ts = models.DateTimeField(db_comment="When that is looked at (UTC).")
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in CorrectiveState], default=CorrectiveState.OPEN.value, db_comment="Where it stands."
    )
    evidence = models.TextField(blank=True, db_comment="What the last check of effectiveness saw.")
    verified_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who checked last.")
    verified_ts = models.DateTimeField(null=True, db_comment="When (UTC).")
    rounds = models.PositiveIntegerField(default=1, db_comment="Grows each time it did not help.")


class CorrectiveStep(Record):
    """One step of a corrective action."""

    NOUN = "corrective_step"
    PLACE = "corrective_action__equipment__path"
    OWNER = "corrective_action"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    corrective_action = models.ForeignKey(CorrectiveAction, on_delete=models.PROTECT, related_name="steps", db_comment="Of which action.")
    number = models.PositiveIntegerField(db_comment="Order of the steps, from 0.")
    code = models.CharField(max_length=16, db_comment="D4, root_cause.")
    name = models.CharField(max_length=120, db_comment="In words.")
    owner = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who does it.")
    due_ts = models.DateTimeField(db_comment="By when (UTC).")
    finding = models.TextField(blank=True, db_comment="What came out of it.")
    done_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who did it.")
    done_ts = models.DateTimeField(null=True, db_comment="When (UTC); null: still to do.")

    class Meta:
        """A number once an action."""

        constraints = (models.UniqueConstraint(fields=("corrective_action", "number"), name="corrective_step_once"),)
        ordering = ("corrective_action_id", "number")
