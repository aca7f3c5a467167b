"""Master data has a time it holds in: `valid_from` and, while nobody has ended it, no `valid_to`."""

from datetime import datetime

from django.db.models import Q


def valid_at(at_ts: datetime) -> Q:
    """Condition for the rows that hold at `at_ts`."""
    return Q(valid_from__lte=at_ts) & (Q(valid_to=None) | Q(valid_to__gt=at_ts))
