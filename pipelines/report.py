"""The refinery loop tells Dagster what it made, at most once an asset and minute, and keeps Dagster's event log small.

Dagster is imported with the first report. Without a Dagster home, or without Dagster, reports go nowhere: the lake does not depend on it.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from dagster import AssetMaterialization, DagsterInstance

EVERY_S = 60.0
KEEP_EVENTS = 5_000
"""Reports kept in the event log before all but each asset's newest are deleted: some hours of the graph."""

_log = structlog.get_logger(__name__)


class DagsterReporter:
    """Reports materialisations that no Dagster run made.

    `home` is Dagster's folder (DAGSTER_HOME if None). `every_s` is the shortest distance of two reports of one table, by `monotonic`;
    versions in between are covered by the next. A failing Dagster is logged once and never disturbs the caller.
    """

    def __init__(
        self, home: Path | None = None, every_s: float = EVERY_S, keep_events: int = KEEP_EVENTS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        named = home or (Path(os.environ["DAGSTER_HOME"]) if os.environ.get("DAGSTER_HOME") else None)
        self._home = named.absolute() if named else None
        self._every_s, self._keep_events, self._monotonic = every_s, keep_events, monotonic
        self._reported_at: dict[str, float] = {}
        self._newest: dict[str, AssetMaterialization] = {}
        self._instance: DagsterInstance | None = None
        self._events = 0
        self._failing = False

    def report(self, table_name: str, version: int | None, rows: int, as_of: datetime) -> bool:
        """Report `version` of `table_name` (`layer.table`) with `rows` written at `as_of`; False when it is too soon or nobody listens."""
        if self._home is None or not (self._home / "dagster.yaml").exists():
            return False
        now = self._monotonic()
        if now - self._reported_at.get(table_name, float("-inf")) < self._every_s:
            return False
        self._reported_at[table_name] = now
        try:
            self._send(table_name, version, rows, as_of)
        except Exception as error:  # whatever Dagster or its storage raises, the lake goes on
            if not self._failing:
                _log.warning("dagster does not take reports", home=str(self._home), cause=str(error))
            self._failing = True
            return False
        self._failing = False
        return True

    def close(self) -> None:
        """Let go of Dagster's databases."""
        if self._instance is not None:
            self._instance.dispose()
            self._instance = None

    def _send(self, table_name: str, version: int | None, rows: int, as_of: datetime) -> None:
        import dagster as dg

        if self._instance is None:
            self._instance = dg.DagsterInstance.from_config(str(self._home))
            self._events = len(self._instance.event_log_storage.get_logs_for_run(""))
        layer, _, short_name = table_name.partition(".")
        metadata: dict[str, int | str | None] = {"rows_written": rows, "as_of": as_of.isoformat(), "version": version}
        event = dg.AssetMaterialization(asset_key=[layer, short_name], description="refinery loop", metadata=metadata)
        self._instance.report_runless_asset_event(event)
        self._newest[table_name] = event
        self._events += 1
        if self._events > self._keep_events:
            self._prune(self._instance)

    def _prune(self, instance: "DagsterInstance") -> None:
        """Delete all runless events and report each asset's newest once more."""
        instance.event_log_storage.delete_events("")
        for event in self._newest.values():
            instance.report_runless_asset_event(event)
        self._events = len(self._newest)
