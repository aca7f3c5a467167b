"""How much, and who says so: values that reports are made of."""

from dataclasses import dataclass
from decimal import Decimal

from factolake.mes.production.models import CountedBy

KINDS = ("good", "scrap", "rework")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Good, scrap and rework in the material's base unit."""

    good: Decimal = Decimal(0)
    scrap: Decimal = Decimal(0)
    rework: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells: people or a machine counted, by which system, in which of its rows."""

    counted_by: CountedBy
    system: str
    row: str
