"""Captures of vibration among the events of a batch: as rows of bronze.waveforms, each of which stands there once however often it was sent."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factolake.bus.captures import EVENT_KIND, Capture, read_capture
from factolake.contracts.bronze import WAVEFORMS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.sql import listed
from factolake.lake.tables import Handle
from factolake.landing.fault import Fault

_AS_IN_EVENTS = ("source_id", "epoch", "seq", "idx", "gateway_ts", "log_id", "log_offset", "ingest_ts", "ingest_date")


def repeats_position(log_id: str) -> str:
    """The app id under which bronze.waveforms carries how many captures of the log it had already, all in all."""
    return f"repeats/{log_id}"


def parted(events: pa.Table) -> tuple[pa.Table, pa.Table]:
    """`events` without those that tell a capture, and those."""
    are_captures = pc.equal(events.column("kind"), EVENT_KIND)
    return events.filter(pc.invert(are_captures)), events.filter(are_captures)


def read_captures(events: pa.Table) -> tuple[pa.Table, list[Fault]]:
    """The rows of bronze.waveforms that `events` tell, and the events that tell none, with what is wrong."""
    rows: list[dict[str, Any]] = []
    bad: list[Fault] = []
    for place, event in enumerate(events.to_pylist()):
        try:
            capture = read_capture(event["subject"], event["payload"], event["gateway_ts"])
        except ValueError as cause:
            bad.append(Fault(place, event["idx"], str(cause)))
            continue
        rows.append(_row(capture) | {name: event[name] for name in _AS_IN_EVENTS})
    return pa.Table.from_pylist(rows, schema=arrow_schema(WAVEFORMS)), bad


def unheld(rows: pa.Table, held: Handle) -> pa.Table:
    """Those of `rows` whose machine, point and time the table does not have; of several alike the first."""
    if not rows.num_rows:
        return rows
    days = sorted(pc.unique(rows.column("day")).to_pylist())
    seen = {tuple(row.values()) for row in held.read(list(WAVEFORMS.key), f"day IN ({listed(days)})").to_pylist()}
    keep = []
    for row in rows.select(list(WAVEFORMS.key)).to_pylist():
        key = tuple(row.values())
        keep.append(key not in seen)
        seen.add(key)
    return rows.filter(pa.array(keep, pa.bool_()))


def _row(capture: Capture) -> dict[str, Any]:
    return {
        "machine": capture.machine,
        "point": capture.point,
        "ts": capture.ts,
        "day": capture.ts.date(),
        "sample_rate_hz": capture.sample_rate_hz,
        "n": len(capture.samples),
        "samples": capture.samples.tobytes(),
    }
