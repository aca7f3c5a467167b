"""Genealogy: which lots a lot went into and came from. Edges are consumptions that were not reversed; circles are refused when they would arise."""

from collections.abc import Iterable
from enum import StrEnum

from django.db import connection


class Way(StrEnum):
    """Which way through the genealogy: into what was made of it, or back to what it was made of."""

    FORWARD = "forward"
    BACKWARD = "backward"


_STEP = {Way.FORWARD: ("lot_id", "into_lot_id"), Way.BACKWARD: ("into_lot_id", "lot_id")}
_LIVE = "c.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM production_consumption r WHERE r.reverses_id = c.id)"


def reach(lot_ids: Iterable[str], way: Way) -> set[str]:
    """Every lot that `lot_ids` went into (or came from), over all levels; without the lots themselves unless one contains another."""
    start = list(lot_ids)
    if not start:
        return set()
    here, there = _STEP[way]
    first = " UNION ".join("SELECT CAST(%s AS varchar(80))" for _ in start)
    query = f"""
        WITH RECURSIVE found(lot_id) AS (
            SELECT c.{there} FROM production_consumption c WHERE c.{here} IN ({first}) AND c.{there} IS NOT NULL AND {_LIVE}
            UNION
            SELECT c.{there} FROM production_consumption c JOIN found f ON c.{here} = f.lot_id WHERE c.{there} IS NOT NULL AND {_LIVE}
        )
        SELECT lot_id FROM found
    """
    with connection.cursor() as cursor:
        cursor.execute(query, start)
        return {row[0] for row in cursor.fetchall()}


def would_cycle(lot_id: str, into_lot_id: str) -> bool:
    """Whether `lot_id` is made of `into_lot_id` (or is it), so that putting it in there would close a circle."""
    return lot_id == into_lot_id or lot_id in reach([into_lot_id], Way.FORWARD)
