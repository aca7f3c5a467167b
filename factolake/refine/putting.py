"""Rows into a refined table, with the positions in the same commit: new ones behind the others, or in the place of those that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from factolake.lake.diff import changed_slices
from factolake.lake.tables import Handle
from factolake.refine.refinement import Refinement, Slice
from factolake.refine.slices import rows_of, slice_predicate


@dataclass(frozen=True, slots=True)
class Put:
    """What was written: slices that differed, rows, and the version; None when nothing was committed."""

    slices: int = 0
    rows: int = 0
    version: int | None = None


def put_changed(output: Handle, slices: Sequence[Slice], data: pa.Table, positions: Mapping[str, int], meta: Mapping[str, str] | None = None) -> Put:
    """Put `data`, all the rows of `slices`, in the place of those that differ from it; without a difference nothing is committed."""
    table = output.table
    before = output.read(predicate=slice_predicate(table, slices))
    changed = changed_slices(before, data, table.slice_by, [name for name in table.column_names if name != "as_of"])
    if not changed:
        return Put()
    kept = rows_of(data, table, changed)
    return Put(len(changed), kept.num_rows, output.replace(kept, slice_predicate(table, changed), positions, meta=meta))


def put_new(refinement: Refinement, output: Handle, data: pa.Table, positions: Mapping[str, int]) -> Put:
    """Put what an append refinement made, by one commit; of one that replaces at most `group_size` slices in each, the last with the positions."""
    if not data.num_rows:
        return Put()
    if not refinement.replaces:
        return Put(rows=data.num_rows, version=output.append(data, positions))
    if data.num_rows <= refinement.group_size:
        return _put_groups(output, data, refinement.group_size, positions)
    # Of many rows most are new, and an append does not look through the files for rows to take out.
    keys = list(output.table.slice_by)
    held = output.read(columns=keys)
    fresh, known = (data.join(held, keys=keys, join_type=f"left {kind}").select(data.column_names).cast(data.schema) for kind in ("anti", "semi"))
    put = _put_groups(output, known, refinement.group_size, {} if fresh.num_rows else positions)
    return Put(rows=put.rows + fresh.num_rows, version=output.append(fresh, positions)) if fresh.num_rows else put


def _put_groups(output: Handle, data: pa.Table, size: int, positions: Mapping[str, int]) -> Put:
    rows, version = 0, None
    for start in range(0, data.num_rows, size):
        part = data.slice(start, size)
        slices = [tuple(row.values()) for row in part.select(list(output.table.slice_by)).to_pylist()]
        put = put_changed(output, slices, part, positions if start + part.num_rows == data.num_rows else {})
        rows, version = rows + put.rows, put.version or version
        if put.version is None and version is not None and start + part.num_rows == data.num_rows and positions:
            version = output.commit_positions(positions)  # the last group stays as it is, those before it do not
    return Put(rows=rows, version=version)
