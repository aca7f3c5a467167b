"""Master data of what is made: materials, bills and routings. Owned by the ERP where there is one; valid from and to in rows."""

from decimal import Decimal

from django.db import models

from factolake.mes.core.record import Record

PIECE = "C62"
"""UNECE Rec 20 code of a piece, which is what machines count."""


def quantity_field(**more: object) -> models.DecimalField:
    """A quantity in the material's base unit: 15 digits, 4 of them behind the point, which SQLite too keeps exactly."""
    if "default" in more:
        more["default"] = Decimal(str(more["default"]))  # a row that was just made shows the same kind of value as one that was read
    return models.DecimalField(max_digits=15, decimal_places=4, **more)


class MaterialDefinition(Record):
    """A material (ISA-95 MaterialDefinition). Quantities of it are in `base_unit` everywhere."""

    NOUN = "material"

    material_id = models.CharField(max_length=64, primary_key=True, db_comment="Id, the ERP's where there is one.")
    description = models.CharField(max_length=240, blank=True, db_comment="In words.")
    base_unit = models.CharField(max_length=8, default="C62", db_comment="UNECE Rec 20 code; C62 is a piece.")
    tracked_by = models.CharField(
        max_length=8, choices=[("none", "none"), ("lot", "lot"), ("serial", "serial")], default="lot", db_comment="How it is traced."
    )
    source_system = models.CharField(max_length=64, blank=True, db_comment="System that owns the row; empty is FactoMES.")


class BillItem(Record):
    """So much of a component goes into one unit of a material, at a routing step (ISA-95 MaterialRequirement)."""

    NOUN = "bill_item"

    material = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, related_name="bill", db_comment="What is made.")
    component = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, related_name="used_in", db_comment="What goes in.")
    step_number = models.PositiveIntegerField(db_comment="Routing step where it goes in.")
    quantity = quantity_field(db_comment="Component's base units for one base unit of the material.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: still.")

    class Meta:
        """Nothing is made of less than nothing."""

        constraints = (models.CheckConstraint(condition=models.Q(quantity__gt=0), name="bill_item_quantity_above_0"),)


class RoutingStep(Record):
    """One step on the way of a material through the plant (ISA-95 OperationsSegment)."""

    NOUN = "routing_step"

    material = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, related_name="routing", db_comment="What is made.")
    number = models.PositiveIntegerField(db_comment="Order of the steps: 10, 20, 30.")
    description = models.CharField(max_length=240, blank=True, db_comment="In words.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Line or machine that does it.")
    planned_setup_s = models.FloatField(default=0.0, db_comment="Planned set-up time (seconds).")
    planned_run_s = models.FloatField(null=True, db_comment="Planned run time per item, ISO 22400 PRI (seconds); null: not known.")
    overlaps = models.BooleanField(default=False, db_comment="Whether it may begin while the step before it runs: parts move on one by one.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: still.")


class RoutingAlternative(Record):
    """Other equipment that may do a routing step, perhaps in times of its own (ISA-95 equipment specification of an operations segment)."""

    NOUN = "routing_alternative"

    material = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, related_name="alternatives", db_comment="What is made.")
    step_number = models.PositiveIntegerField(db_comment="Routing step that it may do.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Line or machine that may do it too.")
    planned_setup_s = models.FloatField(null=True, db_comment="Planned set-up time there (seconds); null: the step's.")
    planned_run_s = models.FloatField(null=True, db_comment="Planned run time per item there (seconds); null: the step's.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: still.")
