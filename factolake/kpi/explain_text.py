"""An explanation as rich text: the value first, then what it is made of, down to the source rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from factolake.contracts import bronze, silver
from factolake.kpi.explain import Explanation, Factor

SHOWN_ROWS = 12
"""Rows of each list that are printed; the rest is counted and left to JSON."""

MINUTE_US = 60_000_000


def explanation_text(explanation: Explanation, zone: tzinfo, *, rows: int = SHOWN_ROWS) -> RenderableType:
    """The explanation for a terminal; times in the plant's zone, durations in minutes, at most `rows` rows (>= 1) of each list."""
    parts: list[RenderableType] = [_head(explanation, zone), _factors(explanation.factors), _elements(explanation)]
    parts += [_pieces(explanation, zone, rows), _steps(explanation, zone, rows), _sources(explanation, zone, rows)]
    if not explanation.sources:
        kept = ", ".join(f"{table.name} {table.retention_days} days" for table in (bronze.READINGS, silver.READINGS))
        parts.append(Text(f"No source rows: none came in this shift, or they are no longer kept ({kept} after landing)."))
    if explanation.perhaps_earlier:
        listed = ", ".join(f"{parts} {counts}" for counts, parts in explanation.perhaps_earlier.items())
        parts.append(Text(f"Counted in this shift and perhaps made before it, while nobody saw the machine: {listed}.", style="bold"))
    if explanation.differences:
        listed = ", ".join(f"{name} {published} published, {computed} computed" for name, (published, computed) in explanation.differences.items())
        parts.append(Text(f"The state rows say otherwise: {listed}. A restatement is under way, or the plant model changed since.", style="bold red"))
    return Group(*parts)


def _head(e: Explanation, zone: tzinfo) -> Text:
    oee = e.factors[-1]
    value = f"{oee.value:.1%}" if oee.value is not None else f"null ({oee.reason})"
    span = f"{_clock(e.from_ts, zone)} - {_clock(e.to_ts, zone)}"
    state = "complete" if e.is_complete else "running"
    covered = "" if e.coverage is None else f", coverage {e.coverage:.1%}"
    return Text(f"OEE of {e.equipment}, {e.production_day} {e.shift} ({span}, {state}{covered}): {value}", style="bold")


def _factors(factors: Sequence[Factor]) -> Table:
    table = _table("Formula", ("factor", "value", "formula", "numbers (durations in us)"))
    for factor in factors:
        value = f"{factor.value:.4f}" if factor.value is not None else f"null, {factor.reason}"
        table.add_row(factor.name, value, factor.formula, factor.numbers)
    return table


def _elements(e: Explanation) -> Table:
    table = _table(f"Time elements of {e.time_machine} and quantities", ("element", "minutes", "quantity", "value"))
    left = [(name.removesuffix("_us"), f"{us / MINUTE_US:.3f}") for name, us in e.elements.items()]
    right = [(name, "null" if value is None else str(value)) for name, value in e.quantities.items()]
    for i in range(max(len(left), len(right))):
        table.add_row(*(left[i] if i < len(left) else ("", "")), *(right[i] if i < len(right) else ("", "")))
    return table


def _pieces(e: Explanation, zone: tzinfo, rows: int) -> Table:
    longest = sorted(e.pieces, key=lambda piece: -piece.duration_us)[:rows]
    title = _title(f"States of {e.time_machine}, the longest", len(longest), len(e.pieces))
    table = _table(title, ("from", "to", "state", "planned as", "counts to", "minutes"))
    for piece in sorted(longest, key=lambda piece: piece.from_ts):
        element = "planned down time" if piece.element is None else piece.element.removesuffix("_us")
        minutes = f"{piece.duration_us / MINUTE_US:.3f}"
        table.add_row(_clock(piece.from_ts, zone), _clock(piece.to_ts, zone), piece.state, piece.segment, element, minutes)
    return table


def _steps(e: Explanation, zone: tzinfo, rows: int) -> Table:
    names = ("at", "machine", "counter", "parts", "how", "from", "to", "message (source epoch/seq/idx)")
    table = _table(_title("Counter steps, the latest", min(rows, len(e.steps)), len(e.steps)), names)
    for s in e.steps[-rows:]:
        before = "" if s.raw_from is None else str(s.raw_from)
        message = f"{s.source_id} {s.epoch}/{s.seq}/{s.idx}"
        table.add_row(_clock(s.to_ts, zone), s.machine, s.counts, str(s.parts), s.event, before, str(s.raw_to), message)
    return table


def _sources(e: Explanation, zone: tzinfo, rows: int) -> Table:
    names = ("at", "tag", "value", "message (source epoch/seq/idx)", "log offset", "data file")
    table = _table(_title("Bronze rows, the latest", min(rows, len(e.sources)), len(e.sources)), names)
    for s in e.sources[-rows:]:
        message = f"{s.source_id} {s.epoch}/{s.seq}/{s.idx}"
        table.add_row(_clock(s.ts, zone), s.tag, s.value or "", message, f"{s.log_id[:8]}:{s.log_offset}", s.file or "")
    return table


def _title(what: str, shown: int, total: int) -> str:
    return f"{what} {shown} of {total}" if shown < total else f"{what.split(',')[0]} ({total})"


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name)
    return table


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%H:%M:%S")
