"""What the rows of a part come to, collected before any of it is written; and the small judgements all kinds of rows share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Protocol

from factolake.domain.units import conversion
from factolake.mes.core.call import Call
from factolake.mes.core.record import Record
from factolake.mes.exchange.parsing.rows import ParsedRow, RowError, RowForm
from factolake.mes.production.models import MaterialDefinition, Order

_PLACES = Decimal("0.0001")


class Outcome(StrEnum):
    """What became of a row."""

    IMPORTED = "imported"
    UPDATED = "updated"
    SKIPPED = "skipped"
    ERROR = "error"


Result = Outcome | RowError
Checked = tuple[ParsedRow, Any]
"""A row and its form."""


@dataclass(slots=True)
class Writes:
    """Rows to be made and to be changed, by table, in the order they were first needed; each changed row once."""

    made: dict[type[Record], list[Record]] = field(default_factory=dict)
    changed: dict[type[Record], list[tuple[Record, dict[str, Any]]]] = field(default_factory=dict)

    def make(self, row: Record) -> None:
        """`row` is new."""
        self.made.setdefault(type(row), []).append(row)

    def change(self, row: Record, values: dict[str, Any]) -> None:
        """`row` gets `values`."""
        self.changed.setdefault(type(row), []).append((row, values))

    def store(self, call: Call) -> None:
        """Write all of it."""
        for changes in self.changed.values():
            call.change_many(changes)
        for rows in self.made.values():
            call.create_many(rows)


class Applier(Protocol):
    """Turns checked rows of a part into writes; yields the result of each in their order."""

    def __call__(self, call: Call, system: str, rows: Sequence[Checked], writes: Writes) -> Iterator[Result]:
        """`system` is the one the rows are from."""


class RowRefused(Exception):
    """A row cannot be taken: the field and why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def each(rows: Sequence[Checked], one: Callable[[Any], Outcome]) -> Iterator[Result]:
    """`one` on the form of each row; a refusal becomes the row's error."""
    for row, form in rows:
        try:
            yield one(form)
        except RowRefused as refused:
            yield RowError.of(row, refused.name, str(refused))


def differing(row: Record, form: RowForm, names: Sequence[str]) -> dict[str, Any]:
    """The fields among `names` that the form gives and that are not so in `row`."""
    given = {name: getattr(form, name) for name in names if name in form.given}
    values = {name: value.value if isinstance(value, StrEnum) else value for name, value in given.items()}
    return {name: value for name, value in values.items() if getattr(row, name) != value}


def known(rows: Mapping[Any, Any], key: Any, name: str, noun: str) -> Any:
    """`rows[key]`. Raises RowRefused when there is none."""
    found = rows.get(key)
    if found is None:
        told = " ".join(map(str, key)) if isinstance(key, tuple) else key
        raise RowRefused(name, f"there is no {noun} {told}; send it first")
    return found


def owned_by(material: MaterialDefinition, system: str, name: str) -> None:
    """Raise RowRefused unless `system` or nobody else owns the material."""
    if material.source_system not in ("", system):
        raise RowRefused(name, f"material {material.material_id} is owned by {material.source_system}, not by {system}; change it there")


def order_of(order: Order, system: str) -> None:
    """Raise RowRefused unless `system` owns the order."""
    if order.source_system != system:
        raise RowRefused("order_id", f"order {order.order_id} is owned by {order.source_system or 'FactoMES'}, not by {system}; take another number")


def in_base_unit(quantity: Decimal, unit: str | None, material: MaterialDefinition) -> Decimal:
    """`quantity` of `material`, given in `unit` (None: its base unit), in its base unit. Raises RowRefused where that is not exact."""
    if unit is None or unit == material.base_unit:
        return quantity
    try:
        factor, offset = conversion(unit, material.base_unit)
    except ValueError as error:
        raise RowRefused("unit", f"{error}; quantities of {material.material_id} are in {material.base_unit}") from error
    exact = Fraction(quantity) * factor + offset
    converted = (Decimal(exact.numerator) / exact.denominator).quantize(_PLACES)
    if Fraction(converted) != exact or converted.adjusted() > 10:
        raise RowRefused("quantity", f"{quantity} {unit} of {material.material_id} is no exact number of {material.base_unit} with 4 decimals")
    if converted <= 0:
        seen = f"{quantity} {unit} of {material.material_id} are {converted.normalize():f} {material.base_unit}"
        raise RowRefused("quantity", f"{seen}; send more than 0")
    return converted
