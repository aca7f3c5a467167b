"""Inspections: a sample checked by a plan, and each value measured. Judged when made, by the plan's limits."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.quality.models.gauge import Gauge
from factolake.mes.quality.models.plan import InspectionPlan, value_field


class InspectionResult(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"


class Inspection(Record):
    """One check of a sample. `characteristic` is the plan's, here too since later plans of the same one go on with its history."""

    NOUN = "inspection"
    PLACE = "equipment__path"
    OWNER = "plan"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    plan = models.ForeignKey(InspectionPlan, on_delete=models.PROTECT, related_name="inspections", db_comment="Judged by this plan.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Whose work was checked.")
    characteristic = models.CharField(max_length=120, db_comment="What was checked.")
    operation = models.ForeignKey("production.Operation", null=True, on_delete=models.PROTECT, db_comment="Of which operation; null: not said.")
    lot = models.ForeignKey("production.Lot", null=True, on_delete=models.PROTECT, db_comment="Of which lot or serial; null: not said.")
    gauge = models.ForeignKey(Gauge, null=True, on_delete=models.PROTECT, db_comment="Measured with; null: by eye.")
    sample_size = models.PositiveIntegerField(db_comment="Items checked.")
    nonconforming = models.PositiveIntegerField(db_comment="Items that failed.")
    result = models.CharField(max_length=8, choices=[(r.value, r.value) for r in InspectionResult], db_comment="How it ended.")
    at_ts = models.DateTimeField(db_comment="When the sample was taken (UTC).")
    inspected_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who checked.")

    class Meta:
        """The last good check of a machine is found at once."""

        indexes = (models.Index(fields=("equipment", "characteristic", "at_ts"), name="inspection_of_equipment"),)


class Measurement(Record):
    """One measured value of a check."""

    NOUN = "measurement"
    PLACE = "inspection__equipment__path"
    OWNER = "inspection"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="measurements", db_comment="Of which check.")
    number = models.PositiveIntegerField(db_comment="Place in the sample, from 1.")
    value = value_field(db_comment="Measured value in the plan's unit.")
    conforms = models.BooleanField(db_comment="Whether it is within the plan's limits.")

    class Meta:
        """A place once."""

        constraints = (models.UniqueConstraint(fields=("inspection", "number"), name="measurement_once"),)
