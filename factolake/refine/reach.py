"""How far silver.carry reaches for each machine, kept up from its change feed instead of being read anew each time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from factolake.lake.tables import Handle
from factolake.refine.carry import EVIDENCE

_COLUMNS = ("machine", "hour_ts", "signal", "ts", "gateway_ts")


@dataclass(frozen=True, slots=True)
class Reach:
    """As of one version of silver.carry (-1: never read): newest hour, time and arrival of the newest evidence, by machine."""

    version: int = -1
    last_hour: Mapping[str, datetime] = field(default_factory=dict)
    last_gateway: Mapping[str, datetime] = field(default_factory=dict)
    last_sign: Mapping[str, datetime] = field(default_factory=dict)


def reached(before: Reach, carry: Handle) -> Reach:
    """`before`, brought up to the handle's version. Hours are only ever added to carry, so the maxima only grow."""
    if before.version == carry.version:
        return before
    if before.version < 0:
        rows = carry.read(columns=_COLUMNS)
    else:
        feed = carry.changes(before.version + 1, carry.version, _COLUMNS)
        rows = feed.filter(pc.is_in(feed["_change_type"], pa.array(["insert", "update_postimage"])))
    evidence = rows.filter(pc.equal(rows["signal"], EVIDENCE))
    hours = _newest(before.last_hour, rows, "hour_ts")
    arrivals, signs = _newest(before.last_gateway, evidence, "gateway_ts"), _newest(before.last_sign, evidence, "ts")
    return Reach(carry.version, hours, arrivals, signs)


def _newest(held: Mapping[str, datetime], rows: pa.Table, column: str) -> dict[str, datetime]:
    newest = dict(held)
    for row in rows.group_by("machine").aggregate([(column, "max")]).to_pylist():
        newest[row["machine"]] = max(row[f"{column}_max"], newest.get(row["machine"], row[f"{column}_max"]))
    return newest
