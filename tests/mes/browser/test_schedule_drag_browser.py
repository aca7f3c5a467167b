"""A planner moves bars of the plan in a browser: with the mouse and the keyboard, judged at once, undone, and proposed only when asked to."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from record_plant import LINE, M1, M2, M3
from schedule_plant import HOUR, accept, entry, orders, propose

from factolake.mes.scheduling.models import ScheduleEntry, ScheduleVersion

OpenPage = Callable[..., Any]
PAGE = f"/schedules/{LINE}/?span=8h"


@pytest.fixture(autouse=True)
def always_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shifts, so that the hour of the day a test runs at does not matter."""
    monkeypatch.setattr("factolake.mes.scheduling.situation.pauses", lambda *_: [])


def at(operation: str, machine: str, hours: float) -> dict[str, Any]:
    """An entry so many hours from the next full one."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + (1 + hours) * HOUR
    return {**entry(operation, machine, 0), "planned_start_ts": start.isoformat(), "planned_end_ts": (start + HOUR).isoformat()}


def bar(page: Any, operation: str) -> Any:
    return page.locator(f"#drawing [data-op='{operation}']")


def said(page: Any, look: str) -> str:
    page.wait_for_selector(f"[data-part=verdict].{look}")
    return str(page.locator("[data-part=verdict]").inner_text())


def drag(page: Any, operation: str, hours: float = 0, rows: int = 0) -> None:
    """Take the bar in its middle, and let go so much later and so many machines lower."""
    box, svg = bar(page, operation).locator("path").bounding_box(), page.locator("#drawing svg")
    px_per_hour = svg.evaluate("(each) => each.getBoundingClientRect().width / each.viewBox.baseVal.width * (1192 - 136) / 8")
    height = svg.evaluate("(each) => each.getBoundingClientRect().width / each.viewBox.baseVal.width * 40")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + hours * px_per_hour / 2, y + rows * height / 2)
    page.mouse.move(x + hours * px_per_hour, y + rows * height)
    page.mouse.up()


@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_a_planner_drags_is_told_undoes_and_proposes(open_page: OpenPage) -> None:
    orders("PO-1", "PO-2")
    accept(propose(at("PO-1.10", M1, 0), at("PO-1.20", M2, 1), at("PO-2.10", M1, 2)))
    page = open_page("planner")
    page.goto(PAGE)
    page.wait_for_selector("#moving:not([hidden])")
    place = bar(page, "PO-2.10").locator("path").get_attribute("d")
    drag(page, "PO-2.10", hours=-1.5)
    assert "PO-1.10" in said(page, "bad")
    assert "wrong" in bar(page, "PO-2.10").get_attribute("class")
    assert page.locator("[data-part=propose]").is_disabled()
    page.keyboard.press("Control+z")
    page.wait_for_selector("text=Nothing is moved.")
    assert bar(page, "PO-2.10").locator("path").get_attribute("d") == place
    page.click("[data-part=redo]")
    said(page, "bad")
    drag(page, "PO-2.10", hours=0.5, rows=2)
    said(page, "good")
    assert "right" in bar(page, "PO-2.10").get_attribute("class")
    assert ScheduleVersion.objects.count() == 1
    page.fill("#moving-why", "M1 is wanted for a trial")
    page.click("[data-part=propose]")
    page.wait_for_selector("#proposal >> text=M1 is wanted for a trial")
    moved = ScheduleEntry.objects.get(schedule__state="proposed")
    assert (moved.operation_id, moved.equipment_id, moved.before_equipment_id) == ("PO-2.10", M3, M1)
    assert page.locator("#moving").count() == 0
    page.click("#proposal button:has-text('Accept')")
    page.wait_for_selector("text=Nothing is moved.")


@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_a_finger_moves_a_bar_and_the_drawing_may_be_renewed_meanwhile(open_page: OpenPage) -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 1)))
    page = open_page("planner")
    page.goto(PAGE)
    page.wait_for_selector("#moving:not([hidden])")
    box = bar(page, "PO-1.10").locator("path").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    for kind, points in (("touchStart", [(x, y)]), ("touchMove", [(x + 60, y)]), ("touchMove", [(x + 120, y)]), ("touchEnd", [])):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})
    said(page, "good")
    moved = bar(page, "PO-1.10").locator("path").get_attribute("d")
    page.evaluate("htmx.ajax('GET', document.getElementById('drawing').getAttribute('hx-get'), '#drawing')")
    page.wait_for_function("document.querySelector('#drawing .right')")
    assert bar(page, "PO-1.10").locator("path").get_attribute("d") == moved
    assert page.locator("#drawing .was").count() == 1


@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_arrow_keys_move_the_focused_bar_and_a_run_of_them_is_one_step(open_page: OpenPage) -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 1)))
    page = open_page("planner")
    page.goto(PAGE)
    page.wait_for_selector("#moving:not([hidden])")
    bar(page, "PO-1.10").focus()
    before = page.locator("[data-part=list]").inner_text()
    for pressed in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        page.keyboard.press(pressed)
    said(page, "good")
    assert before == ""
    assert re.search(rf"PO-1\.10: {M2}, \w+ \d\d:10 to ", page.locator("[data-part=list]").inner_text())
    page.goto("/schedules/L1/?span=week")
    assert "PO-1.10" in page.locator("[data-part=list]").inner_text(), "what is moved stays moved when another time is shown"
    page.keyboard.press("Control+z")
    page.wait_for_selector("text=Nothing is moved.")
    assert page.locator("[data-part=undo]").is_disabled()
    assert ScheduleVersion.objects.count() == 1


@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_who_may_not_plan_and_who_has_no_script_see_the_plan_as_it_is(open_page: OpenPage) -> None:
    orders("PO-1")
    accept(propose(at("PO-1.10", M1, 1)))
    page = open_page("viewer")
    page.goto(PAGE)
    assert bar(page, "PO-1.10").count() == page.locator("#moving").count() == 0
    page = open_page("planner", java_script_enabled=False)
    page.goto(PAGE)
    assert not page.locator("#moving").is_visible()
    assert page.locator(".gantt a").count() == 1
