"""Genealogy and recall: over all levels and both ways as an independent walk over the rows; never silently a part; no circle, raced or not."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_plant import LINE, LINE_PATH, NOW, Api, at_once_before_any_commits, do, order, person

from factolake.domain.action import Role
from factolake.mes.core.refusals import Conflict, NotFound
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights
from factolake.mes.production import answers
from factolake.mes.production.genealogy import Way, levels, reach, tree, would_cycle
from factolake.mes.production.models import Consumption, Lot, Operation
from factolake.mes.production.recall import recall

pytestmark = pytest.mark.usefixtures("record")
EVERYWHERE = Rights(frozenset({(Role.VIEWER, "")}))
Edge = tuple[int, int, int, bool]
"""From lot, into lot, quantity, whether it was taken back."""


@st.composite
def genealogies(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    """2 to 9 lots and up to 20 uses of a lot in a later one, some of them reversed."""
    count = draw(st.integers(2, 9))
    pairs = st.tuples(st.integers(0, count - 2), st.integers(1, count - 1)).filter(lambda pair: pair[0] < pair[1])
    return count, [(*pair, draw(st.integers(1, 9)), draw(st.booleans())) for pair in draw(st.lists(pairs, max_size=20))]


def store(count: int, edges: Iterable[Edge]) -> None:
    """The lots N0, N1, ... and the uses between them, as rows."""
    operation = Operation.objects.get(pk=order())
    anna = Person.objects.get(pk="operator")
    common = {"material_id": "G-100", "quantity": 100, "remaining": 100, "made_by": operation, "made_ts": NOW, "changed_ts": NOW}
    Lot.objects.bulk_create(Lot(lot_id=f"N{number}", **common) for number in range(count))
    use = {"operation": operation, "at_ts": NOW, "changed_ts": NOW, "reported_by": anna}
    for start, end, quantity, is_reversed in edges:
        made = Consumption.objects.create(lot_id=f"N{start}", into_lot_id=f"N{end}", quantity=quantity, **use)
        if is_reversed:
            Consumption.objects.create(lot_id=f"N{start}", into_lot_id=f"N{end}", quantity=-quantity, reverses=made, **use)


def walked(start: str, edges: Iterable[Edge], way: Way) -> dict[str, int]:
    """Breadth first over the rows in plain Python: what is reached from `start`, with the fewest steps."""
    beside = defaultdict(set)
    for source, target, _, is_reversed in edges:
        if not is_reversed:
            here, there = (source, target) if way is Way.FORWARD else (target, source)
            beside[f"N{here}"].add(f"N{there}")
    found, now, steps = {start: 0}, [start], 0
    while now:
        steps += 1
        now = sorted({there for here in now for there in beside[here]} - set(found))
        found |= dict.fromkeys(now, steps)
    return found


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(genealogies())
def test_every_lot_reaches_what_an_independent_walk_reaches(case: tuple[int, list[Edge]]) -> None:
    count, edges = case
    with transaction.atomic():
        store(count, edges)
        for way in Way:
            for lot in Lot.objects.all():
                wanted = walked(lot.pk, edges, way)
                assert levels(lot.pk, way, 50) == wanted
                assert reach([lot.pk], way) == set(wanted) - {lot.pk}
                drawn = tree(EVERYWHERE, lot, way, 50, 5000)
                assert {row["lot_id"]: row["level"] for row in drawn["lots"]} == wanted
                assert drawn["is_complete"]
                assert {(use["lot_id"], use["into_lot_id"]): Decimal(use["quantity"]) for use in drawn["uses"]} == summed(edges, wanted)
        for lot in Lot.objects.all():
            wanted = walked(lot.pk, edges, Way.FORWARD)
            assert [row["lot_id"] for row in recall(EVERYWHERE, lot, 100)["lots"]] == sorted(set(wanted) - {lot.pk})
            for other in Lot.objects.all():
                assert would_cycle(other.pk, lot.pk) == (other.pk in wanted)
        transaction.set_rollback(True)


def summed(edges: Iterable[Edge], among: Iterable[str]) -> dict[tuple[str, str], int]:
    shown, sums = set(among), defaultdict(int)
    for source, target, quantity, is_reversed in edges:
        if not is_reversed and {f"N{source}", f"N{target}"} <= shown:
            sums[f"N{source}", f"N{target}"] += quantity
    return dict(sums)


def test_a_tree_cut_short_says_so() -> None:
    store(5, [(number, number + 1, 1, False) for number in range(4)])
    lot = Lot.objects.get(pk="N0")
    whole, shallow, short = (tree(EVERYWHERE, lot, Way.FORWARD, depth, limit) for depth, limit in ((4, 10), (2, 10), (4, 3)))
    assert (len(whole["lots"]), whole["lots_reached"], whole["is_complete"]) == (5, 4, True)
    assert ([row["lot_id"] for row in shallow["lots"]], shallow["is_complete"]) == (["N0", "N1", "N2"], False)
    assert ([row["lot_id"] for row in short["lots"]], short["lots_reached"], short["is_complete"]) == (["N0", "N1", "N2"], 4, False)
    cut = recall(EVERYWHERE, lot, 2)
    assert ([row["lot_id"] for row in cut["lots"]], cut["lots_reached"], cut["is_complete"]) == (["N1", "N2"], 4, False)
    assert cut["note"] == "2 of 4 lots are listed; ask with a higher limit. The groups count all."
    assert cut["orders"][0]["lots"] == 5


def same_form(form: type[Any], answer: dict[str, Any]) -> None:
    """The answer has exactly the fields that its OpenAPI form declares."""
    assert form.model_validate(answer).model_dump(mode="json") == answer


def steel(lot_id: str = "S-1", **where: str) -> str:
    if not Lot.objects.exists():
        do("planner", "material.create", material_id="STEEL", base_unit="KGM")
    do("planner", "lot.create", lot_id=lot_id, material_id="STEEL", quantity=100, **{"equipment_id": LINE, **where})
    return lot_id


def made(lot_id: str, of: str, order_id: str, good: int = 5, **more: str) -> str:
    """A lot of a new order, made of lot `of`."""
    operation = order(order_id, **more)
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=good, lot_id=lot_id)
    do("operator", "operation.consume", operation, lot_id=of, quantity=2, into_lot_id=lot_id)
    do("operator", "operation.suspend", operation)
    return lot_id


def test_a_recall_names_orders_pallets_and_customers_over_all_levels() -> None:
    made("GEAR-1", steel(), "PO-1")
    made("BOX-1", "GEAR-1", "PO-2", customer="Acme", sales_order="SO-7")
    made("BOX-2", "GEAR-1", "PO-3", customer="Brand")
    do("operator", "lot.move", "BOX-1", pallet="P-1")
    do("operator", "lot.ship", "BOX-1", quantity=4)
    do("operator", "lot.ship", "BOX-1", customer="Coral", sales_order="SO-9")
    list_ = Api("viewer").get("/lots/S-1/recall").json()
    same_form(answers.Recall, list_)
    assert [(row["lot_id"], row["order_id"], row["remaining"], row["shipped"]) for row in list_["lots"]] == [
        ("BOX-1", "PO-2", "0", "5"),
        ("BOX-2", "PO-3", "5", "0"),
        ("GEAR-1", "PO-1", "1", "0"),
    ]
    assert [(row["order_id"], row["lots"], row["quantity"], row["untraced"]) for row in list_["orders"]] == [
        ("PO-1", 1, "5", False),
        ("PO-2", 1, "5", False),
        ("PO-3", 1, "5", False),
    ]
    assert list_["pallets"] == [{"pallet": "P-1", "material_id": "G-100", "base_unit": "C62", "lots": 1, "remaining": "0"}]
    assert list_["customers"] == [
        {"customer": "Acme", "sales_orders": ["SO-7"], "lots": 1, "lots_shipped": 1},
        {"customer": "Brand", "sales_orders": [], "lots": 1, "lots_shipped": 0},
        {"customer": "Coral", "sales_orders": ["SO-9"], "lots": 1, "lots_shipped": 1},
    ]
    assert (list_["is_complete"], list_["left_out"], list_["note"]) == (True, 0, "")


def test_the_tree_says_what_where_and_how_much() -> None:
    made("GEAR-1", steel(), "PO-1")
    made("BOX-1", "GEAR-1", "PO-2")
    back = Api("viewer").get("/lots/BOX-1/genealogy?way=backward").json()
    same_form(answers.Genealogy, back)
    assert [(row["level"], row["lot_id"], row["base_unit"]) for row in back["lots"]] == [(0, "BOX-1", "C62"), (1, "GEAR-1", "C62"), (2, "S-1", "KGM")]
    told = [(use["lot_id"], use["into_lot_id"], use["quantity"], use["base_unit"], use["order_id"], use["equipment_id"]) for use in back["uses"]]
    assert told == [("GEAR-1", "BOX-1", "2", "C62", "PO-2", LINE), ("S-1", "GEAR-1", "2", "KGM", "PO-1", LINE)]
    assert Api("viewer").get("/lots/BOX-1/genealogy").json()["lots_reached"] == 0


def test_a_reversed_use_is_no_part_of_it() -> None:
    made("GEAR-1", steel(), "PO-1")
    do("operator", "consumption.reverse", str(Consumption.objects.get().pk), reason="other lot")
    assert Api("viewer").get("/lots/S-1/recall").json()["lots"] == []
    assert len(Api("viewer").get("/lots/GEAR-1/genealogy?way=backward").json()["lots"]) == 1


def test_a_lot_without_use_is_an_empty_list_and_an_unknown_one_is_not_found() -> None:
    steel()
    list_ = Api("viewer").get("/lots/S-1/recall").json()
    assert [list_[name] for name in ("lots", "orders", "pallets", "customers", "is_complete")] == [[], [], [], [], True]
    for path in ("/lots/S-9/recall", "/lots/S-9/genealogy"):
        answer = Api("viewer").get(path)
        assert (answer.status_code, answer.json()["title"], answer.json()["detail"]) == (404, NotFound.__name__, "there is no lot S-9")


def test_parameters_that_cannot_be_are_refused() -> None:
    steel()
    for asked in ("way=sideways", "max_levels=0", "limit=5001", "max_level=3"):
        answer = Api("viewer").get(f"/lots/S-1/genealogy?{asked}")
        assert (answer.status_code, asked.partition("=")[0] in answer.json()["detail"]) == (422, True)


def test_a_finished_lot_is_recalled_to_its_own_customer() -> None:
    made("BOX-1", steel(), "PO-1", customer="Acme")
    do("operator", "lot.ship", "BOX-1")
    list_ = Api("viewer").get("/lots/BOX-1/recall").json()
    assert (list_["lots"], list_["lot"]["shipped"]) == ([], "5")
    assert [(row["customer"], row["lots_shipped"]) for row in list_["customers"]] == [("Acme", 1)]


def test_a_use_in_no_lot_flags_its_order() -> None:
    operation = order("PO-1", customer="Acme")
    do("operator", "operation.start", operation)
    do("operator", "operation.consume", operation, lot_id=steel(), quantity=1)
    list_ = Api("viewer").get("/lots/S-1/recall").json()
    assert [(row["order_id"], row["lots"], row["untraced"]) for row in list_["orders"]] == [("PO-1", 0, True)]
    assert [(row["customer"], row["lots"]) for row in list_["customers"]] == [("Acme", 0)]


def test_lots_out_of_sight_are_counted_not_shown_and_do_not_hide_what_is_behind_them() -> None:
    made("GEAR-1", steel(), "PO-1")
    made("BOX-1", "GEAR-1", "PO-2")
    person("near", Role.VIEWER, f"{LINE_PATH}/sub")
    for lot_id in ("S-1", "BOX-1"):
        Lot.objects.filter(pk=lot_id).update(place_path=f"{LINE_PATH}/sub")
    list_ = Api("near").get("/lots/S-1/recall").json()
    assert ([row["lot_id"] for row in list_["lots"]], list_["left_out"], list_["is_complete"]) == (["BOX-1"], 1, False)
    assert list_["note"].startswith("1 lots or orders lie outside your places; ask somebody")
    drawn = Api("near").get("/lots/S-1/genealogy").json()
    assert ([row["lot_id"] for row in drawn["lots"]], drawn["uses"], drawn["left_out"], drawn["is_complete"]) == (["S-1", "BOX-1"], [], 1, False)
    assert Api("near").get("/lots/GEAR-1/recall").status_code == 404


@pytest.mark.parametrize(
    ("before", "at_once"),
    [
        (("AB", "CD"), ("BC", "DA")),  # no lot in common
        ((), ("AB", "BA")),  # each holds what the other needs
    ],
)
def test_two_who_close_a_circle_at_once_do_not_both_succeed(before: tuple[str, ...], at_once: tuple[str, ...]) -> None:
    operations = {name: order(f"PO-{name}") for name in "ABCD"}
    for name, operation in operations.items():
        Operation.objects.filter(pk=operation).update(actual_start_ts=NOW, state="suspended")
        do("operator", "operation.report", operation, good=9, lot_id=name)

    def use(pair: str) -> str:
        """Put the first lot into the second; what it was refused with, or nothing."""
        try:
            do("operator", "operation.consume", operations[pair[1]], lot_id=pair[0], quantity=1, into_lot_id=pair[1])
        except Conflict as error:
            return str(error)
        return ""

    assert [use(pair) for pair in before] == [""] * len(before)
    refused = list(filter(None, at_once_before_any_commits([lambda pair=pair: use(pair) for pair in at_once])))
    assert len(refused) == 1
    assert "is made of lot" in refused[0]
    assert all(name not in reach([name], Way.FORWARD) for name in "ABCD")
