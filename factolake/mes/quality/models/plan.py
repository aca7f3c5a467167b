"""Inspection plans: which characteristic is checked where, within which limits, how often and with what."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from factolake.mes.core.record import Record
from factolake.mes.quality.models.gauge import Gauge


def value_field(**more: object) -> models.DecimalField:
    """A measured value or limit: 15 digits, 6 of them behind the point, which SQLite too keeps exactly."""
    return models.DecimalField(max_digits=15, decimal_places=6, **more)


class CharacteristicKind(StrEnum):
    """How a characteristic is judged: by a measured value, or by counting what does not conform."""

    VARIABLE = "variable"
    ATTRIBUTE = "attribute"


class SampledPer(StrEnum):
    """What the sampling counts."""

    PARTS = "parts"
    MINUTES = "minutes"
    LOT = "lot"


class InspectionPlan(Record):
    """One characteristic of what a piece of equipment makes. A change is a new row: a check is judged by the plan valid when it was made."""

    NOUN = "inspection_plan"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Site, line or machine whose work is checked.")
    material = models.ForeignKey("production.MaterialDefinition", null=True, on_delete=models.PROTECT, db_comment="Of which material; null: any.")
    step_number = models.PositiveIntegerField(null=True, db_comment="Routing step it belongs to; null: any.")
    characteristic = models.CharField(max_length=120, db_comment="What is checked: bore diameter, burr.")
    kind = models.CharField(max_length=12, choices=[(k.value, k.value) for k in CharacteristicKind], db_comment="How it is judged.")
    unit = models.CharField(max_length=8, blank=True, db_comment="UNECE Rec 20 code of the values; MMT is millimetre.")
    nominal = value_field(null=True, db_comment="Value wanted.")
    lower = value_field(null=True, db_comment="Lowest value that conforms; null: no limit.")
    upper = value_field(null=True, db_comment="Highest value that conforms; null: no limit.")
    sampled_per = models.CharField(max_length=8, choices=[(s.value, s.value) for s in SampledPer], db_comment="What the sampling counts.")
    sampled_every = models.PositiveIntegerField(default=1, db_comment="A check is due every so many parts, minutes or lots.")
    sample_size = models.PositiveIntegerField(default=1, db_comment="Items in one check.")
    accept_up_to = models.PositiveIntegerField(default=0, db_comment="Items of the sample that may fail before the check fails.")
    gauge = models.ForeignKey(Gauge, null=True, on_delete=models.PROTECT, db_comment="What it is measured with; null: by eye.")
    holds_on_failure = models.BooleanField(default=False, db_comment="Whether a failed check holds everything since the last good one.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: still.")

    class Meta:
        """The plans of a machine are found at once; one is valid at a time."""

        indexes = (models.Index(fields=("equipment", "valid_to"), name="inspection_plan_of_equipment"),)
        constraints = (
            models.UniqueConstraint(
                fields=("equipment", "material", "step_number", "characteristic"),
                condition=Q(valid_to=None),
                nulls_distinct=False,
                name="inspection_plan_once",
            ),
        )
