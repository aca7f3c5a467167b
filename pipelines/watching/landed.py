"""What the log no longer has, read where landing put it: bronze for the readings themselves, silver for what a machine last said.

Landing releases records as soon as they are in bronze, and never waits for us; so bronze has what we were too late for.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from factolake.contracts import bronze, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.signals import SignalKind
from factolake.features.stream import Reading
from factolake.lake.positions import log_position
from factolake.lake.tables import Handle, Lake
from models.timeseries.alerting import EPOCH
from pipelines.watching.tail import Hole

COLUMNS = tuple(name for name in bronze.READINGS.column_names if not name.startswith(("ingest_", "log_")))


class Landed:
    """Bronze and silver of `lake`, for a reader of the log."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._bronze: Handle | None = None

    def readings(self, hole: Hole, since: datetime) -> tuple[pa.Table, bool]:
        """Messages of the records in `hole` that landed from `since` on, in their order; and whether all of the hole has landed.

        Raises TableDamaged.
        """
        handle = self._readings()
        if handle is None:
            return arrow_schema(bronze.READINGS).empty_table().select(COLUMNS), False
        wanted = (
            f"log_id = '{hole.log_id}' AND log_offset >= {hole.first} AND log_offset <= {hole.last}"
            f" AND ingest_date >= '{since:%Y-%m-%d}' AND ingest_ts >= '{since.isoformat()}'"
        )
        found = handle.read((*COLUMNS, "log_offset"), wanted).sort_by([("log_offset", "ascending"), ("idx", "ascending")])
        return found.select(COLUMNS), (handle.position(log_position(hole.log_id)) or 0) >= hole.last

    def words(self, now: datetime) -> Mapping[tuple[str, SignalKind], Reading]:
        """By machine and kind, what states and products last were, of the last two days. Raises TableDamaged."""
        if not self._lake.exists(silver.CARRY):
            return {}
        newest = f"day >= '{now - timedelta(days=2):%Y-%m-%d}' AND kind IN ('state', 'product')"
        columns = ("machine", "hour_ts", "kind", "signal", "ts", "epoch", "seq", "idx", "quality", "value_text")
        rows = self._lake.open(silver.CARRY).read(columns, newest).sort_by("hour_ts").to_pylist()
        return {(row["machine"], SignalKind(row["kind"])): _reading(row) for row in rows}

    def _readings(self) -> Handle | None:
        if self._bronze is not None:
            self._bronze.refresh()
        elif self._lake.exists(bronze.READINGS):
            self._bronze = self._lake.open(bronze.READINGS)
        return self._bronze


def _reading(row: dict[str, Any]) -> Reading:
    ts_us = (row["ts"] - EPOCH) // timedelta(microseconds=1)
    return Reading(SignalKind(row["kind"]), row["signal"], ts_us, row["epoch"], row["seq"], row["idx"], row["quality"], None, row["value_text"])
