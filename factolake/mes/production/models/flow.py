"""What happened to material: made, consumed and shipped. Rows are facts: a correction is a reversal, a row of the opposite sign that names it."""

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Reason
from factolake.mes.production.models.lot import Lot
from factolake.mes.production.models.material import quantity_field
from factolake.mes.production.models.order import CountedBy, Operation

SIGN = models.Q(reverses=None, quantity__gt=0) | models.Q(reverses__isnull=False, quantity__lt=0)


class Production(Record):
    """A report of an operation: good, scrap and rework made (ISA-95 MaterialProduced)."""

    NOUN = "production"
    PLACE = "operation__equipment__path"
    OWNER = "operation"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="reports", db_comment="Operation that made it.")
    lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="made", db_comment="Lot the good ones belong to.")
    good = quantity_field(default=0, db_comment="Good, base unit; negative in a reversal.")
    scrap = quantity_field(default=0, db_comment="Scrap, base unit; negative in a reversal.")
    rework = quantity_field(default=0, db_comment="To be reworked, base unit; negative in a reversal.")
    cause = models.ForeignKey(Reason, null=True, on_delete=models.PROTECT, db_comment="Why scrap or rework.")
    at_ts = models.DateTimeField(db_comment="When it was made (UTC).")
    reported_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who reported it.")
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, db_comment="Report that this one takes back.")
    counted_by = models.CharField(
        max_length=16,
        choices=[(c.value, c.value) for c in (CountedBy.OPERATOR, CountedBy.MACHINE)],
        default=CountedBy.OPERATOR.value,
        db_comment="Whether people or a machine counted it.",
    )
    source_system = models.CharField(max_length=64, blank=True, default="", db_comment="System that told it; empty is FactoMES.")
    source_row = models.CharField(max_length=200, blank=True, default="", db_comment="What it was told by: the source's row; empty: a person.")

    class Meta:
        """What was made in a shift is found at once, and what a source told of an operation."""

        indexes = (
            models.Index(fields=("at_ts",), name="production_in_time"),
            models.Index(fields=("operation", "source_system", "source_row"), name="production_of_source", condition=~models.Q(source_row="")),
        )


class Consumption(Record):
    """So much of a lot went into an operation, and into a lot it made (ISA-95 MaterialConsumed). The edges of the genealogy."""

    NOUN = "consumption"
    PLACE = "operation__equipment__path"
    OWNER = "operation"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="consumptions", db_comment="Operation that used it.")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="uses", db_comment="What was used.")
    into_lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="parts", db_comment="What it went into; null: not traced.")
    quantity = quantity_field(db_comment="How much, base unit of the used material; negative in a reversal.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    reported_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who reported it.")
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, db_comment="Consumption that this one takes back.")

    class Meta:
        """Both ways through the genealogy; a reversal is negative, everything else is not."""

        constraints = (models.CheckConstraint(condition=SIGN, name="consumption_sign"),)
        indexes = (
            models.Index(fields=("lot", "into_lot"), name="consumption_forward"),
            models.Index(fields=("into_lot", "lot"), name="consumption_backward"),
        )


class Shipment(Record):
    """So much of a lot left the plant for a customer (goods issue)."""

    NOUN = "shipment"
    PLACE = "lot__place_path"
    OWNER = "lot"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="shipments", db_comment="What was shipped.")
    quantity = quantity_field(db_comment="How much, base unit; negative in a reversal.")
    customer = models.CharField(max_length=120, db_comment="To whom.")
    sales_order = models.CharField(max_length=64, blank=True, db_comment="The customer's order and item, as the ERP says.")
    pallet = models.CharField(max_length=80, blank=True, db_comment="Handling unit it left on.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    reported_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who booked it.")
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, db_comment="Shipment that this one takes back.")

    class Meta:
        """What a customer got is found at once; a reversal is negative, everything else is not."""

        constraints = (models.CheckConstraint(condition=SIGN, name="shipment_sign"),)
        indexes = (models.Index(fields=("customer", "at_ts"), name="shipment_to_customer"),)
