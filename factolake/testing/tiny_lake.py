"""A lake filled by hand: what a simulated line sent, landed as bronze without a server, a spool or a wait.

For tests and benchmarks of what comes after landing. The rows are the ones the edge would have packed, one commit a portion.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from factolake.contracts import bronze, ops
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake
from factolake.plant.scenario import Scenario
from factolake.plant.truth import TruthLedger
from factolake.plant.wire import Change, LineSignals

SCHEMA = arrow_schema(bronze.READINGS)


class PlayedLine:
    """A line whose values are landed by `play`, portion by portion; the truth goes to `ledger`."""

    def __init__(
        self, lake: Lake, model: PlantModel, scenario: Scenario, start: datetime, *, seed: int = 1, period_s: float = 10.0, ledger: Path
    ) -> None:
        self.lake, self.model, self.now = lake, model, start
        (self.line_id,) = model.lines
        self.signals = LineSignals(model, self.line_id, scenario, seed, start, period_s)
        self.truth = TruthLedger(ledger, start)
        self.epoch = int(start.timestamp() * 1_000_000)
        self.seq = 0
        for table in (bronze.READINGS, bronze.EVENTS, ops.CLOCK):
            lake.ensure(table)
        self._readings, self._clock = lake.open(bronze.READINGS), lake.open(ops.CLOCK)

    def play(self, until: datetime, portion: timedelta = timedelta(minutes=10)) -> int:
        """Land what happens up to `until`, one commit a portion; returns how many values."""
        landed = 0
        while self.now < until:
            self.now = min(self.now + portion, until)
            facts, changes = self.signals.advance_to(self.now)
            self.truth.happened(facts, self.now)
            self.truth.sent(changes)
            landed += self.land(changes)
        return landed

    def land(self, changes: Sequence[Change]) -> int:
        """Append `changes` as one message, with one clock tick."""
        if changes:
            self.seq += 1
            source_id = next(iter(self.model.sources))
            self._readings.refresh()
            self._readings.append(message(changes, source_id, self.epoch, self.seq, self.now), {})
        tick = {"tick_ts": self.now, "tick_date": self.now.date()}
        self._clock.refresh()
        self._clock.append(pa.Table.from_pylist([tick], arrow_schema(ops.CLOCK)), {})
        return len(changes)

    def close(self) -> None:
        """End the truth ledger at the present of the line."""
        self.truth.close(self.now)


def message(changes: Iterable[Change], source_id: str, epoch: int, seq: int, gateway_ts: datetime) -> pa.Table:
    """`changes` as one landed message of bronze.readings."""
    rows = [_row(change, source_id, epoch, seq, idx, gateway_ts) for idx, change in enumerate(changes)]
    return pa.Table.from_pylist(rows, SCHEMA)


def _row(change: Change, source_id: str, epoch: int, seq: int, idx: int, gateway_ts: datetime) -> dict[str, object]:
    key = {"source_id": source_id, "epoch": epoch, "seq": seq, "idx": idx, "tag": change.tag}
    stamps = {"source_ts": change.ts, "server_ts": change.ts, "gateway_ts": gateway_ts, "ingest_ts": gateway_ts, "ingest_date": gateway_ts.date()}
    place = {"log_id": "tiny", "log_offset": seq, "status": change.status, "flags": 0}
    return {**key, **stamps, **place, **_value(change.value)}


def _value(value: bool | int | float | str | None) -> dict[str, object]:
    if value is None:
        return {"value_kind": "null"}
    if isinstance(value, bool):
        return {"value_kind": "bool", "value_bool": value}
    if isinstance(value, int):
        return {"value_kind": "i64", "value_i64": value}
    if isinstance(value, float):
        return {"value_kind": "f64", "value_f64": value}
    return {"value_kind": "text", "value_text": value}
