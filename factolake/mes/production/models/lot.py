"""Lots: a batch, a lot or a single serial number of a material (ISA-95 MaterialLot)."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.production.models.delivery import Delivery
from factolake.mes.production.models.material import MaterialDefinition, quantity_field
from factolake.mes.production.models.order import Operation


class LotStatus(StrEnum):
    """What may be done with a lot."""

    UNRESTRICTED = "unrestricted"
    QUALITY_INSPECTION = "quality_inspection"
    BLOCKED = "blocked"
    SCRAPPED = "scrapped"


LOT_STATES = StateMachine(
    "lot",
    {
        LotStatus.UNRESTRICTED: frozenset({LotStatus.QUALITY_INSPECTION, LotStatus.BLOCKED, LotStatus.SCRAPPED}),
        LotStatus.QUALITY_INSPECTION: frozenset({LotStatus.UNRESTRICTED, LotStatus.BLOCKED, LotStatus.SCRAPPED}),
        LotStatus.BLOCKED: frozenset({LotStatus.UNRESTRICTED, LotStatus.QUALITY_INSPECTION, LotStatus.SCRAPPED}),
        LotStatus.SCRAPPED: frozenset(),
    },
)


class Lot(Record):
    """So much of a material that is traced as one. A serial is a lot of one piece."""

    NOUN = "lot"
    PLACE = "place_path"

    lot_id = models.CharField(max_length=80, primary_key=True, db_comment="Lot, batch or serial number.")
    material = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, db_comment="Of what.")
    kind = models.CharField(
        max_length=8, choices=[("batch", "batch"), ("lot", "lot"), ("serial", "serial")], default="lot", db_comment="A serial is one piece."
    )
    quantity = quantity_field(db_comment="What there was when it was made or received, base unit.")
    remaining = quantity_field(db_comment="What is left of it, base unit.")
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in LotStatus], default=LotStatus.UNRESTRICTED.value, db_comment="What may be done with it."
    )
    made_by = models.ForeignKey(Operation, null=True, on_delete=models.PROTECT, related_name="lots", db_comment="Operation; null: received.")
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="lots", db_comment="It came with; null: none.")
    supplier_lot = models.CharField(max_length=80, blank=True, db_comment="The supplier's own number.")
    pallet = models.CharField(max_length=80, blank=True, db_comment="Handling unit it lies on (SSCC or own number).")
    place_path = models.CharField(max_length=240, blank=True, db_comment="Equipment path where it was made or received.")
    made_ts = models.DateTimeField(db_comment="When it was made or received (UTC).")

    class Meta:
        """What there is of a material and what lies on a pallet are found at once."""

        indexes = (
            models.Index(fields=("material", "status"), name="lot_of_material"),
            models.Index(fields=("supplier_lot",), name="lot_of_supplier", condition=~models.Q(supplier_lot="")),
            models.Index(fields=("pallet",), name="lot_on_pallet", condition=~models.Q(pallet="")),
        )
