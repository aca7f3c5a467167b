"""What production actions are asked with."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from factolake.mes.core.action import Form
from factolake.mes.core.moments import Moment
from factolake.mes.production.models import CountedBy

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s/](?:[^/]*[^\s/])?$", description="An id: no / and no blank at its ends.")]
LotId = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\s/](?:[^/]*[^\s/])?$", description="A lot: no / and no blank at its ends.")]
DeliveryId = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[^\s/](?:[^/]*[^\s/])?$", description="A delivery: no / and no blank at its ends.")
]
Quantity = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4, description="Above 0, in the material's base unit.")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4, description="0 or more, in the material's base unit.")]


class MaterialForm(Form):
    """A new material."""

    material_id: Id
    description: str = Field(default="", max_length=240)
    base_unit: str = Field(default="C62", min_length=1, max_length=8, description="UNECE Rec 20 code.")
    tracked_by: str = Field(default="lot", pattern="^(none|lot|serial)$")


class RoutingStepForm(Form):
    """A step on the way of a material."""

    material_id: Id
    number: int = Field(ge=1, le=9990)
    description: str = Field(default="", max_length=240)
    equipment_id: Id
    planned_setup_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    planned_run_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    overlaps: bool = Field(default=False, description="It may begin while the step before it runs: parts move on one by one.")


class AlternativeForm(Form):
    """Other equipment that may do a step; times that are not given are the step's."""

    material_id: Id
    step_number: int = Field(ge=1, le=9990, description="Routing step that it may do.")
    equipment_id: Id
    planned_setup_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    planned_run_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class BillItemForm(Form):
    """So much of a component goes into one unit of a material."""

    material_id: Id
    component_id: Id
    step_number: int = Field(ge=1, le=9990, description="Routing step where it goes in.")
    quantity: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4, description="Component's base units for one of the material.")]


class OrderForm(Form):
    """A new order; its operations are those of the material's routing, or one on the line where it has none."""

    order_id: Id
    material_id: Id
    quantity: Quantity
    line_id: Id
    due_ts: Moment | None = None
    priority: int = Field(default=0, ge=-1000, le=1000)
    counted_by: CountedBy = CountedBy.BOTH
    customer: str = Field(default="", max_length=120)
    sales_order: str = Field(default="", max_length=64)


class EditOrderForm(Form):
    """What is to be different; what is not given stays. Due null: no date any more."""

    quantity: Quantity | None = None
    due_ts: Moment | None = None
    priority: int | None = Field(default=None, ge=-1000, le=1000)
    counted_by: CountedBy | None = None


class StepForm(Form):
    """A step of an operation, perhaps told late."""

    at_ts: Moment | None = Field(default=None, description="When it happened; now where it is not given.")


class ReportForm(Form):
    """What an operation made since the last report. `lot_id` is the lot the good ones belong to; it is made when it is not there."""

    good: Amount = Decimal(0)
    scrap: Amount = Decimal(0)
    rework: Amount = Decimal(0)
    cause_id: str | None = Field(default=None, max_length=64, description="Reason of the scrap or rework.")
    lot_id: LotId | None = None
    at_ts: Moment | None = Field(default=None, description="When it was made; now where it is not given.")


class WaitForm(Form):
    """How long an interrupted operation waits."""

    repaired_ts: Moment = Field(description="When the machine is expected to run again.")


class MoveRestForm(Form):
    """Where the rest of an interrupted operation is made, and when; at once where no start is given."""

    equipment_id: Id
    planned_start_ts: Moment | None = None
    planned_end_ts: Moment | None = Field(default=None, description="By the planned run time where it is not given.")
    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")


class ScrapRestForm(Form):
    """What of an interrupted operation is lost."""

    scrap: Quantity
    cause_id: str = Field(min_length=1, max_length=64, description="Reason of the scrap.")


class ConsumeForm(Form):
    """So much of a lot goes into the operation, and into the lot it makes."""

    lot_id: str = Field(min_length=1, max_length=80)
    quantity: Quantity
    into_lot_id: LotId | None = None
    at_ts: Moment | None = None


class DeliveryForm(Form):
    """So much of a material that is to come."""

    delivery_id: DeliveryId
    material_id: Id
    quantity: Quantity
    expected_ts: Moment
    supplier: str = Field(default="", max_length=120)


class EditDeliveryForm(Form):
    """What is to be different; what is not given stays."""

    quantity: Quantity | None = None
    expected_ts: Moment | None = None
    supplier: str | None = Field(default=None, max_length=120)


class ReceiveForm(Form):
    """A lot that comes into the plant or is found in it."""

    lot_id: LotId
    material_id: Id
    quantity: Quantity
    kind: str = Field(default="lot", pattern="^(batch|lot|serial)$")
    delivery_id: DeliveryId | None = Field(default=None, description="Delivery that it came with: so much less of that is expected.")
    supplier_lot: str = Field(default="", max_length=80)
    pallet: str = Field(default="", max_length=80)
    equipment_id: Id | None = None


class MoveForm(Form):
    """The handling unit a lot lies on from now on; empty: on none."""

    pallet: str = Field(default="", max_length=80)


class ShipForm(Form):
    """What goes to a customer; where nothing is given, all that is left goes to whom the order is for."""

    quantity: Quantity | None = None
    customer: str = Field(default="", max_length=120)
    sales_order: str = Field(default="", max_length=64)
    at_ts: Moment | None = None


class WhyForm(Form):
    """A step that has to be explained."""

    reason: str = Field(min_length=1, max_length=2000, description="Why, in your own words.")
