"""MTTR and MTBF of a machine after ISO 22400-2, from the failures of closed orders. Seconds everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Divisor(StrEnum):
    """What the time between failures is divided by: readings of the standard differ between FE and FE + 1, FE the number of failure events."""

    FE = "fe"
    FE_PLUS_1 = "fe_plus_1"


@dataclass(frozen=True, slots=True)
class Failure:
    """A machine stopped by a failure and restored."""

    stopped_ts: datetime
    restored_ts: datetime


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of a machine in a period. Means are None without a failure: nobody knows them then."""

    failures: int
    down_s: float
    up_s: float
    mttr_s: float | None
    mtbf_s: float | None


def reliability(
    failures: Sequence[Failure], from_ts: datetime, to_ts: datetime, divisor: Divisor = Divisor.FE, up_s: float | None = None
) -> Reliability:
    """MTTR = ΣTTR / FE and MTBF = ΣTBF / FE (or FE + 1) over the failures that began in [from_ts, to_ts).

    TTR is stopped to restored, whole even where it reaches beyond the period. ΣTBF is `up_s`, the processing time of the period where it is
    known; else the period without the time that the machine was down, failures that overlap counted once.
    """
    counted = [one for one in failures if from_ts <= one.stopped_ts < to_ts]
    down_s = _down_s(failures, from_ts, to_ts)
    up = (to_ts - from_ts).total_seconds() - down_s if up_s is None else up_s
    if not counted:
        return Reliability(0, down_s, up, None, None)
    repair_s = sum((one.restored_ts - one.stopped_ts).total_seconds() for one in counted)
    events = len(counted) + (divisor is Divisor.FE_PLUS_1)
    return Reliability(len(counted), down_s, up, repair_s / len(counted), up / events)


def _down_s(failures: Sequence[Failure], from_ts: datetime, to_ts: datetime) -> float:
    """Time in the period during which at least one failure lasted."""
    down_s, reached = 0.0, from_ts
    for one in sorted(failures, key=lambda failure: failure.stopped_ts):
        begin, end = max(one.stopped_ts, reached), min(one.restored_ts, to_ts)
        if end > begin:
            down_s += (end - begin).total_seconds()
            reached = end
    return down_s
