"""The schedule in a browser: a change rejected and the rest accepted with a tap each, another operation started in two, a new plan asked for."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from lived_record import lake_rows
from mes_rows import make_row
from record_plant import LINE, M1, M2, M3, do
from schedule_plant import HOUR, accept, entry, orders, planned, propose
from test_every_page_browser import faults

from factolake.contracts.ops import PLANS
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.models import ScheduleDeviation, ScheduleRequest

OpenPage = Callable[..., Any]


def at(operation: str, machine: str, hours: int) -> dict[str, Any]:
    """An entry so many hours from now."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + hours * HOUR
    return {**entry(operation, machine, 0), "planned_start_ts": start.isoformat(), "planned_end_ts": (start + HOUR).isoformat()}


def test_a_planner_decides_and_an_operator_deviates_in_a_few_taps(open_page: OpenPage) -> None:
    orders("PO-1", "PO-2")
    accept(propose(at("PO-1.10", M1, 1), at("PO-2.10", M1, 3)))
    propose(at("PO-1.10", M3, 1), at("PO-2.10", M1, 2), by="erp")
    page = open_page("planner")
    page.goto(f"/schedules/{LINE}/")
    assert page.locator(".gantt").count() == 2
    page.click("button[aria-label='Reject the change of PO-1.10']")
    page.wait_for_selector("tr.gone >> text=PO-1.10")
    page.click("#proposal button:has-text('Accept')")
    page.wait_for_selector("text=Accept done", state="attached")
    assert page.locator("#proposal").count() == 0
    assert [place[:2] for place in planned("PO-1.10", "PO-2.10")] == [(M1, 1), (M1, 2)]
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    page.click("summary:has-text('Start instead')")
    page.click("button:has-text('Urgent order')")
    page.wait_for_selector("text=PO-2.10 runs")
    assert ScheduleDeviation.objects.get().reason == "Urgent order"


@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_the_proposal_after_a_breakdown_is_understood_changed_accepted_and_undone(open_page: OpenPage, record: str) -> None:
    orders("PO-1", "PO-2")
    accept(propose(at("PO-1.10", M1, 0), at("PO-2.10", M1, 1), at("PO-2.20", M2, 2)))
    do("operator", "operation.start", "PO-1.10", at=timezone.now())
    propose({**at("PO-2.10", M3, 1), "why": "L1-M1 is down"}, {**at("PO-2.20", M2, 3), "why": "Its step before moves"}, by="erp", source_id="L1-9")
    way = {
        "operation": "PO-1.10",
        "equipment": M1,
        "kind": "wait",
        "to": "",
        "says": "PO-1.10 waits at L1-M1",
        "then": "1 order late",
        "is_taken": True,
    }
    ways = [way, {**way, "kind": "elsewhere", "to": M3, "says": "the rest is moved to L1-M3", "then": "no order is late", "is_taken": False}]
    ways.append({**way, "kind": "scrap", "says": "PO-1.10 ends with the 0 that it made", "is_taken": False})
    said = {"ways": json.dumps(ways), "hindsight": "Had the stop been known at 13:05, one order saved: PO-2."}
    lake_rows(record, PLANS.name, [make_row(PLANS, line=LINE, plan_id="L1-9", started_ts=timezone.now(), status="feasible", **said)])
    page = open_page("planner", reduced_motion="reduce")
    page.goto(f"/schedules/{LINE}/")
    assert page.locator("#hindsight").inner_text() == said["hindsight"]
    for drawing in (0, 1):  # before and after
        page.locator(".gantt").nth(drawing).locator("a.moved, a", has_text="PO-2.10").first.click()
        assert "L1-M1 is down" in page.locator("tr:target").inner_text()
    page.locator("button[aria-label='Reject the change of PO-2.20']").click()
    page.wait_for_selector("tr.gone >> text=PO-2.20")
    assert page.locator("tr.gone").count() == 1, "what does not depend on it stays"
    page.click("#proposal button:has-text('Accept')")
    page.wait_for_selector("text=Accept done", state="attached")
    assert [place[:2] for place in planned("PO-2.10")] == [(M3, 1)]
    page.click("a:has-text('Undo')")
    page.fill("main [name=reason]", "M1 runs again")
    page.click("main button.main")
    page.wait_for_selector("text=Undo done", state="attached")
    assert planned("PO-2.10")[0][0] == M1
    propose(at("PO-2.20", M2, 4), by="erp", source_id="L1-10")
    lake_rows(record, PLANS.name, [make_row(PLANS, line=LINE, plan_id="L1-10", started_ts=timezone.now(), status="feasible", **said)])
    page.goto(f"/schedules/{LINE}/")
    assert page.locator(".ways tr >> text=this plan").count() == 1
    page.click("[aria-label='Make the rest of PO-1.10 at L1-M3']")
    page.wait_for_selector("text=The rest of PO-1.10 is made at L1-M3", state="attached")
    assert (Operation.objects.get(pk="PO-1.10-1").equipment_id, Operation.objects.get(pk="PO-1.10").state) == (M3, "completed")
    assert ScheduleRequest.objects.get().why == "the rest of PO-1.10 is made at L1-M3"
    assert list(faults(page, f"/schedules/{LINE}/")) == []


@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_an_operator_asks_for_a_new_plan_and_lands_where_it_says_so(open_page: OpenPage, record: str) -> None:
    orders("PO-1")
    told = "no plan is possible, the one before stays: " + "PO-1.10 needs M1 before it is free again. " * 9
    failed = {"status": "infeasible", "why": "PO-1 has no place in it yet", "told": told}
    lake_rows(record, PLANS.name, [make_row(PLANS, line=LINE, plan_id="L1-1", started_ts=timezone.now(), **failed)])
    page = open_page("operator", reduced_motion="reduce")
    page.goto(f"/schedules/{LINE}/")
    page.fill("#ask-why", "steel comes at noon")
    page.click("#planner button")
    page.wait_for_url(f"**/schedules/{LINE}/#planner")
    assert "asked for by Operator" in page.locator("#planner .note").inner_text()
    assert page.locator("#planner .note").bounding_box()["y"] < page.viewport_size["height"]
    assert list(faults(page, f"/schedules/{LINE}/")) == []
