"""The planner on the schedule's page: asked for a new plan with one click, and what it last said in words."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone as clock
from lived_record import lake_rows
from mes_rows import make_row
from pages_client import Pages, text
from record_plant import LINE, M1, do
from schedule_plant import accept, entry, orders, propose

from factolake.contracts.ops import PLANS
from factolake.domain.action import Role
from factolake.mes.pages.planner_word import ANSWERED_WITHIN
from factolake.mes.scheduling.actions.asking import ASKERS
from factolake.mes.scheduling.models import ScheduleRequest
from pipelines.planning.causes import REQUEST, STALE

PAGE = f"/schedules/{LINE}/"
ASK = "/actions/schedule_request.create/"
NONE = "no plan is possible, the one before stays: PO-1.10 & PO-2.10 need M1 at once."


def card(pages: Pages) -> str:
    """What the page says of the planner, without its elements; empty where it says nothing."""
    found = re.search(r'<section class="card" id="planner">(.*?)</section>', text(pages.get(PAGE)), re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split()) if found else ""


def form(pages: Pages) -> tuple[str, dict[str, str]]:
    """Where the request is sent to, and its hidden fields."""
    found = re.search(r'action="([^"]*schedule_request[^"]*)">(.*?)</form>', text(pages.get(PAGE)), re.DOTALL)
    assert found
    return found[1], dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', found[2]))


def tried(url: str, plan_id: str, minutes: float = 5, **more: Any) -> None:
    """A try that began so many minutes ago, in `lake_plan` as the sync writes it; unless said one that found no plan."""
    began = clock.now() - timedelta(minutes=minutes)
    values = {"line": LINE, "started_ts": began, "cause": "stop", "about": f"stop {M1}", "why": f"{M1} stands still", "status": "infeasible"}
    lake_rows(url, PLANS.name, [make_row(PLANS, **{**values, "plan_id": plan_id, "is_published": False, "told": NONE, **more})])


@pytest.mark.usefixtures("record")
def test_two_clicks_ask_once_and_the_page_says_who_asked_and_when() -> None:
    pages = Pages("operator")
    assert card(pages) == "Planner Why * Ask for a new plan"
    address, hidden = form(pages)
    for _ in range(2):
        answer = pages.send(address, **hidden, reason="steel <is> late")
        assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}#planner")
    asked = ScheduleRequest.objects.get()
    assert (asked.line_id, asked.requested_by_id, asked.why) == (LINE, "operator", "steel <is> late")
    said = r"asked for by Operator, \d{4}-\d\d-\d\d \d\d:\d\d: steel <is> late The planner has not answered yet\. Why"
    assert re.search(said, card(pages))
    assert "Operator" in card(Pages("planner"))


@pytest.mark.usefixtures("record")
def test_the_button_is_for_those_who_may_ask() -> None:
    offered = {role for role in Role if "Ask for a new plan" in card(Pages(role.value))}
    assert offered == ASKERS
    viewer = Pages("viewer")
    assert card(viewer) == ""
    hidden = {**form(Pages("operator"))[1], "csrfmiddlewaretoken": re.findall(r'csrfmiddlewaretoken" value="([^"]*)"', text(viewer.get(PAGE)))[0]}
    assert viewer.send(ASK, **hidden, reason="x").status_code == 403
    assert not ScheduleRequest.objects.exists()


def test_a_try_that_found_none_says_why_and_answers_the_request(record: str) -> None:
    pages = Pages("planner")
    address, hidden = form(pages)
    pages.send(address, **hidden, reason="steel is late")
    tried(record, "L1-1", minutes=60 * 26)
    assert "has not answered yet" in card(pages)
    assert "Because L1-M1 stands still How it ended no plan is possible What came of it no proposal no plan is possible" in card(pages)
    assert "1 day, 2 hours ago" in card(pages)
    key = ScheduleRequest.objects.get().pk
    tried(record, "L1-2", minutes=3, about=f"{REQUEST} {key}1", cause=REQUEST)  # of another request
    assert "has not answered yet" in card(pages)
    tried(record, "L1-3", minutes=2, about=f"{REQUEST} {key}", cause=REQUEST)
    said = card(Pages("viewer"))
    assert NONE in said
    assert "asked for" not in said


def test_a_published_try_names_its_proposal_and_what_became_of_it(record: str) -> None:
    tried(record, "L1-1", status="feasible", is_published=True, told="1 of 2 operations move.")
    pages = Pages("viewer")
    assert "How it ended a plan was found What came of it published, no proposal yet 1 of 2 operations move." in card(pages)
    orders("PO-1")
    version = propose(entry("PO-1.10", M1, 1), by="erp", source_id="L1-1")
    assert card(pages).endswith("What came of it L1.1 , proposed")
    accept(version)
    assert card(pages).endswith("What came of it L1.1 , accepted")


def test_the_newest_try_of_the_line_is_told_and_nothing_where_there_is_none(record: str) -> None:
    pages = Pages("viewer")
    tried(record, "L2-1", line="L2")
    assert card(pages) == ""
    tried(record, "L1-2", minutes=1, status="failed", told="not proposed: another schedule was accepted meanwhile")
    tried(record, "L1-1", minutes=9)
    said = card(pages)
    assert "How it ended no answer" in said
    assert "accepted meanwhile" in said
    assert NONE not in said


def test_no_request_is_waited_for_longer_than_the_planner_looks_at_it() -> None:
    assert ANSWERED_WITHIN == STALE


def test_a_request_beside_an_open_proposal_says_what_it_waits_for(record: str) -> None:
    orders("PO-1")
    propose(entry("PO-1.10", M1, 1))
    do("operator", "schedule_request.create", line_id=LINE, reason="steel is late", at=clock.now() - ANSWERED_WITHIN)
    assert card(Pages("viewer")) == ""
    do("operator", "schedule_request.create", line_id=LINE, reason="steel is late", at=clock.now())
    assert "not answered yet; it looks again once L1.1 is decided." in card(Pages("viewer"))
    tried(record, "L1-1")
    with CaptureQueriesContext(connection) as asked:
        Pages("viewer").get(PAGE)
    assert sum("FROM lake_plan WHERE line" in each["sql"] for each in asked) == 1


def test_a_table_of_an_earlier_release_has_nothing_to_say_beside_a_proposal_until_the_sync_makes_it_anew(record: str) -> None:
    orders("PO-1")
    propose(entry("PO-1.10", M1, 1), by="erp", source_id="L1-1")
    tried(record, "L1-1", status="feasible", is_published=True, hindsight="One order saved.")
    pages = Pages("viewer")
    assert "One order saved." in text(pages.get(PAGE))
    with connection.cursor() as cursor:
        for column in ("ways", "hindsight"):
            cursor.execute(f"ALTER TABLE lake_plan DROP COLUMN {column}")
    before = pages.get(PAGE)
    assert before.status_code == 200
    assert "One order saved." not in text(before)
    assert "L1.1" in card(pages)
    tried(record, "L1-1", status="feasible", is_published=True, hindsight="Made anew.")
    assert "Made anew." in text(pages.get(PAGE))
