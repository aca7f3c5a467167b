"""Preventive plans: what is done to a machine every so many days or cycles, and when next."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from factolake.mes.core.record import Record
from factolake.mes.production.models.material import quantity_field


class CycleSource(StrEnum):
    """Who counts the cycles of a plan: the operations' good and scrap, or a counter whose value is given."""

    OPERATIONS = "operations"
    GIVEN = "given"


class PreventivePlan(Record):
    """Something is due after so many days or so many cycles, whichever comes first. Closing its order sets the next due."""

    NOUN = "preventive_plan"
    PLACE = "equipment__path"

    plan_id = models.CharField(max_length=64, primary_key=True, db_comment="Id, as the plant numbers its plans.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="What is maintained.")
    description = models.CharField(max_length=240, db_comment="What is done.")
    every_days = models.PositiveIntegerField(null=True, db_comment="Days from one time to the next; null: not by time.")
    every_cycles = quantity_field(null=True, db_comment="Cycles from one time to the next; null: not by cycles.")
    cycles_from = models.CharField(max_length=12, choices=[(c.value, c.value) for c in CycleSource], db_comment="Who counts the cycles.")
    next_due_ts = models.DateTimeField(null=True, db_comment="When it is due (UTC); null: not by time.")
    next_due_cycles = quantity_field(null=True, db_comment="Count at which it is due; null: not by cycles.")
    last_done_ts = models.DateTimeField(null=True, db_comment="When it was last done (UTC); null: not yet.")
    is_active = models.BooleanField(default=True, db_comment="False: no longer done.")

    class Meta:
        """By time, by cycles, or both; what is due is found at once."""

        constraints = (models.CheckConstraint(condition=Q(every_days__gt=0) | Q(every_cycles__gt=0), name="preventive_plan_has_interval"),)
        indexes = (models.Index(fields=("is_active", "next_due_ts"), name="preventive_plan_due"),)
