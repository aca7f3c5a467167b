"""Alerts of the learnt machine as rows of gold.alerts, and what people said of them as rows of silver.machine_alerts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from learnt_machine import MACHINE, MODEL, NOW, PRODUCT

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.silver_mes import MACHINE_ALERTS
from factolake.contracts.table import Table, Type
from factolake.domain.alert import Alert, AlertKind, Band, Contribution, ModelStamp, PastEvent, Regime, Severity
from factolake.lake.tables import Lake

HOUR = timedelta(hours=1)
_BLANK = {Type.STRING: "x", Type.INT32: 1, Type.INT64: 1, Type.FLOAT64: 1.0, Type.BOOL: False, Type.TIMESTAMP: NOW, Type.DATE: NOW.date()}
_PARTS = (
    Contribution("vibration", "Vibration", 4.5, "C16", Band(1.2, 2.8), 0.7),
    Contribution("bearing_temp", "Bearing temperature", 41.0, "CEL", Band(38.0, 42.0), 0.2),
)


def alert(onset: datetime, similar: Sequence[tuple[Alert, float]] = ()) -> Alert:
    """Unusual vibration from `onset` on, noticed after an hour; `similar` earlier ones, and how alike they are."""
    past = tuple(PastEvent(one.alert_id, one.onset_ts, alike, false_alarm=None) for one, alike in similar)
    stamp = ModelStamp(MODEL, "1")
    path = f"acme/bremen/assembly/L1/{MACHINE}"
    regime = Regime(0, PRODUCT)
    return Alert(AlertKind.UNUSUAL, Severity.MEDIUM, path, onset, onset + HOUR, 2.2, regime, _PARTS, stamp, similar=past)


def tell(lake: Lake, said: Alert, **given: Any) -> None:
    """Put an alert into gold.alerts; it was over two hours after it began."""
    row = {
        "alert_id": said.alert_id,
        "machine": said.machine,
        "line": "L1",
        "kind": said.kind.value,
        "severity": said.severity.value,
        "state": "closed",
        "onset_ts": said.onset_ts,
        "raised_ts": said.raised_ts,
        "ended_ts": said.onset_ts + 2 * HOUR,
        "strength": said.strength,
        "first_signal": "vibration",
        "signals": "vibration bearing_temp",
        "text_en": f"{said.machine}: unusual behaviour, Vibration above usual\nIt began about {said.onset_ts.astimezone(UTC):%H:%M} UTC.",
        "alert_json": json.dumps(said.to_json()),
    }
    put(lake, ALERTS, **row | given)


def judge(lake: Lake, said: Alert, verdict: str | None, **given: object) -> None:
    """What people said of it."""
    told = {"alert_id": said.alert_id, "equipment": said.machine, "onset_ts": said.onset_ts, "ended_ts": said.onset_ts + 2 * HOUR}
    put(lake, MACHINE_ALERTS.table, **told, verdict=verdict, **given)


def put(lake: Lake, table: Table, **given: object) -> None:
    row = {c.name: None if c.nullable else (c.values[0] if c.values else _BLANK[c.type]) for c in table.columns} | given
    lake.ensure(table)
    lake.open(table).append(pa.Table.from_pylist([row], arrow_schema(table)), {})
