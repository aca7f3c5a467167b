"""Filters of the templates: times, quantities, names in words."""

from datetime import UTC, datetime
from decimal import Decimal

from django import template

from factolake.mes.core.record import plain
from factolake.mes.pages.asking import label

_UNITS = {"C62": "pcs", "KGM": "kg", "GRM": "g", "TNE": "t", "MTR": "m", "MMT": "mm", "MTK": "m²", "LTR": "l", "MTQ": "m³", "HUR": "h"}
register = template.Library()
register.filter("words", label)


@register.filter
def moment(value: datetime | str | None) -> str:
    """A time to the minute, in UTC; empty for none."""
    if not value:
        return ""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


@register.filter
def quantity(value: Decimal | None) -> str:
    """A quantity without zeros at its end; empty for none."""
    return "" if value is None else str(plain(value))


@register.filter
def unit(code: str) -> str:
    """A UNECE Rec 20 code as people write it; one that is not here stays a code."""
    return _UNITS.get(code, code)


@register.filter
def cell(value: object, column: str) -> str:
    """A column's value as people read it."""
    if value is None or value == "":
        return ""
    if column.endswith("_ts"):
        return moment(str(value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
