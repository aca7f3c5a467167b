"""Production orders and their operations (ISA-95 OperationsRequest and job order), with their states."""

from decimal import Decimal
from enum import StrEnum

from django.db import models

from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.production.models.material import MaterialDefinition, quantity_field

ORDER_STATES = StateMachine(
    "order",
    {
        OrderState.PLANNED: frozenset({OrderState.RELEASED, OrderState.CANCELLED}),
        OrderState.RELEASED: frozenset({OrderState.RUNNING, OrderState.HELD, OrderState.CANCELLED}),
        OrderState.RUNNING: frozenset({OrderState.HELD, OrderState.COMPLETED}),
        OrderState.HELD: frozenset({OrderState.RELEASED, OrderState.RUNNING, OrderState.CANCELLED}),
        OrderState.COMPLETED: frozenset({OrderState.CLOSED}),
        OrderState.CLOSED: frozenset(),
        OrderState.CANCELLED: frozenset(),
    },
)

OPERATION_STATES = StateMachine(
    "operation",
    {
        OperationState.WAITING: frozenset({OperationState.READY, OperationState.HELD, OperationState.CANCELLED}),
        OperationState.READY: frozenset({OperationState.RUNNING, OperationState.HELD, OperationState.CANCELLED}),
        OperationState.RUNNING: frozenset({OperationState.SUSPENDED, OperationState.HELD, OperationState.COMPLETED}),
        OperationState.SUSPENDED: frozenset({OperationState.RUNNING, OperationState.HELD, OperationState.COMPLETED}),
        OperationState.HELD: frozenset({OperationState.WAITING, OperationState.READY, OperationState.SUSPENDED, OperationState.CANCELLED}),
        OperationState.COMPLETED: frozenset(),
        OperationState.CANCELLED: frozenset(),
    },
)


class CountedBy(StrEnum):
    """Who says how much an order made: machine, operator, or both with differences listed at handover."""

    MACHINE = "machine"
    OPERATOR = "operator"
    BOTH = "both"


class Order(Record):
    """So much of a material, by a date, on a line (ISA-95 OperationsRequest). Quantity and due date are the ERP's where there is one."""

    NOUN = "order"
    PLACE = "line__path"

    order_id = models.CharField(max_length=64, primary_key=True, db_comment="Id, the ERP's where there is one.")
    material = models.ForeignKey(MaterialDefinition, on_delete=models.PROTECT, db_comment="What is to be made.")
    quantity = quantity_field(db_comment="How much, in the material's base unit.")
    due_ts = models.DateTimeField(null=True, db_comment="By when (UTC).")
    priority = models.IntegerField(default=0, db_comment="Higher goes first.")
    line = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Line that makes it.")
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in OrderState], default=OrderState.PLANNED.value, db_comment="Where it stands."
    )
    counted_by = models.CharField(
        max_length=16, choices=[(c.value, c.value) for c in CountedBy], default=CountedBy.BOTH.value, db_comment="Who counts."
    )
    customer = models.CharField(max_length=120, blank=True, db_comment="Whom it is for, as the ERP says.")
    sales_order = models.CharField(max_length=64, blank=True, db_comment="The customer's order and item, as the ERP says.")
    source_system = models.CharField(max_length=64, blank=True, db_comment="System that owns the order; empty is FactoMES.")

    class Meta:
        """Never less than nothing; the open orders of a line are found at once."""

        constraints = (models.CheckConstraint(condition=models.Q(quantity__gt=0), name="order_quantity_above_0"),)
        indexes = (
            models.Index(fields=("line", "state", "due_ts"), name="order_of_line"),
            models.Index(fields=("line", "state", "order_id"), name="order_of_line_by_key"),  # a page of the API: SQLite read 100,000 rows for one
        )


class Operation(Record):
    """One step of an order at a piece of equipment (ISA-95 job order). Quantities are the sums of what was reported."""

    NOUN = "operation"
    PLACE = "equipment__path"
    OWNER = "order"

    operation_id = models.CharField(max_length=80, primary_key=True, db_comment="Order id and number: PO-7.10.")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="operations", db_comment="Its order.")
    number = models.PositiveIntegerField(db_comment="Order of the steps: 10, 20, 30.")
    part = models.PositiveIntegerField(default=0, db_comment="0; of the rest of an interrupted operation, made elsewhere: 1, 2 and so on.")
    quantity = quantity_field(null=True, db_comment="How much of the order it makes, base unit; null: all of it.")
    description = models.CharField(max_length=240, blank=True, db_comment="In words.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Line or machine that does it.")
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in OperationState], default=OperationState.WAITING.value, db_comment="Where it stands."
    )
    resumes_to = models.CharField(max_length=16, blank=True, db_comment="State a hold gives back.")
    planned_start_ts = models.DateTimeField(null=True, db_comment="Planned start (UTC).")
    planned_end_ts = models.DateTimeField(null=True, db_comment="Planned end (UTC).")
    sequence = models.PositiveIntegerField(null=True, db_comment="Place in the planned sequence of its equipment, from 1; null: in none.")
    waits_until_ts = models.DateTimeField(null=True, db_comment="Until when it waits for a repair, as estimated (UTC); null: it does not.")
    planned_setup_s = models.FloatField(default=0.0, db_comment="Planned set-up time (seconds).")
    planned_run_s = models.FloatField(null=True, db_comment="Planned run time per item (seconds); null: not known.")
    overlaps = models.BooleanField(default=False, db_comment="Whether it may begin while the one before it runs: parts move on one by one.")
    actual_start_ts = models.DateTimeField(null=True, db_comment="When it was started (UTC).")
    actual_end_ts = models.DateTimeField(null=True, db_comment="When it was completed (UTC).")
    good = quantity_field(default=0, db_comment="Good quantity reported.")
    scrap = quantity_field(default=0, db_comment="Scrap reported.")
    rework = quantity_field(default=0, db_comment="Rework reported.")

    class Meta:
        """A part of a step once an order; the work of a station is found at once."""

        constraints = (models.UniqueConstraint(fields=("order", "number", "part"), name="operation_number_once"),)
        indexes = (models.Index(fields=("equipment", "state", "planned_start_ts"), name="operation_of_equipment"),)
        ordering = ("order_id", "number", "part")

    @property
    def planned_quantity(self) -> Decimal:
        """How much it is to make, in the material's base unit."""
        return self.order.quantity if self.quantity is None else self.quantity

    @property
    def left(self) -> Decimal:
        """What of it is not made yet; never below 0."""
        return max(self.planned_quantity - self.good, Decimal(0))
