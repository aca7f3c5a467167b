"""Deliveries of material that are expected from outside (ISA-95 material that will be available): what planning counts on beside the stock."""

from decimal import Decimal
from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.production.models.material import MaterialDefinition, quantity_field


class DeliveryState(StrEnum):
    """Where a delivery stands. What is received is in the stock as lots, and expected no more."""

    EXPECTED = "expected"
    RECEIVED = "received"
    CANCELLED = "cancelled"


DELIVERY_STATES = StateMachine(
    "delivery",
    {
        DeliveryState.EXPECTED: frozenset({DeliveryState.RECEIVED, DeliveryState.CANCELLED}),
        DeliveryState.RECEIVED: frozenset(),
        DeliveryState.CANCELLED: frozenset(),
    },
)


class Delivery(Record):
    """So much of a material is to come, and when. It may come in parts; what has come is `received`, the rest is still expected."""

    NOUN = "delivery"

    delivery_id = models.CharField(max_length=80, primary_key=True, db_comment="Id, the ERP's where there is one: purchase order and item.")
    material = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, related_name="deliveries", db_comment="Of what.")
    quantity = quantity_field(db_comment="How much in all, base unit.")
    received = quantity_field(default=0, db_comment="How much of it has come, base unit.")
    expected_ts = models.DateTimeField(db_comment="When it is expected (UTC).")
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in DeliveryState], default=DeliveryState.EXPECTED.value, db_comment="Where it stands."
    )
    supplier = models.CharField(max_length=120, blank=True, db_comment="Who sends it.")
    source_system = models.CharField(max_length=64, blank=True, db_comment="System that told it first; empty is FactoMES.")

    class Meta:
        """Never less than nothing; what is still to come of a material is found at once."""

        constraints = (models.CheckConstraint(condition=models.Q(quantity__gt=0), name="delivery_quantity_above_0"),)
        indexes = (models.Index(fields=("material", "state", "expected_ts"), name="delivery_of_material"),)

    @property
    def left(self) -> Decimal:
        """What of it is still to come; never below 0."""
        return max(self.quantity - self.received, Decimal(0))
