"""Which slices of a table differ between what is there and what was computed: the comparison that keeps quiet slices unwritten."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa


def changed_slices(before: pa.Table, after: pa.Table, slice_by: Sequence[str], columns: Sequence[str]) -> list[tuple[object, ...]]:
    """Values of `slice_by` whose rows differ (as bags, over `columns`) between `before` and `after`, in no order.

    Both tables hold at least `columns`; NULLs and NaNs are equal to themselves.
    """
    chosen = ", ".join(columns)
    keys = ", ".join(slice_by)
    differing = f"""
        SELECT DISTINCT {keys} FROM (
            (SELECT {chosen} FROM before_rows EXCEPT ALL SELECT {chosen} FROM after_rows)
            UNION ALL
            (SELECT {chosen} FROM after_rows EXCEPT ALL SELECT {chosen} FROM before_rows)
        )"""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("before_rows", before.select(list(columns)))
        connection.register("after_rows", after.select(list(columns)))
        rows = connection.execute(differing).to_arrow_table().cast(pa.schema([after.schema.field(name) for name in slice_by]))
    return [tuple(row[name] for name in slice_by) for row in rows.to_pylist()]
