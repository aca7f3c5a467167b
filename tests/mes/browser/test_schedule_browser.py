"""The schedule in a browser: a change rejected and the rest accepted with a tap each, and another operation started in two."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from record_plant import LINE, M1, M3
from schedule_plant import HOUR, accept, entry, orders, planned, propose

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
