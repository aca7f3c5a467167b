"""How a check is judged and when the next one is due. Pure: limits and counts in, verdicts out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from factolake.mes.quality.models.plan import SampledPer


def conforms(value: Decimal, lower: Decimal | None, upper: Decimal | None) -> bool:
    """Whether a value is within its limits; one on a limit is."""
    return (lower is None or value >= lower) and (upper is None or value <= upper)


def nonconforming(values: Sequence[Decimal], lower: Decimal | None, upper: Decimal | None) -> int:
    """How many of the values are outside."""
    return sum(not conforms(value, lower, upper) for value in values)


@dataclass(frozen=True, slots=True)
class SinceLast:
    """What happened since the last check of a plan; `at_ts` None: there was none yet."""

    at_ts: datetime | None
    parts: Decimal
    lots: int


def is_due(per: SampledPer, every: int, since: SinceLast, now: datetime) -> bool:
    """Whether a check is due: so many parts or lots were made, or minutes passed in which something was made. The first part is always checked."""
    if since.parts <= 0:
        return False
    if since.at_ts is None:
        return True
    if per is SampledPer.PARTS:
        return since.parts >= every
    if per is SampledPer.LOT:
        return since.lots >= every
    return now - since.at_ts >= timedelta(minutes=every)
