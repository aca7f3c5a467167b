"""Rows of a table handed to a refinement as if they had all just been written: what a change feed gives, without the feed."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from factolake.lake.tables import Handle


def as_new(rows: pa.Table) -> pa.Table:
    """`rows` with the `_change_type` of rows that came in."""
    return rows.append_column("_change_type", pa.array(["insert"] * rows.num_rows, pa.string()))


def portions(handle: Handle, columns: Sequence[str], most_rows: int) -> Iterator[pa.Table]:
    """All rows of a table as new ones, at most `most_rows` at a time, by key within each partition of the first partition column (a date)."""
    names = handle.table.partition_by[:1]
    dates = sorted(pc.unique(handle.read(columns=list(names))[names[0]]).to_pylist()) if names else []
    conditions: list[str | None] = [f"{names[0]} = DATE '{date.isoformat()}'" for date in dates]
    for condition in conditions or [None]:
        rows = handle.read(columns=list(columns), predicate=condition).sort_by([(name, "ascending") for name in handle.table.key])
        for start in range(0, rows.num_rows, most_rows):
            yield as_new(rows.slice(start, most_rows))
