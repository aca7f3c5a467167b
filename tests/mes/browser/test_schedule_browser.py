"""The schedule in a browser: a change rejected and the rest accepted with a tap each, another operation started in two, a new plan asked for."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from lived_record import lake_rows
from mes_rows import make_row
from record_plant import LINE, M1, M3
from schedule_plant import HOUR, accept, entry, orders, planned, propose
from test_every_page_browser import faults

from factolake.contracts.ops import PLANS
from factolake.mes.scheduling.models import ScheduleDeviation

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
