"""How long a machine was set up for an operation, as the lake's machine states tell. Operators do not report it."""

from datetime import datetime, timedelta

from factolake.mes.core import lake
from factolake.mes.production.models import Operation

_LAG_MAX = timedelta(minutes=5)
"""The lake tells of a machine some seconds later; one that was silent for longer than this does not know how the operation ended."""


def setup_s(operation: Operation, worked_s: float, end_ts: datetime) -> float | None:
    """Seconds in state setup from the operation's start to its end (UTC).

    None where nobody knows: no states of the machine until the end, or an interrupted operation, since what was set up meanwhile may be another's.
    """
    start_ts = operation.actual_start_ts
    if start_ts is None or worked_s < (end_ts - start_ts).total_seconds() or not lake.is_there("lake_machine_state"):
        return None
    query = "SELECT from_ts, to_ts, state FROM lake_machine_state WHERE machine = %s AND from_day BETWEEN %s AND %s ORDER BY from_ts"
    found = lake.rows(query, [operation.equipment_id, str((start_ts - timedelta(days=1)).date()), str(end_ts.date())])
    states = [(lake.utc(row["from_ts"]), lake.utc(row["to_ts"]), row["state"]) for row in found]
    if not states or states[-1][1] < end_ts - _LAG_MAX:
        return None
    spans = [(max(from_ts, start_ts), min(to_ts, end_ts)) for from_ts, to_ts, state in states if state == "setup"]
    return sum(max((to_ts - from_ts).total_seconds(), 0.0) for from_ts, to_ts in spans)
