"""Contracts as documentation: `docs/reference/tables.md` is generated from here and a test keeps it so."""

from collections.abc import Iterable

from factolake.contracts.table import Column, Table

HEADER = "# Tables\n\nGenerated from `factolake/contracts` by `python -m factolake.contracts.formats.markdown`; do not edit.\n"


def _bounds(column: Column) -> str:
    if column.values:
        return ", ".join(column.values)
    low = "" if column.low is None else f"{column.low:g} ≤"
    high = "" if column.high is None else f"≤ {column.high:g}"
    return f"{low} {high}".strip()


def _section(table: Table) -> str:
    rows = [f"| `{c.name}` | {c.type.value}{'' if c.nullable else ', not null'} | {c.unit or ''} | {_bounds(c)} | {c.doc} |" for c in table.columns]
    facts = [f"A row is {table.grain}.", f"Key: `{', '.join(table.key)}`. Written by `{table.writer}`, owned by {table.owner}."]
    if table.partition_by:
        facts.append(f"Partitioned by `{', '.join(table.partition_by)}`.")
    if table.slice_by:
        facts.append(f"Rewritten in slices of `{', '.join(table.slice_by)}`.")
    if table.freshness_target_s is not None:
        facts.append(f"Meant to be at most {table.freshness_target_s} s behind.")
    facts.append("Kept for ever." if table.retention_days is None else f"Kept {table.retention_days} days after `{table.kept_since}`.")
    head = "| column | type | unit | range | meaning |\n|---|---|---|---|---|"
    return f"## {table.name}\n\n{' '.join(facts)}\n\n{head}\n" + "\n".join(rows) + "\n"


def tables_page(tables: Iterable[Table]) -> str:
    """The whole reference page as Markdown."""
    return HEADER + "\n" + "\n".join(_section(table) for table in tables)


if __name__ == "__main__":
    from pathlib import Path

    from factolake.contracts import TABLES

    page = Path(__file__).parents[3] / "docs/reference/tables.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(tables_page(TABLES.values()), encoding="utf-8")
