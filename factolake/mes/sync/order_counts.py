"""Steps of counters into what an order made: one row a machine, order and hour, with a column for each kind of counter. Pure."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

KINDS = ("total", "good", "scrap", "rework")
_SUMS = [("parts", "sum"), ("to_ts", "max"), ("as_of", "max")]


def order_counts(steps: pa.Table) -> Iterator[dict[str, object]]:
    """Rows of `lake_order_count` from rows of silver.counts. A kind is null where no counter of it counted."""
    named = steps.set_column(steps.column_names.index("order_id"), "order_id", pc.fill_null(steps["order_id"], ""))
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in named.group_by(["machine", "order_id", "hour_ts", "counts"]).aggregate(_SUMS).to_pylist():
        key = {name: row[name] for name in ("machine", "order_id", "hour_ts")}
        latest = {"last_ts": row["to_ts_max"], "as_of": row["as_of_max"]}
        made = found.setdefault(tuple(key.values()), {**key, **dict.fromkeys(KINDS), **latest})
        made[row["counts"]] = row["parts_sum"]
        made |= {name: max(made[name], value) for name, value in latest.items()}
    yield from found.values()
