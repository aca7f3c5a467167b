"""Filters of the templates: times, quantities, names in words."""

from datetime import datetime
from decimal import Decimal

from django import template

from factolake.mes.core.record import plain
from factolake.mes.pages.asking import label
from factolake.mes.pages.plant_time import shown
from factolake.mes.pages.scales import short
from factolake.mes.pages.units import unit

register = template.Library()
register.filter("words", label)
register.filter("unit", unit)
register.filter("short", short)


@register.filter
def moment(value: datetime | str | None) -> str:
    """A time to the minute, in plant time; empty for none."""
    if not value:
        return ""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return shown(time)


@register.filter
def quantity(value: Decimal | None) -> str:
    """A quantity without zeros at its end; empty for none."""
    return "" if value is None else str(plain(value))


@register.filter
def share(value: float) -> str:
    """A part of one as whole per cent."""
    return f"{value:.0%}"


@register.filter
def cell(value: object, column: str) -> str:
    """A column's value as people read it."""
    if value is None or value == "":
        return ""
    if column.endswith("_ts"):
        return moment(str(value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
