"""Holds: what they cover, what they block, what grows under them, and who lets them go."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st
from record_plant import LINE, M1, NOW, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.people.models import Grant
from factolake.mes.production.models import Consumption, Lot, MaterialDefinition
from factolake.mes.quality.models import Covered, Hold, HoldItem
from factolake.mes.quality.scope import covered_since, scope

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
APPROVED = {"approval": "proposal 1"}


def status(lot_id: str) -> str:
    return str(Lot.objects.get(pk=lot_id).status)


def covered(hold_id: Any) -> dict[str, str]:
    return dict(HoldItem.objects.filter(hold=hold_id).values_list("lot_id", "covered"))


def running(order_id: str = "PO-1", material: str = "G-100") -> str:
    operation = order(order_id, material=material)
    do("operator", "operation.start", operation)
    return operation


def steel(lot_id: str = "S-1") -> str:
    if not MaterialDefinition.objects.filter(pk="STEEL").exists():
        do("planner", "material.create", material_id="STEEL")
    do("planner", "lot.create", lot_id=lot_id, material_id="STEEL", quantity=100, equipment_id=LINE)
    return lot_id


def plan(equipment: str = LINE, characteristic: str = "bore", **more: Any) -> int:
    limits = {"kind": "variable", "lower": "9.9", "upper": "10.1", "sampled_per": "parts"}
    made = do("quality", "inspection_plan.create", equipment_id=equipment, characteristic=characteristic, **{**limits, **more})
    return int(made["id"])  # type: ignore[arg-type]


def check(plan_id: int, value: str = "10", **more: Any) -> dict[str, Any]:
    return do("operator", "inspection.create", plan_id=plan_id, values=[value], **more)


@on_both
def test_a_hold_covers_what_was_made_since_the_last_good_check_and_what_that_went_into() -> None:
    r"""
    time ──►   LOT-1   good check   LOT-2   LOT-3 (of LOT-2)   bad check ► hold
    covered      no                  yes      made of it
    """
    do("planner", "material.create", material_id="G-100")
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=M1)
    bore = plan(M1, holds_on_failure=True)
    first, gearbox = running(), running("PO-2", "GEARBOX")
    do("operator", "operation.report", first, good=5, lot_id="LOT-1")
    check(bore)
    do("operator", "operation.report", first, good=5, lot_id="LOT-2")
    for part, into in (("LOT-1", "LOT-0"), ("LOT-2", "LOT-3")):
        do("operator", "operation.consume", gearbox, lot_id=part, quantity=1, into_lot_id=into)
    failed = check(bore, "10.2", lot_id="LOT-2")
    hold = Hold.objects.get()
    assert (failed["result"], hold.inspection_id, hold.since_why) == ("failed", failed["id"], "last good check of bore")
    assert covered(hold.pk) == {"LOT-2": "since_last_good_check", "LOT-3": "made_of"}
    assert [status(f"LOT-{n}") for n in range(4)] == ["unrestricted", "unrestricted", "blocked", "blocked"]


@on_both
def test_a_held_lot_takes_all_it_went_into_along_over_every_level() -> None:
    operation = running()
    do("operator", "operation.consume", operation, lot_id=steel(), quantity=1, into_lot_id="A")
    do("operator", "operation.report", operation, good=2, lot_id="A")
    do("operator", "operation.consume", operation, lot_id="A", quantity=1, into_lot_id="B")
    do("operator", "operation.report", operation, good=1, lot_id="C")
    hold = do("operator", "hold.create", lot_id="S-1", reason="hardness")
    assert covered(hold["id"]) == {"S-1": "direct", "A": "made_of", "B": "made_of"}
    for lot_id in ("S-1", "A"):
        with pytest.raises(Exception, match=f"lot {lot_id} is blocked and cannot be used"):
            do("operator", "operation.consume", operation, lot_id=lot_id, quantity=1)
    with pytest.raises(Exception, match="lot B is blocked: good parts cannot be confirmed into it"):
        do("operator", "operation.report", operation, good=1, lot_id="B")
    with pytest.raises(Exception, match="lot A is blocked and cannot be shipped"):
        do("operator", "lot.ship", "A", quantity=1, customer="Acme")
    assert status("C") == "unrestricted"


@on_both
def test_an_untraced_use_makes_every_lot_of_its_operation_doubtful_and_its_good_parts_wait() -> None:
    operation, other = running(), running("PO-2")
    do("operator", "operation.report", operation, good=2, lot_id="A")
    do("operator", "operation.consume", operation, lot_id=steel(), quantity=1)
    wrong = do("operator", "operation.consume", other, lot_id="S-1", quantity=1)
    hold = do("quality", "hold.create", lot_id="S-1", reason="hardness")
    assert covered(hold["id"]) == {"S-1": "direct", "A": "may_contain"}
    for name in (operation, other):
        with pytest.raises(Exception, match=f"operation {name} used held lot S-1 without saying for which lot"):
            do("operator", "operation.report", name, good=1)
    do("operator", "consumption.reverse", str(wrong["id"]), reason="was another lot")
    do("operator", "operation.report", other, good=1, lot_id="B")
    do("quality", "lot.release", "S-1", reason="hard enough", **APPROVED)
    do("operator", "operation.report", operation, good=1)
    assert (status("S-1"), status("A"), status("B")) == ("unrestricted", "blocked", "unrestricted")
    do("quality", "hold.release", str(hold["id"]), reason="hard enough", **APPROVED)
    do("operator", "operation.report", operation, good=1, lot_id="A")


@on_both
def test_nothing_good_is_confirmed_under_a_hold_until_the_next_good_check() -> None:
    bore = plan()
    operation = running()
    do("operator", "operation.report", operation, good=5, lot_id="LOT-1")
    do("quality", "hold.create", equipment_id=LINE, reason="burrs")
    for lot in ({}, {"lot_id": "LOT-2"}):
        with pytest.raises(Exception, match=r"operation PO-1\.10 is under hold \d+: burrs; good parts are confirmed after a good check or a release"):
            do("operator", "operation.report", operation, good=1, **lot)
    do("operator", "operation.report", operation, scrap=1, cause_id="surface")
    check(bore, "10.2")
    assert Hold.objects.get().until_ts is None
    good = check(bore)
    assert Hold.objects.get().until_ts.isoformat().replace("+00:00", "Z") == good["at_ts"]
    do("operator", "operation.report", operation, good=1, lot_id="LOT-2")
    assert (status("LOT-1"), status("LOT-2")) == ("blocked", "unrestricted")


@on_both
def test_a_report_that_comes_late_is_judged_by_when_the_parts_were_made() -> None:
    bore = plan()
    operation = running()
    hold = do("quality", "hold.create", equipment_id=LINE, reason="burrs", since_ts=NOW + timedelta(seconds=1))
    check(bore)
    with pytest.raises(Exception, match="is under hold"):
        do("operator", "operation.report", operation, good=1, at_ts=hold["placed_ts"])
    do("operator", "operation.report", operation, good=1, at_ts=NOW)


@on_both
def test_a_lot_that_arises_where_a_hold_still_covers_is_under_it() -> None:
    plan()
    operation = running()
    hold = do("quality", "hold.create", operation_id=operation, reason="burrs")
    do("operator", "operation.consume", operation, lot_id=steel(), quantity=1, into_lot_id="LOT-9")
    assert covered(hold["id"]) == {"LOT-9": "since_last_good_check"}
    by_material = do("engineer", "hold.create", material_id="STEEL", since_ts=NOW, reason="wrong melt")
    received = do("planner", "lot.create", lot_id="S-2", material_id="STEEL", quantity=1, equipment_id=LINE)
    assert (received["status"], status("S-2")) == ("blocked", "blocked")
    assert covered(by_material["id"]).keys() == {"S-1", "S-2", "LOT-9"}


@on_sqlite
def test_an_order_that_is_held_keeps_its_own_lots_only() -> None:
    first = running()
    do("operator", "operation.report", first, good=1, lot_id="LOT-1")
    second = running("PO-2")
    do("operator", "operation.report", second, good=1, lot_id="LOT-2")
    hold = do("quality", "hold.create", order_id="PO-1", reason="wrong drawing")
    assert covered(hold["id"]).keys() == {"LOT-1"}
    assert hold["since_why"] == "no good check of anything is known"
    do("operator", "operation.report", second, good=1, lot_id="LOT-2")


@on_both
def test_a_lot_is_free_when_its_last_hold_is_released_by_two() -> None:
    steel()
    one, two = (do("quality", "hold.create", lot_id="S-1", reason=why) for why in ("hardness", "rust"))
    with pytest.raises(Exception, match=r"hold\.release is of class release_or_money: propose it"):
        do("quality", "hold.release", str(one["id"]), reason="measured again")
    do("quality", "hold.release", str(one["id"]), reason="measured again", **APPROVED)
    assert status("S-1") == "blocked"
    do("quality", "hold.release", str(two["id"]), reason="only film", **APPROVED)
    assert status("S-1") == "unrestricted"
    with pytest.raises(Exception, match="is released and cannot become released"):
        do("quality", "hold.release", str(two["id"]), reason="again", **APPROVED)


@on_both
def test_one_lot_is_let_out_of_every_hold_and_the_others_stay() -> None:
    steel(), steel("S-2")
    hold = do("engineer", "hold.create", material_id="STEEL", reason="wrong melt")
    do("quality", "hold.create", lot_id="S-1", reason="rust")
    do("quality", "lot.release", "S-1", reason="melt is right", **APPROVED)
    assert (status("S-1"), status("S-2")) == ("unrestricted", "blocked")
    with pytest.raises(Exception, match="lot S-1 is unrestricted and under no hold"):
        do("quality", "lot.release", "S-1", reason="again", **APPROVED)
    Grant.objects.filter(person="quality").update(scope="")  # a hold on a material is the whole enterprise's
    do("quality", "hold.release", str(hold["id"]), reason="sorted", **APPROVED)
    assert status("S-2") == "unrestricted"


@on_sqlite
def test_a_lot_goes_back_to_the_status_it_had_before_any_hold() -> None:
    steel()
    Lot.objects.update(status="quality_inspection")
    holds = [do("quality", "hold.create", lot_id="S-1", reason=why) for why in ("hardness", "rust")]
    for hold in holds:
        do("quality", "hold.release", str(hold["id"]), reason="fine", **APPROVED)
    assert status("S-1") == "quality_inspection"


@on_both
def test_a_good_check_by_a_gauge_that_then_fails_does_not_bound_a_hold() -> None:
    do("quality", "gauge.create", gauge_id="MIC-1", name="Micrometer", equipment_id=LINE, interval_days=365, due_ts=NOW + timedelta(days=9))
    bore = plan(gauge_id="MIC-1")
    operation = running()
    do("operator", "operation.report", operation, good=1, lot_id="LOT-1")
    good = check(bore)
    first = do("quality", "hold.create", equipment_id=LINE, reason="burrs")
    assert first["since_ts"] == good["at_ts"]
    do("quality", "gauge.calibrate", "MIC-1", passed=False)
    second = do("quality", "hold.create", equipment_id=LINE, reason="gauge was off")
    assert (second["since_ts"], second["since_why"]) == (None, f"no good check of bore at {LINE} is known")
    assert covered(second["id"]) == {"LOT-1": "since_last_good_check"}


@on_sqlite
def test_only_what_the_failed_check_looked_at_counts_as_good() -> None:
    bore, colour = plan(), plan(characteristic="colour", kind="attribute", lower=None, upper=None)
    good = check(bore)
    failed = check(bore, "11")
    check(bore)  # measured again until it fitted: bounds nothing
    do("operator", "inspection.create", plan_id=colour, nonconforming=0)
    hold = do("quality", "hold.create", inspection_id=failed["id"], reason="bore")
    assert (hold["equipment_id"], hold["characteristic"], hold["since_ts"]) == (LINE, "bore", good["at_ts"])
    with pytest.raises(Exception, match="passed; a hold is set off by a failed one"):
        do("quality", "hold.create", inspection_id=good["id"], reason="bore")


def hold_amid(work: Callable[[int], object], **held: str) -> tuple[dict[str, Any], str]:
    """Put a hold while somebody else works 25 times; the hold, and what the work was refused with, "" when it never was."""
    begun = threading.Event()

    def go_on() -> str:
        try:
            for n in range(25):
                work(n)
                if n == 4:
                    begun.set()
        except Exception as refusal:
            return str(refusal)
        finally:
            begun.set()
            connections.close_all()
        return ""

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(go_on)
        begun.wait(20)
        hold = do("quality", "hold.create", reason="hardness", **held)
        return hold, going.result()


@on_both
def test_a_hold_put_while_others_use_the_lot_misses_nothing_that_it_went_into() -> None:
    operation = running()
    use = {"lot_id": steel(), "quantity": 1}
    hold, said = hold_amid(lambda n: do("operator", "operation.consume", operation, **use, into_lot_id=f"L-{n}"), lot_id="S-1")
    made = set(Consumption.objects.values_list("into_lot_id", flat=True))
    assert len(made) >= 5
    assert set(covered(hold["id"])) == {"S-1", *made}
    assert set(Lot.objects.filter(pk__in=made).values_list("status", flat=True)) == {"blocked"}
    assert said == "" or said.startswith("lot S-1 is blocked and cannot be used")


@on_both
def test_a_hold_put_on_a_line_at_work_misses_nothing_that_was_reported() -> None:
    operation = running()
    hold, said = hold_amid(lambda n: do("operator", "operation.report", operation, good=1, lot_id=f"L-{n}"), equipment_id=LINE)
    made = set(Lot.objects.values_list("lot_id", flat=True))
    assert len(made) >= 5
    assert set(covered(hold["id"])) == made
    assert set(Lot.objects.values_list("status", flat=True)) == {"blocked"}
    assert said == "" or "is under hold" in said


@on_both
def test_who_may_not_hold_there_makes_none_and_a_hold_is_on_one_thing() -> None:
    steel()
    before = AuditEntry.objects.count()
    with pytest.raises(Exception, match=r"viewer may not hold\.create at"):
        do("viewer", "hold.create", lot_id="S-1", reason="x")
    with pytest.raises(Exception, match="there is no material STEEL"):
        do("operator", "hold.create", material_id="STEEL", reason="x")  # a right at the line is none in the enterprise
    with pytest.raises(Exception, match="there is no lot S-9"):
        do("quality", "hold.create", lot_id="S-9", reason="x")
    with pytest.raises(Exception, match="a hold is on one thing, not on nothing"):
        do("quality", "hold.create", reason="x")
    with pytest.raises(Exception, match="a hold is on one thing, not on lot_id, equipment_id"):
        do("quality", "hold.create", lot_id="S-1", equipment_id=M1, reason="x")
    assert (AuditEntry.objects.count(), Hold.objects.count()) == (before, 0)


def test_a_hold_reaches_back_to_the_earliest_of_the_last_good_checks() -> None:
    early, late = NOW, NOW + timedelta(hours=1)
    assert covered_since({("M1", "bore"): late, ("M1", "burr"): early}) == early
    assert covered_since({("M1", "bore"): late, ("M1", "burr"): None}) is None
    assert covered_since({}) is None


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=25)


@given(EDGES, st.sets(st.integers(0, 9), min_size=1, max_size=3))
def test_the_scope_is_what_a_walk_over_every_edge_finds(edges: list[tuple[int, int, bool]], start: set[int]) -> None:
    """Second computation: `scope` against a plain search over traced (True) and untraced edges together."""

    def over(lots: set[str], traced: bool) -> set[str]:
        return {str(b) for a, b, is_traced in edges if is_traced is traced and str(a) in lots}

    def made_of(lots: set[str]) -> set[str]:
        found: set[str] = set()
        while new := over(lots | found, True) - found:
            found |= new
        return found

    first = {str(lot) for lot in start}
    wanted, queue = set(first), list(first)
    while queue:
        here = queue.pop()
        for _, there, _ in (e for e in edges if str(e[0]) == here):
            if str(there) not in wanted:
                wanted.add(str(there))
                queue.append(str(there))
    found = scope(dict.fromkeys(first, Covered.DIRECT), made_of, lambda lots: over(lots, False))
    assert set(found) == wanted
    assert {lot for lot, why in found.items() if why is Covered.DIRECT} == first
