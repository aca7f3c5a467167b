"""The pages in a real browser: a shift of an operator and a planner, the network away and back, both colour schemes, a tablet and a phone."""

import io
import re
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
import zxingcpp
from browser_help import sign_in
from django.contrib.sessions.models import Session
from django.utils import timezone
from PIL import Image
from record_plant import LINE, M1, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.production.models import Operation, Order, Production

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("record")]
OpenPage = Callable[..., Any]
KEPT = "async (places) => (await Promise.all(places.map((place) => caches.match(place)))).every(Boolean)"
"""Whether the tablet keeps all of these for a reload without network."""


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


def test_a_page_that_was_long_on_its_way_reports_nothing_from_the_future(open_page: OpenPage) -> None:
    key = running()
    page = open_page("operator")

    def slowly(route: Any) -> None:
        answer = route.fetch()
        page.wait_for_timeout(2_500)
        route.fulfill(response=answer)

    page.route(f"**/terminals/{M1}/", slowly)
    page.goto(f"/terminals/{M1}/")
    page.unroute(f"**/terminals/{M1}/")
    page.click("button:has-text('+5')")
    page.wait_for_selector("[role=status]:has-text('5 good reported')")
    assert Operation.objects.get(pk=key).good == 5


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


def wait_until_kept(page: Any, *places: str) -> None:
    for _ in range(100):
        if page.evaluate(KEPT, list(places)):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{places} are not kept")


def test_a_terminal_that_is_reloaded_without_network_still_works_and_sends_once(open_page: OpenPage, outage: Event) -> None:
    key = running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    wait_until_kept(page, f"/terminals/{M1}/", "/static/pages/terminal.js")
    outage.set()
    page.reload()
    page.wait_for_selector("#away:has-text('No network')")
    page.click("button:has-text('+5')")
    page.wait_for_selector("#queue:has-text('1 waiting to be sent')")
    page.reload()
    page.wait_for_selector("#queue:has-text('5 good parts of PO-7.10')")
    page.fill("#code", key)
    page.press("#code", "Enter")  # a scan gets the terminal again, not the browser's page of a dinosaur
    page.wait_for_selector("#queue:has-text('1 waiting to be sent')")
    assert Production.objects.count() == 0
    outage.clear()
    page.wait_for_selector("#queue", state="hidden", timeout=15_000)
    page.wait_for_selector("#away", state="hidden")
    assert [(each.good, each.operation_id) for each in Production.objects.all()] == [(5, key)]
    assert Production.objects.get().at_ts <= timezone.now()
    page.reload()
    page.wait_for_timeout(500)
    assert Production.objects.count() == 1


def test_a_terminal_reloaded_without_network_knows_how_late_it_is(open_page: OpenPage, outage: Event) -> None:
    running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    wait_until_kept(page, f"/terminals/{M1}/")
    then = int(page.get_attribute("#terminal", "data-now"))
    outage.set()
    page.wait_for_timeout(2100)
    page.reload()
    page.wait_for_selector("#terminal[data-kept]", state="attached")
    assert 2_000 <= int(page.get_attribute("#terminal", "data-now")) - then <= 60_000


def test_a_kept_terminal_comes_back_by_itself_but_not_while_somebody_types(open_page: OpenPage, outage: Event) -> None:
    running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    wait_until_kept(page, f"/terminals/{M1}/", "/static/pages/terminal.js")
    outage.set()
    page.reload()
    page.fill("#good", "7")
    outage.clear()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(6_000)
    assert page.input_value("#good") == "7"
    page.fill("#good", "")
    page.wait_for_selector("#away", state="hidden", timeout=15_000)


def test_a_start_and_a_completion_told_without_network_are_of_when_they_were_told(open_page: OpenPage, outage: Event) -> None:
    do("planner", "material.create", material_id="G-7")
    do("engineer", "routing_step.create", material_id="G-7", number=10, equipment_id=M1, planned_run_s=24.0)
    key = order("PO-7", quantity=5, material="G-7")
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    outage.set()
    page.click(f"li:has-text('{key}') button:has-text('Start')")
    page.wait_for_selector("#queue:has-text('1 waiting to be sent')")
    told_ts = timezone.now()
    page.wait_for_timeout(2_000)
    outage.clear()
    page.wait_for_selector("#queue", state="hidden", timeout=15_000)
    page.wait_for_selector("button:has-text('Complete')")
    outage.set()
    page.click("button:has-text('Complete')")
    page.wait_for_selector("#queue:has-text('1 waiting to be sent')")
    done_ts = timezone.now()
    page.wait_for_timeout(2_000)
    outage.clear()
    page.wait_for_selector("#queue", state="hidden", timeout=15_000)
    done = Operation.objects.get(pk=key)
    assert done.state == "completed" and done.actual_start_ts < told_ts < done.actual_end_ts < done_ts


def test_nobody_finds_the_terminal_of_who_signed_out(open_page: OpenPage) -> None:
    running()
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    wait_until_kept(page, f"/terminals/{M1}/")
    page.click("text=Sign out")
    page.wait_for_url("**/login")
    for _ in range(50):
        if not page.evaluate(KEPT, [f"/terminals/{M1}/"]):
            return
        page.wait_for_timeout(100)
    pytest.fail("the terminal is still kept")


def test_a_value_beyond_its_limits_is_marked_while_it_is_typed(open_page: OpenPage) -> None:
    values = {"characteristic": "bore", "kind": "variable", "lower": "9.5", "upper": "10.5", "sampled_per": "parts", "sample_size": 2}
    do("quality", "inspection_plan.create", equipment_id=M1, **values)
    page = open_page("quality")
    page.goto("/quality/")
    page.click("a:has-text('Check')")
    page.fill("input[data-upper] >> nth=0", "10,6")
    page.wait_for_selector("output:has-text('above 10.5')")
    assert page.get_attribute("input[data-upper] >> nth=0", "aria-invalid") == "true"
    page.fill("input[data-upper] >> nth=0", "10,5")
    page.wait_for_selector("input[data-upper]:not([aria-invalid]) >> nth=1", state="attached")
    page.fill("input[data-upper] >> nth=1", "9.9")
    page.click("button:has-text('Book the checks')")
    page.wait_for_selector("[role=status]:has-text('bore: passed.')")


def test_both_codes_of_a_label_are_read_off_the_screen_and_taken_by_the_terminal(open_page: OpenPage) -> None:
    running()
    do("planner", "lot.create", lot_id="S-4711", material_id="G-7", quantity=10, equipment_id=LINE)
    page = open_page("planner")
    page.goto("/lots/S-4711")
    page.click("main a:has-text('Label')")
    picture = Image.open(io.BytesIO(page.locator(".label").screenshot())).convert("L")
    read = {str(each.format): each.text for each in zxingcpp.read_barcodes(picture)}
    assert read == {"QR Code": "S-4711", "Data Matrix": "S-4711"}
    page.goto(f"/terminals/{M1}/")
    page.keyboard.type(read["Data Matrix"])
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('Use lot S-4711')")
    printed = page.context.new_page()
    printed.goto("/labels/?kind=lot&keys=S-4711&copies=3")
    assert len(re.findall(rb"/Type\s*/Page\b", printed.pdf(prefer_css_page_size=True))) == 3
    printed.goto("/labels/?kind=lot&keys=S-4711&copies=9&layout=sheet")
    assert len(re.findall(rb"/Type\s*/Page\b", printed.pdf(prefer_css_page_size=True))) == 2
