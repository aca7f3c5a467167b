"""Who takes what from whom: small plants by hand, and what plans then wait for."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.job import Link, Placed, Plan, Problem
from factolake.domain.order import OperationState, OrderState
from factolake.planning.bounds import BoundKind
from factolake.planning.building import built, current
from factolake.planning.building.supply import free
from factolake.planning.changes import change_report
from factolake.planning.explaining import late_orders, why_at
from factolake.planning.pegging import Demand, Maker, demands_of, maker_of, pegged
from factolake.planning.shortages import Shortage, shortages
from factolake.planning.situation import Order, OrderOperation, Peg, PegKind, Situation, Stock, WorkUnit
from factolake.planning.validator import Rule, faults
from models.planning import cpsat, rich

NOW = datetime(2026, 11, 26, 13, 0, tzinfo=UTC)
NONE_THERE = Stock("HOUSING", 0.0)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def demand(name: str, quantity: float, *, start: float | None = None, line: str = "L1", material: str = "HOUSING", **more: object) -> Demand:
    when = None if start is None else at(start)
    return Demand(f"{name}.10", name, line, material, quantity, when, **more)  # type: ignore[arg-type]


def maker(name: str, quantity: float, *, ends: float | None = None, line: str = "L1", material: str = "HOUSING", **more: object) -> Maker:
    return Maker(name, line, material, quantity, None if ends is None else at(ends), **more)  # type: ignore[arg-type]


def pegs(demands: list[Demand], makers: list[Maker], *stocks: Stock, line: str = "L1") -> dict[str, list[tuple[float, str, str]]]:
    """(quantity, order, kind) by operation."""
    found = pegged(line, NOW, demands, makers, stocks or (NONE_THERE,)).pegs
    return {name: [(peg.quantity, peg.order_id, peg.kind.value) for peg in each] for name, each in found.items()}


def test_a_demand_takes_stock_first_and_then_what_orders_of_its_line_make_the_first_to_end_first() -> None:
    makers = [maker("S2", 30, ends=90), maker("S1", 12, ends=60), maker("S3", 50)]
    found = pegged("L1", NOW, [demand("A", 20)], makers, [Stock("HOUSING", 5.0)])
    assert found.pegs == {"A.10": (Peg("HOUSING", 12.0, "S1"), Peg("HOUSING", 3.0, "S2"))}
    assert found.stocks == (Stock("HOUSING", 5.0, is_all=True),)


def test_stock_goes_by_need_what_has_begun_then_priority_then_planned_start_then_due_date_and_what_is_held_last() -> None:
    wanted = [
        demand("HELD", 10, start=1, is_held=True),
        demand("DUE", 10, due_ts=at(500)),
        demand("LATER", 10, start=30),
        demand("SOON", 10, start=20),
        demand("RUSH", 10, priority=1),
        demand("RUNS", 10, start=-5, has_begun=True),
    ]
    served = ["RUNS", "RUSH", "SOON", "LATER", "DUE", "HELD"]
    for covered in range(len(served) + 1):
        found = pegs(wanted, [maker("S", 60)], Stock("HOUSING", 10.0 * covered))
        assert set(found) == {f"{name}.10" for name in served[covered:]}, covered


def test_an_order_that_nobody_pegs_and_a_material_that_nobody_knows_of_limit_nothing() -> None:
    assert pegs([demand("A", 5, material="STEEL")], [maker("S", 9)]) == {}
    assert pegs([demand("A", 5, material="STEEL")], [maker("S", 9)], NONE_THERE, Stock("STEEL", 0.0)) == {}, "told by its stock alone"


def test_what_orders_make_is_a_limit_and_the_rest_is_one_only_where_deliveries_are_in_the_record() -> None:
    wanted, made = [demand("A", 20)], [maker("S", 12, ends=60)]
    assert pegs(wanted, made) == {"A.10": [(12.0, "S", "here"), (8.0, "", "unknown")]}
    awaited = Stock("HOUSING", 0.0, ((at(90), 30.0), (at(-5), 4.0)), is_all=True)
    found = pegged("L1", NOW, wanted, made, [awaited])
    assert found.pegs == {"A.10": (Peg("HOUSING", 12.0, "S"),)}
    assert found.stocks == (Stock("HOUSING", 0.0, ((at(-5), 4.0), (at(90), 30.0)), is_all=True),)


def test_orders_of_other_lines_come_at_their_planned_end_and_of_one_without_nobody_knows() -> None:
    makers = [maker("T1", 6, ends=45, line="L2"), maker("T2", 9, line="L2"), maker("T3", 9, ends=-5, line="L2"), maker("S", 2, ends=99)]
    found = pegged("L1", NOW, [demand("A", 20)], makers, [NONE_THERE])
    (stock,) = found.stocks
    assert (stock.arrivals, stock.makers, stock.is_all) == (((at(45), 6.0),), ((at(45), "T1"),), True)
    undated = PegKind.UNDATED
    assert found.pegs["A.10"] == (Peg("HOUSING", 2.0, "S"), Peg("HOUSING", 9.0, "T3", undated), Peg("HOUSING", 3.0, "T2", undated))


def test_what_other_lines_take_by_their_plans_is_gone_unless_their_own_orders_make_it() -> None:
    stock, delivery = Stock("HOUSING", 10.0), ((at(60), 20.0),)
    other = demand("B", 14, start=30, line="L2")
    assert pegged("L1", NOW, [other], [], [Stock("HOUSING", 10.0, delivery, is_all=True)]).stocks[0].arrivals == ((at(60), 16.0),)
    own = pegged("L1", NOW, [other], [maker("T", 9, ends=40, line="L2")], [stock]).stocks[0]
    assert (own.on_hand, own.arrivals) == (0.0, ((at(40), 5.0),)), "10 of the stock and 4 of T"
    unplanned = pegged("L1", NOW, [demand("B", 14, line="L2")], [], [stock]).stocks[0]
    assert (unplanned.on_hand, unplanned.is_all) == (10.0, False)
    assert pegs([other, demand("A", 5, start=40)], [maker("S", 7, ends=20)]) == {"A.10": [(5.0, "", "unknown")]}, "B was first and took all of S"


def test_lines_that_read_the_same_record_share_it_out_alike() -> None:
    wanted = [demand("A", 8, start=10), demand("B", 8, start=20, line="L2")]
    makers = [maker("S", 6, ends=5), maker("T", 6, ends=5, line="L2")]
    seen = {line: pegged(line, NOW, wanted, makers, [Stock("HOUSING", 3.0)]) for line in ("L1", "L2")}
    assert seen["L1"].pegs == {"A.10": (Peg("HOUSING", 5.0, "S"),)}
    assert seen["L2"].pegs == {"B.10": (Peg("HOUSING", 6.0, "T"), Peg("HOUSING", 1.0, kind=PegKind.UNKNOWN))}
    assert [(stock.on_hand, stock.arrivals) for stock in seen["L1"].stocks] == [(3.0, ())]
    assert [(stock.on_hand, stock.arrivals) for stock in seen["L2"].stocks] == [(1.0, ())], "S gives one back before A takes the last of three"


def test_a_circle_is_cut_where_it_closes_and_another_order_is_taken_if_there_is_one() -> None:
    """A makes HOUSING and takes LID, B makes LID and takes HOUSING."""
    wanted = [demand("A", 4, start=10, material="LID"), demand("B", 4, start=20), demand("A", 1, start=10)]
    makers = [maker("A", 9), maker("B", 9, material="LID")]
    stocks = (NONE_THERE, Stock("LID", 0.0))
    found = pegs(wanted[:2], makers, *stocks)
    assert found == {"A.10": [(4.0, "B", "here")], "B.10": [(4.0, "A", "circle")]}
    assert pegs(wanted[:2], [*makers, maker("C", 9, ends=5)], *stocks)["B.10"] == [(4.0, "C", "here")]
    assert pegs(wanted[2:], makers, *stocks) == {"A.10": [(1.0, "", "unknown")]}, "no order waits for itself"
    long = [demand("A", 1, material="LID", start=1), demand("B", 1, material="CAP", start=2), demand("C", 1, start=3)]
    ring = pegs(long, [*makers, maker("C", 9, material="CAP")], *stocks, Stock("CAP", 0.0))
    assert ring["C.10"] == [(1.0, "A", "circle")], "over three orders"


def test_of_what_is_finer_than_the_record_never_more_is_given_out_than_there_is() -> None:
    wanted = [demand("A", 2.49975, start=1), demand("B", 99.0, start=2)]
    found = pegs(wanted, [maker("S", 5, ends=9)], Stock("HOUSING", 10.0))
    assert found == {"B.10": [(5.0, "S", "here"), (86.4998, "", "unknown")]}


def test_an_order_makes_what_its_last_step_has_left_and_what_was_scrapped_before_never_comes() -> None:
    order = Order("S", "L1", "HOUSING", 20, at(600), state=OrderState.RUNNING)
    first = OrderOperation("S.10", "S", 10, "M1", OperationState.COMPLETED, good=17.0, scrap=3.0)
    last = OrderOperation("S.20", "S", 20, "M2", OperationState.RUNNING, good=8.0, planned_end_ts=at(30))
    assert maker_of(order, [first, last]) == Maker("S", "L1", "HOUSING", 9.0, at(30), at(600))
    parts = [OrderOperation("S.20", "S", 20, "M2", OperationState.COMPLETED, quantity=8, good=8.0)]
    parts += [OrderOperation("S.20-1", "S", 20, "M1", part=1, quantity=12.0)]
    assert maker_of(order, parts) == Maker("S", "L1", "HOUSING", 12.0, None, at(600))
    done = OrderOperation("S.20", "S", 20, "M2", OperationState.COMPLETED, good=20.0)
    assert (maker_of(order, [done]).quantity, maker_of(order, []).quantity, maker_of(order, []).line) == (0.0, 20.0, "")
    assert maker_of(Order("S", "L1", "HOUSING", 20, state=OrderState.PLANNED), [last]).line == ""


def test_a_demand_is_all_that_the_items_need_less_what_was_booked() -> None:
    order = Order("A", "L1", "PUMP", 10, at(600), priority=2)
    begun = OrderOperation("A.10", "A", 10, "M1", OperationState.RUNNING, good=9.0, scrap=3.0, needs={"HOUSING": 2.0}, taken={"HOUSING": 7.0})
    (one,) = demands_of(order, begun)
    assert (one.quantity, one.has_begun, one.priority, one.due_ts) == (17.0, True, 2, at(600))
    assert list(demands_of(order, OrderOperation("A.10", "A", 10, "M1", OperationState.COMPLETED, needs={"HOUSING": 2.0}))) == []


def test_what_others_take_later_is_kept_for_them() -> None:
    arrivals = [(NOW, 10.0), (at(120), 20.0)]
    assert free(arrivals, []) == arrivals
    assert free(arrivals, [(at(60), 4.0)]) == [(NOW, 6.0), (at(120), 20.0)]
    assert free(arrivals, [(at(180), 25.0)]) == [(NOW, 5.0)]
    assert free(arrivals, [(NOW, 99.0)]) == [(NOW, 0.0)]


taken, there, minutes = (
    st.sampled_from([0.5, 1.0, 2.49975, 3.0, 10.0]),
    st.sampled_from([0.5, 1.0, 2.4998, 3.0, 10.0]),
    st.none() | st.integers(-60, 200),
)


@st.composite
def books(draw: st.DrawFn) -> tuple[list[Demand], list[Maker], list[Stock]]:
    """Orders of two lines that make and take two materials from each other, in whatever circles."""
    names, lines, materials = "ABCDEF", st.sampled_from(["L1", "L2"]), st.sampled_from(["HOUSING", "LID"])
    line = {name: draw(lines) for name in names}
    demands = [
        demand(
            name,
            draw(taken),
            start=draw(minutes),
            line=line[name],
            material=draw(materials),
            has_begun=draw(st.booleans()),
            is_held=draw(st.booleans()),
        )
        for name in names
    ]
    makers = [maker(name, draw(there), ends=draw(minutes), line=line[name], material=draw(materials)) for name in names if draw(st.booleans())]
    return demands, makers, [Stock(name, draw(there)) for name in ("HOUSING", "LID")]


@settings(max_examples=200, deadline=None)
@given(books())
def test_nothing_is_given_twice_and_what_a_line_is_left_with_is_enough_for_what_it_still_needs(
    book: tuple[list[Demand], list[Maker], list[Stock]],
) -> None:
    demands, makers, stocks = book
    for line in ("L1", "L2"):
        given_out: dict[str, float] = defaultdict(float)
        found = pegged(line, NOW, demands, makers, stocks)
        waits: dict[str, set[str]] = defaultdict(set)
        for one in demands:
            for peg in found.pegs.get(one.operation_id, ()):
                assert one.line == line
                given_out[peg.order_id] += peg.quantity
                if peg.kind is PegKind.HERE and not one.has_begun:
                    waits[one.order_id].add(peg.order_id)
        for stock in (stock for stock in found.stocks if stock.is_all):
            own = [one for one in demands if (one.line, one.material_id) == (line, stock.material_id)]
            needed = sum(one.quantity - sum(peg.quantity for peg in found.pegs.get(one.operation_id, ())) for one in own)
            assert needed <= stock.on_hand + sum(quantity for _, quantity in stock.arrivals) + 1e-6
        assert all(given_out[one.order_id] <= one.quantity + 1e-6 for one in makers)
        TopologicalSorter(waits).prepare()  # raises CycleError for a circle


def step(name: str, equipment: str = "M1", minutes: float = 10, *, start: float | None = None, **more: object) -> OrderOperation:
    order, number = name.split(".")
    times = {} if start is None else {"planned_start_ts": at(start), "planned_end_ts": at(start + minutes)}
    return OrderOperation(name, order, int(number), equipment, **({"planned_run_s": minutes * 60, **times} | more))  # type: ignore[arg-type]


def takes(order: str, quantity: float = 12.0, kind: PegKind = PegKind.HERE) -> dict[str, object]:
    return {"needs": {"HOUSING": quantity}, "pegs": (Peg("HOUSING", quantity, order, kind),)}


def plant(*operations: OrderOperation, due: dict[str, float] | None = None, **more: object) -> Situation:
    orders = tuple(Order(name, "L1", name, 1, due_ts=at(due[name]) if due else None) for name in sorted({o.order_id for o in operations}))
    machines = (WorkUnit("M1", "L1", ((at(-60), at(600)),)), WorkUnit("M2", "L1", ((at(-60), at(600)),)))
    return Situation(**({"now_ts": NOW, "orders": orders, "operations": operations, "machines": machines} | more))  # type: ignore[arg-type]


SUPPLIER = (step("S.10"), step("S.20", "M2"))


def test_an_assembly_comes_after_the_last_step_of_the_order_that_makes_what_it_takes() -> None:
    made = built(plant(step("A.10", **takes("S")), step("A.20", "M2"), *SUPPLIER))
    assert [operation.after for operation in made.problem.operations] == [(Link(3),), (Link(0),), (), (Link(2),)]
    assert made.problem.materials == ()
    split = (step("S.20", "M2"), step("S.20", "M1", part=1))
    parts = (split[0], OrderOperation("S.20-1", "S", 20, "M1", part=1, planned_run_s=60.0))
    assert built(plant(step("A.10", **takes("S")), *parts)).problem.operations[0].after == (Link(1), Link(2)), "all parts of it"


def test_only_what_no_other_order_makes_is_taken_from_the_stock() -> None:
    work = step("A.10", needs={"HOUSING": 20.0}, pegs=(Peg("HOUSING", 12.0, "S"), Peg("HOUSING", 1.0, kind=PegKind.UNKNOWN)))
    made = built(plant(work, *SUPPLIER, stocks=(Stock("HOUSING", 7.0, is_all=True),)))
    assert made.refused == ()
    assert made.problem.operations[0].needs == ((0, 7),)


@pytest.mark.parametrize("state", [OperationState.RUNNING, OperationState.SUSPENDED])
def test_work_that_has_begun_waits_for_no_order_that_is_late(state: OperationState) -> None:
    begun = step("A.10", start=-5, actual_start_ts=at(-5), state=state, **takes("S"))
    made = built(plant(begun, step("S.10", "M2", 60)))
    assert made.problem.operations[0].after == ()
    assert [placed.start for placed in made.problem.fixed] == ([0] if state is OperationState.RUNNING else [])
    assert made.refused == made.notes == ()


@pytest.mark.parametrize(("supplier", "stays"), [({"start": 0, "minutes": 4}, True), ({"start": 0}, False), ({"start": 30}, False), ({}, False)])
def test_frozen_work_stands_only_where_what_it_takes_is_made_in_time_by_work_that_stands(supplier: dict, stays: bool) -> None:
    made = built(plant(step("A.10", start=5, **takes("S")), step("S.10", "M2", **supplier)))
    assert ("A.10" in {made.operations[placed.operation].operation_id for placed in made.problem.fixed}) is stays
    assert made.problem.operations[0].after == (Link(1),)
    assert [fault for fault in faults(made.problem, made.problem.fixed) if fault.rule is not Rule.PLACED] == []


def test_what_takes_from_an_order_that_is_not_planned_is_left_out_and_named_and_so_is_what_takes_from_that() -> None:
    lid = step("B.10", needs={"LID": 1.0}, pegs=(Peg("LID", 1.0, "A"),))
    made = built(plant(lid, step("A.10", **takes("S")), step("A.20"), step("S.10", planned_run_s=None), step("S.20")))
    assert [one.says for one in made.refused] == [
        "operation A.10 takes 12 of HOUSING from order S, of which S.20 is not planned; see there",
        "operation A.20 comes after A.10, which is not planned; see there",
        "operation B.10 takes 1 of LID from order A, of which A.20 is not planned; see there",
        "operation S.10 has no planned run time; give the seconds an item in its routing",
        "operation S.20 comes after S.10, which is not planned; see there",
    ]


def test_links_that_are_left_out_are_told_by_order() -> None:
    ring = built(plant(step("A.10", **takes("S", kind=PegKind.CIRCLE)), step("B.10", **takes("S", 3, PegKind.CIRCLE)), step("S.10", **takes("A"))))
    assert ring.notes == (
        "15 of HOUSING for A.10 and 1 more come from order S, which itself waits for them, and are taken to be there; "
        "put the bills or one of the orders right",
    )
    assert [operation.after for operation in ring.problem.operations] == [(), (), (Link(0),)]
    undated = built(plant(step("A.10", **takes("T", kind=PegKind.UNDATED))))
    assert undated.notes == (
        "12 of HOUSING for A.10 come from order T, of which nobody knows when it ends, and are taken to be there; plan that order",
    )


def test_a_late_order_says_which_order_it_waits_for() -> None:
    made = built(plant(step("A.10", **takes("S")), step("S.10", "M2", 30), due={"A": 20, "S": 600}))
    schedule = (Placed(0, 0, 1800, 2400), Placed(1, 0, 0, 1800))
    assert faults(made.problem, schedule) == ()
    (late,) = late_orders(made, schedule)
    assert late.says == "order A is 20 min late: A.10 ends at 13:40 UTC, and it was due at 13:20 UTC"
    assert [(reason.kind, reason.says) for reason in late.reasons] == [
        (BoundKind.SUPPLY, "A.10 waits for 12 of HOUSING from order S, which S.10 makes at M2 until 13:30 UTC"),
        (BoundKind.BEGINNING, "S.10 starts at M2 as soon as it can and takes 30 min"),
    ]
    assert [fault.rule for fault in faults(made.problem, (Placed(0, 0, 0, 600), schedule[1]))] == [Rule.LINK]


def test_of_material_from_another_line_the_order_is_named() -> None:
    stock = Stock("HOUSING", 0.0, ((at(25), 12.0),), is_all=True, makers=((at(25), "T"),))
    made = built(plant(step("A.10", needs={"HOUSING": 12.0}), stocks=(stock,)))
    assert why_at(made, (Placed(0, 0, 1500, 2100),), "A.10")[0].says == "A.10 waits for HOUSING, which comes at 13:25 UTC from order T"


def test_an_operation_that_moves_behind_what_it_takes_says_so() -> None:
    made = built(plant(step("A.10", start=20, **takes("S")), step("S.10", "M2", 30, start=20)))
    report = change_report(made, current(made), (Placed(0, 0, 3000, 3600), Placed(1, 0, 1200, 3000)))
    assert report.why == {"A.10": "it takes 12 of HOUSING from order S, which S.10 makes until 13:50 UTC"}


def test_a_schedule_that_takes_before_it_makes_is_short() -> None:
    late = plant(step("A.10", start=20, **takes("S")), step("B.10", start=60, **takes("S", 3.0)), step("S.10", "M2", 30, start=20))
    assert shortages(late) == (Shortage("HOUSING", "A.10", 12.0, at(50)),)
    assert shortages(plant(step("A.10", start=50, **takes("S")), step("S.10", "M2", 30, start=20))) == ()
    assert shortages(plant(step("A.10", start=5, **takes("S")), step("S.10", "M2", 30))) == (), "of what has no place nobody knows"


def test_the_judge_names_the_two_that_are_in_the_wrong_order() -> None:
    made = built(plant(step("A.10", **takes("S")), step("S.10", "M2", 30)))
    found = faults(made.problem, (Placed(0, 0, 0, 600), Placed(1, 0, 0, 1800)))
    assert [(fault.rule, fault.operations) for fault in found] == [(Rule.LINK, (1, 0))]


def engines() -> list[Callable[[Problem], Plan]]:
    return [
        lambda problem: rich.search(problem, iterations=400, seed=1),
        lambda problem: cpsat.search(problem, seconds=5.0, iterations=None, seed=0, start=(), tell=lambda _: None),
    ]


@pytest.mark.parametrize("search", engines(), ids=["rich", "cpsat"])
def test_a_search_puts_assemblies_behind_all_that_they_take(search: Callable[[Problem], Plan]) -> None:
    """B takes A, A takes S and T: after the 20 minutes of T 15 for A and 5 for B, and X has the time beside S on the first machine."""
    lid = {"needs": {"LID": 1.0}, "pegs": (Peg("LID", 1.0, "A"),)}
    both = {"needs": {"HOUSING": 3.0}, "pegs": (Peg("HOUSING", 2.0, "S"), Peg("HOUSING", 1.0, "T"))}
    work = (step("A.10", "M1", 15, **both), step("B.10", "M2", 5, **lid), step("S.10", "M1", 10), step("T.10", "M2", 20), step("X.10", "M1", 10))
    problem = built(plant(*work)).problem
    plan = search(problem)
    assert faults(problem, plan.schedule) == ()
    assert (plan.objective, [placed.start for placed in plan.schedule][:2]) == (40 * 60, [20 * 60, 35 * 60])
