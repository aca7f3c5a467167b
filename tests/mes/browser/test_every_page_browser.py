"""Every page as each role that sees it: accessible after axe-core in light and dark, no wider than a phone, nothing smaller than a finger, light.

Pages come from the list of addresses, so that a new one is looked at without a word here.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_help import TABLET
from lived_record import live
from pages_client import Pages, text
from test_pages import address as address_of
from test_rights import rows  # noqa: F401  a row of everything

from factolake.domain.action import Role
from factolake.mes.pages.urls import urlpatterns
from factolake.mes.people.models import Grant
from factolake.mes.quality.models import InspectionPlan
from factolake.mes.signals.models import MachineAlert

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Any]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RUN = """async (rules) => {
    const found = await axe.run(document, rules.length ? {runOnly: rules} : {});
    return found.violations.filter((each) => ['serious', 'critical'].includes(each.impact))
        .map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
}"""
LIMIT_BYTES = 300 * 1024
TOUCH_PX = 48
PHONE = {"width": 390, "height": 844}
SMALL = """() => [...document.querySelectorAll('button, a.button, input:not([type=hidden]), select, summary.key, .tile')]
    .filter((each) => each.offsetParent && each.getBoundingClientRect().height < %d).map((each) => each.outerHTML.slice(0, 80))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
ALWAYS_REDIRECTED = 7
"""Sign-on and setup, which are closed here, and lists of one or rows with a page of their own, which lead on."""
NOT_PAGES = frozenset({"terminal_worker", "report", "logout", "bell", "try_changes", "choose_way"})
"""Addresses that answer with no page: a script, targets of buttons, the way out, and a part of a page."""


def addresses() -> Iterator[str]:
    """Every address that answers with a page, and pages of one address that look different."""
    yield from (address_of(pattern) for pattern in urlpatterns if pattern.name not in NOT_PAGES)
    bore = InspectionPlan.objects.get(characteristic="Bore diameter").pk
    yield from ("/terminals/L1-M1/", "/boards/L1/", f"/quality/charts/{bore}", "/quality/checks/L1-M1/", "/orders/PO-1001", "/lots/L-1001-A")
    yield from ("/labels/?kind=lot&keys=L-1001-A&layout=sheet", "/labels/?kind=lot&keys=none", "/actions/inspection_plan.create/")
    grave = MachineAlert.objects.get(severity="high").pk
    yield from ("/actions/preventive_plan.create/", "/records/inspections/", f"/signals/{grave}", "/no/such/page")


def looks(html: str) -> str:
    """What a page is made of: its elements with their classes and roles; two of the same are looked at once."""
    main = html.partition('<main id="content">')[2].partition("</main>")[0]
    parts = re.findall(r"<(\w+)[^>]*?(?: class=\"([^\"]*)\")?(?: role=\"([^\"]*)\")?[^>]*>", main)
    return repr(list(dict.fromkeys(parts)))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_every_page_is_accessible_and_light_for_each_role_that_sees_it(open_page: OpenPage, record: str) -> None:
    live(record)
    for role in Role:
        Grant.objects.get_or_create(person_id="admin", role=role.value, scope="", defaults={"changed_ts": Grant.objects.first().changed_ts})
    wrong: list[str] = []
    seen: set[tuple[str, str]] = set()
    for who in ("admin", *(role.value for role in Role if role is not Role.ADMIN)):
        client, page = Pages(who), None
        for where in dict.fromkeys(addresses()):
            answer = client.get(where)
            kind = (re.sub(r"[^/]*\d[^/]*", "", where.partition("?")[0]), looks(text(answer)))
            if answer.status_code not in (200, 404) or kind in seen:
                continue
            seen.add(kind)
            if page is None:
                page = open_page(who, service_workers="block", reduced_motion="reduce")
                client = Pages(who)  # signing in gave the person a password, which ends sessions that began before it
            wrong += [f"{who} {where}: {fault}" for fault in faults(page, where)]
    assert "\n".join(wrong) == ""
    assert len({place for place, _ in seen}) >= len(urlpatterns) - len(NOT_PAGES) - ALWAYS_REDIRECTED


def faults(page: Any, where: str) -> Iterator[str]:
    """What is wrong with the page at `where`, on a tablet in light, in dark, and on a phone."""
    weight: list[int] = []

    def weigh(request: Any) -> None:
        weight.append(request.sizes()["responseBodySize"])

    page.on("requestfinished", weigh)
    page.goto(where)
    page.remove_listener("requestfinished", weigh)
    if sum(weight) > LIMIT_BYTES:
        yield f"{sum(weight)} bytes"
    page.evaluate(AXE)
    yield from page.evaluate(RUN, [])
    yield from measured(page, "tablet")
    page.emulate_media(color_scheme="dark")
    yield from (f"dark {fault}" for fault in page.evaluate(RUN, ["color-contrast"]))
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    yield from measured(page, "phone")
    page.set_viewport_size(TABLET)


def measured(page: Any, device: str) -> Iterator[str]:
    """What does not fit the screen or the finger."""
    if page.evaluate(TOO_WIDE) > 0:
        yield f"too wide for a {device}"
    yield from (f"too small on a {device}: {each}" for each in page.evaluate(SMALL % TOUCH_PX))


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize("record", ["sqlite"], indirect=True)
def test_a_fault_would_be_found(open_page: OpenPage) -> None:
    page = open_page("viewer")
    page.evaluate("() => document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/static/pages/icon.svg\"><button>x</button>')")
    page.evaluate(AXE)
    assert [fault.partition(":")[0] for fault in page.evaluate(RUN, [])] == ["image-alt"]
