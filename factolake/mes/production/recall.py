"""The recall list of a lot: everything it went into, with the orders, pallets and customers that somebody has to be told about."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.expressions import RawSQL

from factolake.mes.core.record import plain
from factolake.mes.people.rights import Rights
from factolake.mes.production.genealogy import LIVE, LOT_COLUMNS, Row, Way, among, lot_rows, reach, sees
from factolake.mes.production.models import Consumption, Lot, Shipment

_OF_AN_ORDER = ("order_id", "material_id", "base_unit", "customer", "sales_order")


@dataclass(slots=True)
class _Order:
    """An order with affected lots; `untraced`: it used an affected lot without saying for which lot, so all it made may be affected."""

    lots: int = 0
    quantity: Decimal = Decimal(0)
    remaining: Decimal = Decimal(0)
    untraced: bool = False


@dataclass(slots=True)
class _Pallet:
    """A pallet with affected lots of one material."""

    lots: int = 0
    remaining: Decimal = Decimal(0)


@dataclass(slots=True)
class _Customer:
    """A customer for whom affected lots were made or to whom they were shipped."""

    lots: int = 0
    shipped: set[str] = field(default_factory=set)
    sales_orders: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Groups:
    """What a recall comes to, by order, by pallet and material, and by customer."""

    orders: dict[tuple[str, ...], _Order] = field(default_factory=dict)
    pallets: dict[tuple[str, str, str], _Pallet] = field(default_factory=dict)
    customers: dict[str, _Customer] = field(default_factory=dict)

    def add(self, order: tuple[str | None, ...], pallet: str, lots: int, quantity: Decimal, remaining: Decimal) -> None:
        """Count affected lots of one order (its values as `_OF_AN_ORDER`, the id None for lots that were received) on one pallet."""
        order_id, material_id, base_unit, customer, sales_order = order
        if order_id is not None:
            made = self.orders.setdefault(tuple(map(str, order)), _Order())
            made.lots += lots
            made.quantity += quantity
            made.remaining += remaining
        if pallet:
            held = self.pallets.setdefault((pallet, str(material_id), str(base_unit)), _Pallet())
            held.lots += lots
            held.remaining += remaining
        if customer:
            self._told(customer, sales_order).lots += lots

    def add_shipment(self, lot_id: str, customer: str, sales_order: str, made_for: str | None) -> None:
        """Count a lot as shipped to a customer; as affecting them, where it was made for another or for nobody."""
        told = self._told(customer, sales_order)
        if lot_id not in told.shipped:
            told.shipped.add(lot_id)
            told.lots += customer != made_for

    def add_untraced(self, order: tuple[str, ...]) -> None:
        """Mark an order (its values as `_OF_AN_ORDER`) that used an affected lot without saying for which lot."""
        self.orders.setdefault(order, _Order()).untraced = True
        *_, customer, sales_order = order
        if customer:
            self._told(customer, sales_order)

    def _told(self, customer: str, sales_order: str | None) -> _Customer:
        told = self.customers.setdefault(customer, _Customer())
        if sales_order:
            told.sales_orders.add(sales_order)
        return told

    def as_rows(self) -> Row:
        """The three groups as JSON rows, in the order of their keys."""
        return {
            "orders": [
                {
                    **dict(zip(_OF_AN_ORDER, key, strict=True)),
                    "lots": order.lots,
                    "quantity": plain(order.quantity),
                    "remaining": plain(order.remaining),
                    "untraced": order.untraced,
                }
                for key, order in sorted(self.orders.items(), key=lambda item: item[0])
            ],
            "pallets": [
                {"pallet": pallet, "material_id": material, "base_unit": unit, "lots": held.lots, "remaining": plain(held.remaining)}
                for (pallet, material, unit), held in sorted(self.pallets.items(), key=lambda item: item[0])
            ],
            "customers": [
                {"customer": customer, "sales_orders": sorted(told.sales_orders), "lots": told.lots, "lots_shipped": len(told.shipped)}
                for customer, told in sorted(self.customers.items(), key=lambda item: item[0])
            ],
        }


def recall(rights: Rights, lot: Lot, limit: int) -> Row:
    """Every lot that `lot` went into over all levels, grouped to orders, pallets and customers; the groups tell of `lot` itself too.

    `lots` are at most `limit`, in the order of their ids; the groups always count all. Lots outside the places that the person may see are in
    neither: `left_out` counts them, `is_complete` is False, and `note` says who can make the list whole. So nobody takes a part for the whole.
    """
    reached = reach([lot.pk], Way.FORWARD)
    affected = among([lot.pk, *reached])
    groups = _Groups()
    left_out = _count_lots(rights, groups, affected)
    shipped = _count_shipped(rights, groups, affected)
    count = len(reached) - left_out
    left_out += _count_untraced(rights, groups, affected)
    seen = Lot.objects.filter(rights.visible(Lot.PLACE), pk__in=among(reached)).order_by("pk")[:limit]
    own, *lots = (
        {**row, "shipped": plain(shipped.get(row["lot_id"], Decimal(0)))} for row in (*lot_rows(Lot.objects.filter(pk=lot.pk)), *lot_rows(seen))
    )
    whole = {"lots_reached": count, "left_out": left_out, "is_complete": not left_out and count == len(lots)}
    return {"lot": own, "lots": lots, **groups.as_rows(), **whole, "note": _note(left_out, count, len(lots))}


def _count_lots(rights: Rights, groups: _Groups, affected: RawSQL) -> int:
    """Count the affected lots that the person may see. Returns how many there are beside."""
    unseen = 0
    named = [LOT_COLUMNS[name] for name in ("place_path", "pallet", *_OF_AN_ORDER)]
    sums = Lot.objects.filter(pk__in=affected).values_list(*named).annotate(Count("pk"), Sum("quantity"), Sum("remaining")).order_by()
    for place, pallet, *order, lots, quantity, remaining in sums:
        if sees(rights, place):
            groups.add(tuple(order), pallet, lots, quantity, remaining)
        else:
            unseen += lots
    return unseen


def _count_shipped(rights: Rights, groups: _Groups, affected: RawSQL) -> dict[str, Decimal]:
    """Count who has affected lots; what came back is taken off. Returns how much of each lot is with customers."""
    gone: dict[str, Decimal] = defaultdict(Decimal)
    named = ("lot_id", "customer", "sales_order", "lot__place_path", "lot__made_by__order__customer")
    for lot_id, customer, sales_order, place, made_for, quantity in (
        Shipment.objects.filter(lot__in=affected).values_list(*named).annotate(Sum("quantity")).exclude(quantity__sum=0).order_by()
    ):
        if sees(rights, place):
            groups.add_shipment(lot_id, customer, sales_order, made_for)
            gone[lot_id] += quantity
    return gone


def _count_untraced(rights: Rights, groups: _Groups, affected: RawSQL) -> int:
    """Mark the orders that used affected lots without saying for which lot. Returns how many orders the person may not see."""
    used = Consumption.objects.filter(LIVE, lot__in=affected, into_lot=None)
    order = "operation__order"
    named = (f"{order}_id", f"{order}__material_id", f"{order}__material__base_unit", f"{order}__customer", f"{order}__sales_order")
    unseen = 0
    for place, *values in used.values_list(f"{order}__line__path", *named).distinct():
        if sees(rights, place):
            groups.add_untraced(tuple(values))
        else:
            unseen += 1
    return unseen


def _note(left_out: int, count: int, listed: int) -> str:
    said = []
    if left_out:
        said.append(f"{left_out} lots or orders lie outside your places; ask somebody with a role in the whole enterprise for the whole list.")
    if listed < count:
        said.append(f"{listed} of {count} lots are listed; ask with a higher limit. The groups count all.")
    return " ".join(said)
