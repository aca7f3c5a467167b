"""What a schedule's page has by the hundred, put together here: as template code it took most of the page's time.

Texts are escaped by the standard library, as Django's `escape` does within wrappers that took a fifth of the page's time.
"""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from factolake.mes.pages.gantt import BAR, Bar, Drawing
from factolake.mes.pages.plan_rows import Row

register = template.Library()
_PLAN_ROW = (
    '<tr id="{anchor}"><td><a href="{address}">{operation}</a></td><td class="id">{at}</td><td class="num">{place}</td>'
    '<td><span class="state s-{state}">{state}</span>{waits}</td><td>{from}</td><td>{to}</td><td>{due}{late_tag}</td></tr>'
)
_CHANGE_ROW = (
    '<tr id="{anchor}" class="{look}"><td><a href="{address}">{operation}</a></td><td data-is="Before">{before_at}, {before}</td>'
    '<td data-is="After">{place}, {from} to {to}</td><td data-is="Due">{due}{late_tag}</td><td>{why}</td>{button}</tr>'
)
_REJECT = '<td><button class="quiet" type="submit" form="one" formaction="{address}" aria-label="Reject the change of {}">Reject</button></td>'
_GONE = mark_safe("<td>rejected</td>")
_LATE = mark_safe(' <span class="state s-stopped">late</span>')


@register.simple_tag
def bars(drawing: Drawing) -> SafeString:
    """All bars as SVG, each a link to its row in the table."""
    return mark_safe("".join(_bar(bar) for bar in drawing.bars))


@register.simple_tag
def rows(plan: Iterable[Row]) -> SafeString:
    """The rows of the table of the plan."""
    return mark_safe("\n".join(_filled(_PLAN_ROW, {**row, "late_tag": _LATE if row["late"] else ""}) for row in plan))


@register.simple_tag
def changed(changes: Iterable[Row], reject_at: str, may_decide: bool) -> SafeString:
    """The rows of the table of what a proposal changes; with a button each for who may decide."""
    return mark_safe("\n".join(_filled(_CHANGE_ROW, _change(row, reject_at, may_decide)) for row in changes))


def _filled(text: str, cells: Row) -> str:
    return text.format_map({name: value if isinstance(value, SafeString) else escape(str(value)) for name, value in cells.items()})


def _change(row: Row, reject_at: str, may_decide: bool) -> Row:
    cells: Row = {"look": "gone" if row["is_gone"] else "", "late_tag": _LATE if row["late"] else "", "button": ""}
    cells["place"] = format_html("<strong>{}</strong>", row["at"]) if row["is_elsewhere"] else row["at"]
    if may_decide:
        cells["button"] = _GONE if row["is_gone"] else format_html(_REJECT, row["operation"], address=f"{reject_at}{row['key']}")
    return {**row, **cells}


def _bar(bar: Bar) -> str:
    task = bar.task
    shape = f'<path d="M{bar.x} {bar.y}h{bar.width}v{BAR}h-{bar.width}z"/>'
    name = f'<text x="{bar.x}" y="{bar.y}" dx="4" dy="19">{escape(bar.name)}</text>' if bar.name else ""
    moves = f' data-op="{escape(task.key)}" data-span="{seconds(task.start_ts)} {seconds(task.end_ts)}"' if task.may_move else ""
    return f'<a href="#{escape(task.anchor)}" class="{escape(task.look)}" tabindex="-1"{moves}><title>{escape(task.told)}</title>{shape}{name}</a>\n'


@register.filter
def seconds(moment: datetime) -> str:
    """The time in seconds since 1970, for the script."""
    return f"{moment.timestamp():.3f}".removesuffix(".000")
