"""A whole shift as its people do it, each in a browser of their own, on both databases: plan, work, breakdown, quality, approval, shipping, audit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pages_client import PASSWORD
from record_plant import LINE, M1, M2, NOW, do

from factolake.mes.audit.verify import verify
from factolake.mes.maintenance.models import MaintenanceOrder
from factolake.mes.maintenance.seed import seed as seed_codes
from factolake.mes.production.models import Lot, Operation, Order, Shipment
from factolake.mes.quality.models import Hold

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("record")]
OpenPage = Callable[..., Any]
FIRST, SECOND = "PO-7.10", "PO-8.10"
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def plant_data() -> None:
    """What was there before the shift: failure codes, a material with its routing, a check that holds."""
    seed_codes(NOW)
    do("planner", "material.create", material_id="G-7", description="Gear housing")
    do("engineer", "routing_step.create", material_id="G-7", number=10, equipment_id=M1, planned_run_s=24.0)
    check = {"characteristic": "bore", "kind": "variable", "lower": "9.5", "upper": "10.5", "sampled_per": "parts", "sample_size": 1}
    do("quality", "inspection_plan.create", equipment_id=M1, holds_on_failure=True, **check)


def press(page: Any, text: str) -> None:
    """A button that sends its form and leads on."""
    with page.expect_navigation():
        page.click(f"main button:has-text('{text}')")


def enter(operator: Any, text: str, told: str) -> None:
    """A button of the terminal, which stays and tells what was booked."""
    operator.click(f"main button:has-text('{text}')")
    operator.wait_for_selector(f"[role=status]:has-text('{told}')")


def plans_and_releases(planner: Any) -> None:
    for order_id in ("PO-7", "PO-8"):
        planner.goto("/orders/")
        planner.click("text=New order")
        for name, value in {"order_id": order_id, "material_id": "G-7", "quantity": "20", "line_id": LINE, "customer": "Nordwerk"}.items():
            planner.fill(f"#f-{name}", value)
        press(planner, "Create order")
        planner.click("a.button:has-text('Release')")
        press(planner, "Release order")
        planner.wait_for_selector("h1 .s-released")


def accepts_the_schedule(planner: Any) -> None:
    """The planner's software proposes PO-8 on the second machine; the planner looks at both plans and accepts."""
    now = timezone.now().replace(microsecond=0)
    places = ((FIRST, M1, now + timedelta(minutes=5)), (SECOND, M2, now + timedelta(minutes=6)))
    entries = [
        {"operation_id": key, "equipment_id": machine, "planned_start_ts": start.isoformat(), "planned_end_ts": (start + HALF_AN_HOUR).isoformat()}
        for key, machine, start in places
    ]
    do("erp", "schedule.create", line_id=LINE, entries=entries, reason="PO-8 would be late on one machine")
    planner.goto(f"/schedules/{LINE}/")
    planner.wait_for_selector("#proposal:has-text('PO-8 would be late')")
    planner.click("#proposal button:has-text('Accept')")
    planner.wait_for_selector("#proposal", state="detached")
    assert Operation.objects.get(pk=SECOND).equipment_id == M2


def works(operator: Any) -> None:
    operator.goto(f"/terminals/{M1}/")
    press(operator, "Start")
    operator.fill("#good", "12")
    operator.fill("#lot_id", "LOT-7")
    enter(operator, "Report", "12 good reported")
    operator.click("summary:has-text('Scrap')")
    enter(operator, "Out of dimension", "1 scrap reported")


def calls_the_fitter(operator: Any, maintenance: Any) -> None:
    operator.click("summary:has-text('Call for help')")
    press(operator, "It stands still")
    maintenance.goto("/alerts/")
    maintenance.wait_for_selector("text=Please come and look")
    maintenance.goto("/maintenance/")
    press(maintenance, "Accept")
    maintenance.goto("/maintenance/")
    tap(maintenance, "working")
    tap(maintenance, "repaired")
    tap(maintenance, "proven")
    maintenance.click("text=Say what failed")
    assert maintenance.get_attribute("#l-mode_id option[value='mode.BRD']", "value")  # offered by name
    assert not maintenance.query_selector("#l-mode_id option[value^='mechanism.']")
    maintenance.fill("#f-mode_id", "mode.BRD")
    maintenance.fill("#f-finding", "Belt off its wheel")
    press(maintenance, "Diagnose")
    maintenance.goto("/maintenance/")
    tap(maintenance, "closed")


def tap(page: Any, state: str) -> None:
    """The one button of the order's next step, which brings it to `state`."""
    with page.expect_navigation():
        page.locator("main .order form.tap button").first.click()
    assert MaintenanceOrder.objects.get().state == state


def a_check_fails_and_holds(quality: Any) -> None:
    quality.goto("/quality/")
    quality.click("a:has-text('Check')")
    quality.fill("#lot_id", "LOT-7")
    quality.fill("input[data-upper]", "10.9")
    press(quality, "Book the checks")
    quality.wait_for_selector("text=failed")
    quality.goto("/quality/")
    quality.click("table a:has-text('Hold ')")
    assert "LOT-7" in quality.inner_text("main")
    quality.click("a:has-text('Release all of it')")
    quality.fill("#f-reason", "Measured again with the master gauge: 10.4")
    press(quality, "Ask for approval")
    assert Hold.objects.get().state == "open"


def is_refused_while_held(operator: Any) -> None:
    operator.goto(f"/terminals/{M1}/")
    operator.click("main button:has-text('+1')")
    operator.wait_for_selector("#queue:has-text('hold')")
    operator.click("#queue button:has-text('Dismiss')")
    operator.wait_for_selector("#queue", state="hidden")


def two_others_let_it_go(quality2: Any, approver: Any) -> None:
    for page in (quality2, approver):
        page.goto("/approvals/")
        page.click("a:has-text('Approve')")
        page.fill("input[type=password]", PASSWORD)
        press(page, "Approve")
    approver.goto("/approvals/")
    approver.click("a:has-text('Execute')")
    press(approver, "Execute")
    assert Hold.objects.get().state == "released"
    assert Lot.objects.get(pk="LOT-7").status == "unrestricted"


def finishes_and_ships(operator: Any, planner: Any) -> None:
    operator.goto(f"/terminals/{M1}/")
    enter(operator, "+1", "1 good reported")
    press(operator, "Complete")
    operator.wait_for_selector("text=Nothing runs here")
    planner.goto("/lots/LOT-7")
    planner.click("a.button:has-text('Ship')")
    press(planner, "Ship lot")
    planner.goto("/orders/PO-7")
    planner.click("a.button:has-text('Close')")
    press(planner, "Close order")
    planner.wait_for_selector("h1 .s-closed")


def test_a_whole_shift(open_page: OpenPage, plant_data: None) -> None:
    planner, operator = open_page("planner"), open_page("operator")
    plans_and_releases(planner)
    accepts_the_schedule(planner)
    works(operator)
    calls_the_fitter(operator, open_page("maintenance"))
    quality = open_page("quality")
    a_check_fails_and_holds(quality)
    is_refused_while_held(operator)
    two_others_let_it_go(open_page("quality2"), open_page("approver"))
    finishes_and_ships(operator, planner)

    done, shipped = Operation.objects.get(pk=FIRST), Shipment.objects.get()
    assert (done.good, done.scrap, done.state, Order.objects.get(pk="PO-7").state) == (13, 1, "completed", "closed")
    assert (shipped.lot_id, shipped.quantity, shipped.customer) == ("LOT-7", 12, "Nordwerk")
    planner.goto("/recall/LOT-7")
    assert "Nordwerk" in planner.inner_text("main")
    assert verify().is_sound
    sign_in_again = open_page("viewer")
    sign_in_again.goto(f"/boards/{LINE}/")
    assert "Housing loader" in sign_in_again.inner_text("main")
