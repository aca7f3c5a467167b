"""What a refinement reads of an input: the change feed since its position, in portions; or the whole table as if it had just been written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from factolake.lake.tables import Handle
from factolake.refine.refinement import Input

CAUSE = "factolake.cause"
"""Under this name a commit notes why all its slices were made anew; restatements tell it."""
MAX_FEED_VERSIONS = 500
MAX_FEED_ROWS = 100_000
"""Spark Connect refuses a message above 128 MiB, and a reading on its way takes about 500 bytes: 400,000 rows were 208 MB."""


@dataclass(frozen=True, slots=True)
class Span:
    """Versions of one input still to be read: (after, through]; `after` None means the whole table."""

    input: Input
    after: int | None
    through: int


def news(handle: Handle, columns: Sequence[str], after: int | None) -> pa.Table:
    """`columns` and `_change_type` of the rows changed since version `after`; of all rows, as new ones, when it is None."""
    return as_new(handle.read(columns=columns)) if after is None else handle.changes(after + 1, handle.version, columns)


def portion(handle: Handle, feed: Input, after: int, last: int) -> tuple[int, pa.Table]:
    """(through, rows) of the next versions after `after`, fewer versions when they hold many rows."""
    step = min(last - after, MAX_FEED_VERSIONS)
    rows = handle.changes(after + 1, after + step, feed.columns)
    while rows.num_rows > MAX_FEED_ROWS and step > 1:
        step = max(1, step * MAX_FEED_ROWS // rows.num_rows)
        rows = handle.changes(after + 1, after + step, feed.columns)
    return after + step, _with_cause(rows, handle.notes(CAUSE, after + 1)) if feed.with_cause and rows.num_rows else rows


def as_new(rows: pa.Table) -> pa.Table:
    """`rows` with the `_change_type` of rows that came in."""
    return rows.append_column("_change_type", pa.array(["insert"] * rows.num_rows, pa.string()))


def whole(handle: Handle, columns: Sequence[str], most_rows: int = MAX_FEED_ROWS) -> Iterator[pa.Table]:
    """All rows of a table as new ones, at most `most_rows` at a time, by key within each partition of the first partition column (a date)."""
    names = handle.table.partition_by[:1]
    dates = sorted(pc.unique(handle.read(columns=list(names))[names[0]]).to_pylist()) if names else []
    conditions: list[str | None] = [f"{names[0]} = DATE '{date.isoformat()}'" for date in dates]
    for condition in conditions or [None]:
        rows = handle.read(columns=list(columns), predicate=condition).sort_by([(name, "ascending") for name in handle.table.key])
        for start in range(0, rows.num_rows, most_rows):
            yield as_new(rows.slice(start, most_rows))


def _with_cause(rows: pa.Table, causes: Mapping[int, str]) -> pa.Table:
    """`rows` of a change feed with `_cause`: what their commit noted."""
    return rows.append_column("_cause", pa.array([causes.get(version) for version in rows["_commit_version"].to_pylist()], pa.string()))
