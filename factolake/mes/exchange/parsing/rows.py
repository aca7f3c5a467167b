"""What a row of a document may say, whatever its format: a form a kind of row, and what a parser hands on."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.moments import Moment
from factolake.mes.production.forms import DeliveryId, Id
from factolake.mes.production.models import CountedBy, DeliveryState

Value = object
"""What a document holds in a field: text, number, truth value, None, or a list of rows."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
MESSAGE_LENGTH, FIELD_LENGTH = 500, 120


def _plain_number(value: object) -> object:
    """Only ASCII digits: Python would take 1_000, Arabic digits and true for numbers."""
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and _NUMBER.fullmatch(value))):
        raise ValueError("a number is written 1234.5, without blanks and thousands separators")
    return value


_Plain = BeforeValidator(_plain_number)
Quantity = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4), _Plain]
Total = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4), _Plain]
Number = Annotated[int, Field(ge=1, le=9990), _Plain]
Priority = Annotated[int, Field(ge=-1000, le=1000), _Plain]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), _Plain]
RunSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False), _Plain]
Words = Annotated[str, Field(max_length=240)]
Unit = Annotated[str, Field(min_length=1, max_length=8)]


class RowForm(BaseModel):
    """Base of the forms. `KEY` are the fields that name the thing; a field that is not given leaves what is known as it is."""

    KEY: ClassVar[tuple[str, ...]]
    NUMBERS: ClassVar[frozenset[str]] = frozenset()
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def given(self) -> frozenset[str]:
        """Fields that the row gave."""
        return frozenset(self.model_fields_set)


class MaterialRow(RowForm):
    """A material."""

    KEY = ("material_id",)

    material_id: Id
    description: Words = ""
    base_unit: Unit = "C62"
    tracked_by: str = Field(default="lot", pattern="^(none|lot|serial)$")


class BillRow(RowForm):
    """So much of a component goes into one base unit of a material at a routing step; `ended` takes it out of the bill from now on."""

    KEY = ("material_id", "component_id", "step_number")
    NUMBERS = frozenset({"step_number", "quantity"})

    material_id: Id
    component_id: Id
    step_number: Number
    quantity: Quantity
    unit: Unit | None = None
    ended: bool = False


class RoutingRow(RowForm):
    """A step on the way of a material; `ended` takes it out of the routing from now on."""

    KEY = ("material_id", "number")
    NUMBERS = frozenset({"number", "planned_setup_s", "planned_run_s"})

    material_id: Id
    number: Number
    equipment_id: Id
    description: Words = ""
    planned_setup_s: Seconds = 0.0
    planned_run_s: RunSeconds | None = None
    overlaps: bool = False
    ended: bool = False


class AlternativeRow(RowForm):
    """Other equipment that may do a routing step, in the step's times or its own; `ended`: from now on it does not."""

    KEY = ("material_id", "step_number", "equipment_id")
    NUMBERS = frozenset({"step_number", "planned_setup_s", "planned_run_s"})

    material_id: Id
    step_number: Number
    equipment_id: Id
    planned_setup_s: Seconds | None = None
    planned_run_s: RunSeconds | None = None
    ended: bool = False


class DeliveryRow(RowForm):
    """So much of a material is to come from outside; `state` says where it has come, or that it does not come."""

    KEY = ("delivery_id",)
    NUMBERS = frozenset({"quantity"})

    delivery_id: DeliveryId
    material_id: Id
    quantity: Quantity
    expected_ts: Moment
    unit: Unit | None = None
    supplier: str = Field(default="", max_length=120)
    state: DeliveryState = DeliveryState.EXPECTED


class OrderOperation(RowForm):
    """An operation as an order names it."""

    KEY: ClassVar[tuple[str, ...]] = ("number",)

    number: Number
    equipment_id: Id | None = None
    description: Words = ""
    planned_setup_s: Seconds = 0.0
    planned_run_s: RunSeconds | None = None
    overlaps: bool = False
    planned_start_ts: Moment | None = None
    planned_end_ts: Moment | None = None


class OperationRow(OrderOperation):
    """An operation of an order that is known."""

    KEY = ("order_id", "number")
    NUMBERS = frozenset({"number", "planned_setup_s", "planned_run_s"})

    order_id: Id


class OrderRow(RowForm):
    """An order; without operations of its own it gets those of the material's routing. `release` lets it be worked on at once.

    `state` is an incumbent MES's word of where it stands; nobody else says it.
    """

    KEY = ("order_id",)
    NUMBERS = frozenset({"quantity", "priority"})

    order_id: Id
    material_id: Id
    quantity: Quantity
    line_id: Id
    unit: Unit | None = None
    due_ts: Moment | None = None
    priority: Priority = 0
    counted_by: CountedBy = CountedBy.BOTH
    customer: str = Field(default="", max_length=120)
    sales_order: str = Field(default="", max_length=64)
    release: bool = False
    state: OrderState | None = None
    operations: tuple[OrderOperation, ...] = ()


class ProgressRow(RowForm):
    """How far an incumbent MES has come with an operation: its state, and totals since its beginning in the material's base unit."""

    KEY = ("order_id", "number")
    NUMBERS = frozenset({"number", "good", "scrap", "rework"})

    order_id: Id
    number: Number
    state: OperationState | None = None
    actual_start_ts: Moment | None = None
    actual_end_ts: Moment | None = None
    good: Total = Decimal(0)
    scrap: Total = Decimal(0)
    rework: Total = Decimal(0)
    cause_id: str | None = Field(default=None, max_length=64)
    at_ts: Moment | None = None


FORMS: dict[str, type[RowForm]] = {
    "materials": MaterialRow,
    "bills": BillRow,
    "routings": RoutingRow,
    "alternatives": AlternativeRow,
    "deliveries": DeliveryRow,
    "orders": OrderRow,
    "operations": OperationRow,
    "progress": ProgressRow,
}
"""The form of each kind of row."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row as the document has it; `number` counts as a person does who looks at the document."""

    number: int
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be taken: the field that is wrong ("" is the row as a whole) and why, in one sentence."""

    number: int
    field: str
    message: str
    values: Mapping[str, Value]

    @classmethod
    def of(cls, row: ParsedRow, field: str, message: str) -> "RowError":
        """What is wrong with `row`, no longer than it can be stored."""
        return cls(row.number, field[:FIELD_LENGTH], message[:MESSAGE_LENGTH], row.values)


def check(row: ParsedRow, form: type[RowForm]) -> RowForm | RowError:
    """The row in its form, or the first field that does not fit."""
    for name, value in _texts(row.values):
        if "\0" in value or not _is_unicode(value):
            return RowError.of(
                ParsedRow(row.number, {}), name, f"{name[:80]!r} holds a NUL or half a character, which nobody can store; send it without"
            )
    try:
        return form.model_validate(dict(row.values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        seen = "" if first["type"] == "missing" else f", not {str(first['input'])[:80]!r}"
        return RowError.of(row, field, f"{first['msg'].removeprefix('Value error, ')}{seen}")


def key_of(row: ParsedRow, form: type[RowForm]) -> tuple[object, ...]:
    """What names the row's thing, as its form reads it: 10, 010 and +10.0 are one step. As text where it cannot be read."""
    given = {name: row.values.get(name) for name in form.KEY}
    try:
        read = _key_form(form).model_validate(given)
    except ValidationError:
        return tuple(str(value) for value in given.values())
    return tuple(getattr(read, name) for name in form.KEY)


@cache
def _key_form(form: type[RowForm]) -> type[BaseModel]:
    fields: Any = {name: (form.model_fields[name].annotation, form.model_fields[name]) for name in form.KEY}
    return create_model(f"{form.__name__}Key", **fields)


def _texts(values: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Every text in the row with its field, names of fields too."""
    for name, value in values.items():
        yield name, name
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from _texts(item if isinstance(item, Mapping) else {name: item} if isinstance(item, str) else {})
        elif isinstance(value, Mapping):
            yield from _texts(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
