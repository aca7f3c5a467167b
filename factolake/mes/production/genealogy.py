"""Genealogy: which lots a lot went into and came from. Edges are consumptions that were not reversed; circles are refused when they would arise.

`recall` lists what was reached for people who have to act; here are the edges themselves, and the tree that a page draws.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Max, Min, Q, QuerySet, Sum
from django.db.models.expressions import RawSQL

from factolake.domain.action import Role
from factolake.mes.core.record import plain
from factolake.mes.people.rights import Rights
from factolake.mes.production.models import Consumption, Lot

Row = dict[str, Any]


class Way(StrEnum):
    """Which way through the genealogy: into what was made of it, or back to what it was made of."""

    FORWARD = "forward"
    BACKWARD = "backward"


_STEP = {Way.FORWARD: ("lot_id", "into_lot_id"), Way.BACKWARD: ("into_lot_id", "lot_id")}
LIVE = Q(quantity__gt=0, consumption=None)
"""Consumptions that are edges: no reversals, which are negative, and not reversed."""
# not "reverses_id IS NULL": SQLite takes the unique index of that column then and reads every row in each step (47 times slower at 3,000 rows)
_LIVE = "c.quantity > 0 AND NOT EXISTS (SELECT 1 FROM production_consumption r WHERE r.reverses_id = c.id)"
_ANY_ROLE = frozenset(Role)
_EDGE_LOCK = 0x67656E65  # "gene"
LOT_COLUMNS: Mapping[str, str] = {
    "lot_id": "lot_id",
    "kind": "kind",
    "material_id": "material_id",
    "base_unit": "material__base_unit",
    "quantity": "quantity",
    "remaining": "remaining",
    "status": "status",
    "pallet": "pallet",
    "supplier_lot": "supplier_lot",
    "made_ts": "made_ts",
    "operation_id": "made_by_id",
    "order_id": "made_by__order_id",
    "customer": "made_by__order__customer",
    "sales_order": "made_by__order__sales_order",
    "place_path": "place_path",
}
"""What is told of a lot, by the lookup it is read with; `customer` and `sales_order` are its order's."""


def reach(lot_ids: Iterable[str], way: Way) -> set[str]:
    """Every lot that `lot_ids` went into (or came from), over all levels; without the lots themselves unless one contains another."""
    start = among(lot_ids)
    here, there = _STEP[way]
    query = f"""
        WITH RECURSIVE found(lot_id) AS (
            SELECT c.{there} FROM production_consumption c WHERE c.{here} IN ({start.sql}) AND c.{there} IS NOT NULL AND {_LIVE}
            UNION
            SELECT c.{there} FROM production_consumption c JOIN found f ON c.{here} = f.lot_id WHERE c.{there} IS NOT NULL AND {_LIVE}
        )
        SELECT lot_id FROM found
    """
    with connection.cursor() as cursor:
        cursor.execute(query, start.params)
        return {row[0] for row in cursor.fetchall()}


def among(keys: Iterable[str]) -> RawSQL:
    """The keys as a subquery with one parameter, however many they are: for `lot_id IN`."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::varchar[])", [list(keys)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])


def levels(lot_id: str, way: Way, max_levels: int) -> dict[str, int]:
    """The lot itself (0) and what is reached in at most `max_levels` steps, each with the fewest steps it takes."""
    here, there = _STEP[way]
    query = f"""
        WITH RECURSIVE found(lot_id, steps) AS (
            SELECT CAST(%s AS varchar(80)), 0
            UNION
            SELECT c.{there}, f.steps + 1 FROM production_consumption c JOIN found f ON c.{here} = f.lot_id
            WHERE f.steps < %s AND c.{there} IS NOT NULL AND {_LIVE}
        )
        SELECT lot_id, MIN(steps) FROM found GROUP BY lot_id
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [lot_id, max_levels])
        return dict(cursor.fetchall())


def would_cycle(lot_id: str, into_lot_id: str) -> bool:
    """Whether `lot_id` is made of `into_lot_id` (or is it), so that putting it in there would close a circle.

    The caller holds both lots and puts in the edge in the same transaction. Two transactions may close one circle at its two ends without a lot in
    common, each blind to the other's edge; so those whose `into_lot_id` has gone into something pass here one at a time, until they commit. One that
    has gone into nothing closes no circle, and as it is held, nobody can put it into anything meanwhile.
    """
    if lot_id == into_lot_id:
        return True
    if not Consumption.objects.filter(lot_id=into_lot_id, into_lot__isnull=False).exists():
        return False
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_EDGE_LOCK])
    return lot_id in reach([into_lot_id], Way.FORWARD)


def lot_rows(lots: "QuerySet[Lot]") -> Iterator[Row]:
    """The lots as plain JSON rows of `LOT_COLUMNS`, in the order of the query."""
    for values in lots.values_list(*LOT_COLUMNS.values()).iterator(chunk_size=2000):
        yield {name: plain(value) for name, value in zip(LOT_COLUMNS, values, strict=True)}


def sees(rights: Rights, place: str) -> bool:
    """Whether the person may see what is at `place`, an equipment path."""
    return rights.holds(_ANY_ROLE, place)


def tree(rights: Rights, lot: Lot, way: Way, max_levels: int, limit: int) -> Row:
    """What `lot` went into or came from, to be drawn: lots with their level (0 is `lot`) and the uses between them.

    At most `limit` lots, the nearest first. Lots that the person may not see are not shown, but do not hide what lies beyond them; `left_out` counts
    them, and `is_complete` is False when anything that is reached is not shown, at whatever level.
    """
    steps = levels(lot.lot_id, way, max_levels + 1)
    near = sorted((level, lot_id) for lot_id, level in steps.items() if level <= max_levels)
    rows = {row["lot_id"]: row for row in lot_rows(Lot.objects.filter(pk__in=among(lot_id for _, lot_id in islice(near, limit))))}
    shown = [{"level": level, **rows[lot_id]} for level, lot_id in near if lot_id in rows and sees(rights, str(rows[lot_id]["place_path"]))]
    return {
        "lot_id": lot.lot_id,
        "way": way.value,
        "lots": shown,
        "uses": _uses([str(row["lot_id"]) for row in shown]),
        "lots_reached": len(near) - 1,
        "left_out": len(rows) - len(shown),
        "is_complete": len(shown) == len(steps),
    }


def _uses(lot_ids: list[str]) -> list[Row]:
    """The edges among `lot_ids`, one a pair of lots and operation."""
    # by what they went into: a lot is made of few others, while one lot may go into thousands
    live, shown = Consumption.objects.filter(LIVE, into_lot__in=among(lot_ids)), set(lot_ids)
    named = {
        "lot_id": "lot_id",
        "into_lot_id": "into_lot_id",
        "operation_id": "operation_id",
        "order_id": "operation__order_id",
        "equipment_id": "operation__equipment_id",
        "base_unit": "lot__material__base_unit",
    }
    summed = {"quantity": Sum("quantity"), "first_ts": Min("at_ts"), "last_ts": Max("at_ts")}
    found = live.values_list(*named.values()).annotate(**summed).order_by("lot_id", "into_lot_id", "operation_id")
    return [{name: plain(value) for name, value in zip((*named, *summed), values, strict=True)} for values in found if values[0] in shown]
