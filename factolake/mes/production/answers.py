"""What the queries of production answer, for readers of the API. Quantities are decimal text in the material's base unit, times ISO 8601 in UTC."""

from datetime import datetime

from ninja import Schema
from pydantic import Field


class LotRow(Schema):
    """A lot as genealogy and recall tell of it; customer and sales order are those of the order that made it."""

    lot_id: str
    kind: str
    material_id: str
    base_unit: str
    quantity: str
    remaining: str
    status: str
    pallet: str
    supplier_lot: str
    made_ts: datetime
    operation_id: str | None
    order_id: str | None
    customer: str | None
    sales_order: str | None
    place_path: str


class TreeLot(LotRow):
    """A lot of the tree."""

    level: int = Field(description="Fewest steps from the lot that was asked about, which has 0.")


class Use(Schema):
    """So much of one lot went into another in one operation."""

    lot_id: str
    into_lot_id: str
    operation_id: str
    order_id: str
    equipment_id: str
    base_unit: str
    quantity: str
    first_ts: datetime
    last_ts: datetime


class Genealogy(Schema):
    """Lots and the uses between them, to be drawn as a tree."""

    lot_id: str
    way: str
    lots: list[TreeLot]
    uses: list[Use]
    lots_reached: int = Field(description="Lots within the levels asked for, without the lot itself.")
    left_out: int = Field(description="Lots outside the places that you may see.")
    is_complete: bool = Field(description="Whether everything that is reached is here.")


class RecallLot(LotRow):
    """A lot on a recall list."""

    shipped: str = Field(description="How much of it is with customers.")


class RecallOrder(Schema):
    """An order that made affected lots or used some."""

    order_id: str
    material_id: str
    base_unit: str
    customer: str
    sales_order: str
    lots: int
    quantity: str
    remaining: str
    untraced: bool = Field(description="It used an affected lot without saying for which lot: all it made may be affected.")


class RecallPallet(Schema):
    """A pallet with affected lots of a material."""

    pallet: str
    material_id: str
    base_unit: str
    lots: int
    remaining: str


class RecallCustomer(Schema):
    """A customer for whom affected lots were made or to whom they were shipped."""

    customer: str
    sales_orders: list[str]
    lots: int
    lots_shipped: int


class Recall(Schema):
    """Everything a lot went into, over all levels."""

    lot: RecallLot
    lots: list[RecallLot]
    orders: list[RecallOrder]
    pallets: list[RecallPallet]
    customers: list[RecallCustomer]
    lots_reached: int
    left_out: int = Field(description="Lots and orders outside the places that you may see; the list is not whole then.")
    is_complete: bool
    note: str


class Count(Schema):
    """Parts that a machine counted; null where it cannot tell."""

    produced: int | None
    good: int | None
    scrap: int | None
    rework: int | None
    reason: str
    as_of_ts: datetime | None


class HandoverOperation(Schema):
    """What was reported of an operation in the time, and counted where it alone was at work on its machine."""

    order_id: str
    operation_id: str
    equipment_id: str
    material_id: str
    base_unit: str
    state: str
    counted_by: str
    good: str
    scrap: str
    rework: str
    counted: Count


class Reported(Schema):
    """Quantities; null where there is nothing to compare."""

    good: str | None
    scrap: str | None
    rework: str | None
    produced: str | None


class HandoverMachine(Schema):
    """Reports against counts of a machine or line; the difference is reported less counted."""

    equipment_id: str
    operation_ids: list[str]
    counted_by: list[str]
    reported: Reported
    counted: Count
    difference: Reported


class Balance(Schema):
    """Where what an order made is now, over its whole life."""

    order_id: str
    good: str
    scrap: str
    rework: str
    reported_into_lots: str
    in_lots: str
    remaining: str
    consumed: str
    shipped: str
    written_off: str
    unexplained: str


class Disagreement(Schema):
    """Two sources that do not agree, for people to settle at handover."""

    kind: str = Field(description="good, scrap, rework, produced, not_counted, in_lots, unexplained.")
    equipment_id: str | None
    operation_ids: list[str]
    text: str


class Handover(Schema):
    """What there is to hand over."""

    equipment_id: str
    from_ts: datetime
    to_ts: datetime
    operations: list[HandoverOperation]
    machines: list[HandoverMachine]
    balances: list[Balance]
    disagreements: list[Disagreement]


class FlowOperation(Schema):
    """An operation on the order's way."""

    operation_id: str
    description: str
    touch_s: float
    waited_s: float = Field(description="How long the order stood still before it.")


class OrderFlow(Schema):
    """How an order flowed, from its first beginning to its last end; seconds."""

    order_id: str
    cycle_s: float
    touch_s: float = Field(description="Work in all operations; two at once count twice.")
    waiting_s: float = Field(description="None of its operations was under way.")
    operations: list[FlowOperation]
    open_operations: int = Field(description="Operations that have not begun or not ended, and are in none of the times.")
