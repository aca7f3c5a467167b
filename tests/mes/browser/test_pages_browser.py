"""The pages in a real browser: a shift of an operator and a planner, the network away and back, both colour schemes, a tablet and a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from browser_help import sign_in
from django.contrib.sessions.models import Session
from record_plant import LINE, M1, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.production.models import Operation, Order, Production

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("record")]
OpenPage = Callable[..., Any]
LIMIT_BYTES = 300 * 1024
TOUCH_PX = 48
SMALL = """() => [...document.querySelectorAll('button, a.button, input:not([type=hidden]), select, summary, .tile')]
    .filter((each) => each.offsetParent && each.getBoundingClientRect().height < %d).map((each) => each.outerHTML.slice(0, 80))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def running(station: str = M1, quantity: int = 50) -> str:
    """An operation that runs at `station`."""
    do("planner", "material.create", material_id="G-7", description="Gear <b>housing</b>")
    do("engineer", "routing_step.create", material_id="G-7", number=10, equipment_id=station, planned_run_s=24.0)
    key = order("PO-7", quantity=quantity, material="G-7")
    do("operator", "operation.start", key)
    return key


def test_a_shift_of_a_planner_and_an_operator(open_page: OpenPage) -> None:
    do("planner", "material.create", material_id="G-7")
    planner = open_page("planner")
    planner.goto("/orders/")
    planner.click("text=New order")
    planner.fill("#f-order_id", "PO-1")
    planner.fill("#f-material_id", "G-7")
    planner.fill("#f-quantity", "1,000")
    planner.fill("#f-line_id", LINE)
    planner.click("button:has-text('Create order')")
    assert "quantity" in planner.inner_text("[role=alert]")
    planner.fill("#f-quantity", "10")
    planner.click("button:has-text('Create order')")
    planner.click("a.button:has-text('Release')")
    planner.click("button:has-text('Release order')")
    planner.wait_for_selector("h1 .s-released")

    operator = open_page("operator")
    operator.goto(f"/terminals/{LINE}/")
    operator.keyboard.type("PO-1")  # a scanner types into the field that has the focus, and ends with Enter
    operator.keyboard.press("Enter")
    operator.click("button:has-text('Start PO-1.10')")
    operator.wait_for_url(f"**/terminals/{LINE}/")
    operator.click("button:has-text('+5')")
    operator.wait_for_selector("[role=status]:has-text('5 good reported')")
    operator.click("summary:has-text('Scrap')")
    operator.click("button:has-text('Leak test failed')")
    operator.wait_for_selector("[role=status]:has-text('1 scrap reported')")
    operator.click("button:has-text('Complete')")
    operator.wait_for_selector("text=Nothing runs here")
    done = Operation.objects.get(pk="PO-1.10")
    assert (done.good, done.scrap, done.state) == (5, 1, "completed")

    planner.reload()
    planner.click("a.button:has-text('Close')")
    planner.click("button:has-text('Close order')")
    planner.wait_for_selector("h1 .s-closed")
    assert Order.objects.get(pk="PO-1").state == "closed"
    assert set(AuditEntry.objects.exclude(action="material.create").values_list("via", flat=True)) == {"page"}


def test_what_is_entered_without_network_is_sent_once_when_it_is_back(open_page: OpenPage) -> None:
    key = running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    page.context.set_offline(True)
    for button in ("+1", "+5"):
        page.click(f"button:has-text('{button}')")
        page.wait_for_function("() => ![...document.querySelectorAll('form[data-queue] button')].some((each) => each.disabled)")
    page.click("summary:has-text('Scrap')")
    page.click("button:has-text('Leak test failed')")
    page.wait_for_selector("#queue:has-text('3 waiting to be sent')")
    assert Production.objects.count() == 0
    page.context.set_offline(False)
    page.wait_for_selector("#queue", state="hidden", timeout=15_000)
    done = Operation.objects.get(pk=key)
    assert (done.good, done.scrap, Production.objects.count()) == (6, 1, 3)
    page.reload()
    page.wait_for_timeout(500)
    assert Production.objects.count() == 3


def test_an_answer_that_is_lost_is_no_second_booking_and_a_refusal_is_kept_to_be_read(open_page: OpenPage) -> None:
    key = running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    lost = []

    def lose(route: Any) -> None:
        if not lost:
            lost.append(route.fetch())  # the server books it, the tablet never hears of it
            route.abort()
        else:
            route.continue_()

    page.route("**/report/**", lose)
    page.click("button:has-text('+10')")
    page.wait_for_selector("#queue:has-text('1 waiting')")
    page.wait_for_selector("#queue", state="hidden", timeout=15_000)
    assert (len(lost), Operation.objects.get(pk=key).good, Production.objects.count()) == (1, 10, 1)
    page.fill("#good", "1,000")
    page.click("button:has-text('Report')")
    page.wait_for_selector("#queue:has-text('operation.report: good')")
    page.click("#queue button:has-text('Dismiss')")
    page.wait_for_selector("#queue", state="hidden")


def test_an_entry_of_another_person_waits_for_them(open_page: OpenPage) -> None:
    key = running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    page.route("**/report/**", lambda route: route.abort())
    page.click("button:has-text('+1')")
    page.wait_for_selector("#queue:has-text('1 waiting')")
    page.unroute("**/report/**")
    page.click("text=Sign out")
    sign_in(page, "planner")
    page.goto(f"/terminals/{M1}/")
    page.wait_for_selector("#queue:has-text('made by operator, who has to sign on')")
    page.wait_for_timeout(300)
    assert Production.objects.count() == 0
    page.click("text=Sign out")
    sign_in(page, "operator")
    page.goto(f"/terminals/{M1}/")
    page.wait_for_selector("#queue", state="hidden", timeout=15_000)
    assert Operation.objects.get(pk=key).good == 1


def test_the_board_follows_without_a_click(open_page: OpenPage) -> None:
    key = running()
    page = open_page("viewer")
    page.goto(f"/boards/{LINE}/")
    assert "0 of 50 good" in page.inner_text("#live")
    do("operator", "operation.report", key, good=7)
    page.wait_for_selector("#live:has-text('7 of 50 good')", timeout=10_000)


def test_a_page_whose_session_has_ended_goes_to_the_sign_in(open_page: OpenPage) -> None:
    page = open_page("viewer")
    page.goto(f"/boards/{LINE}/")
    Session.objects.all().delete()
    page.wait_for_url("**/login", timeout=10_000)


@pytest.mark.parametrize(("scheme", "width", "height"), [("light", 1024, 768), ("dark", 390, 844)])
def test_every_page_fits_the_screen_and_the_finger(open_page: OpenPage, scheme: str, width: int, height: int) -> None:
    running()
    do("planner", "lot.create", lot_id="L" * 60, material_id="G-7", quantity=1, equipment_id=LINE)
    for role in ("planner", "operator", "engineer"):
        do("admin", "grant.create", person_id="admin", role=role)
    page = open_page("admin", viewport={"width": width, "height": height}, color_scheme=scheme)
    weight: list[int] = []
    page.on("requestfinished", lambda request: weight.append(request.sizes()["responseBodySize"]))
    pages = (
        "/",
        f"/terminals/{M1}/",
        f"/boards/{LINE}/",
        "/orders/",
        "/orders/PO-7",
        "/actions/order.create/",
        "/materials/G-7",
        "/lots/",
        f"/lots/{'L' * 60}",
    )
    more = (
        "/records/",
        "/records/operations/",
        "/people/",
        "/people/operator",
        "/tokens/erp",
        "/tablets/",
        "/approvals/",
        "/audit/",
        "/no/such/page",
    )
    for where in (*pages, *more):
        weight.clear()
        page.goto(where)
        assert page.evaluate(TOO_WIDE) <= 0, where
        assert page.evaluate(SMALL % TOUCH_PX) == [], where
        assert sum(weight) < LIMIT_BYTES, where
