"""What connectors declare missing: events `gap` and `loss` as rows of ops.gaps and ops.losses; and what the log itself lost."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import GAPS, LOSSES
from factolake.contracts.table import Table

STATUSES = frozenset(GAPS.column("status").values or ())


def gaps_of(events: pa.Table, recorded_ts: datetime) -> pa.Table:
    """Rows of ops.gaps for the `gap` events among `events`; a payload that names no start begins when the gateway noticed."""
    rows = []
    for event, payload in _payloads(events, "gap"):
        status = payload.get("status")
        rows.append(
            {
                "source_id": event["source_id"],
                "from_ts": _stamp(payload.get("from_ts")) or event["gateway_ts"],
                "to_ts": _stamp(payload.get("to_ts")),
                "cause": str(payload.get("cause") or "not said"),
                "status": status if status in STATUSES else "open",
                "missing_records": _count(payload.get("missing_records")),
                "recorded_ts": recorded_ts,
            }
        )
    return _table(GAPS, rows)


def losses_of(events: pa.Table) -> pa.Table:
    """Rows of ops.losses for the `loss` events among `events`; -1 lost rows where the payload gives no number."""
    rows = []
    for event, payload in _payloads(events, "loss"):
        lost = _count(payload.get("lost_rows"))
        row = {name: event[name] for name in ("source_id", "epoch", "seq", "idx", "gateway_ts")}
        rows.append({**row, "cause": str(payload.get("cause") or "not said"), "lost_rows": -1 if lost is None else lost})
    return _table(LOSSES, rows)


def log_source(log_id: str) -> str:
    """The name under which a log itself stands in ops.gaps."""
    return f"log/{log_id}"


def log_gap(log_id: str, cause: str, missing: int | None, from_ts: datetime, now: datetime) -> pa.Table:
    """One row of ops.gaps: the log lacks `missing` records (None when nobody can know) that were to come after `from_ts` (UTC)."""
    row = {
        "source_id": log_source(log_id),
        "from_ts": from_ts,
        "to_ts": now,
        "cause": cause,
        "status": "unrecoverable",
        "missing_records": missing,
        "recorded_ts": now,
    }
    return _table(GAPS, [row])


def _payloads(events: pa.Table, kind: str) -> list[tuple[dict[str, object], dict[str, object]]]:
    if not events.num_rows:
        return []
    found = []
    for event in events.filter(pc.equal(events.column("kind"), kind)).to_pylist():
        try:
            payload = json.loads(event["payload"])
        except ValueError:
            payload = {}
        # An event that says nothing readable still says that something is missing: the row is made, the words stay in bronze.events.
        found.append((event, payload if isinstance(payload, dict) else {}))
    return found


def _stamp(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        stamp = datetime.fromisoformat(value)
        return stamp.astimezone(UTC) if stamp.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62 else None


def _table(table: Table, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(table))
