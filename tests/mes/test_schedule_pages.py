"""The schedule's page and the terminal with a planned sequence: drawn, accepted, rejected, undone, and deviated from in two taps."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils import timezone as clock
from pages_client import Pages, refusal, text
from record_plant import LINE, M1, M2, M3, do
from schedule_plant import HOUR, accept, entry, orders, planned, propose

from factolake.mes.core.refusals import Refusal
from factolake.mes.pages.gantt import LEFT, WIDTH, Shade, Task, Window, draw
from factolake.mes.scheduling.models import ScheduleDeviation, ScheduleVersion

T0 = datetime(2026, 3, 2, tzinfo=UTC)


def task(key: str, row: str, start: float, end: float) -> Task:
    return Task(key, row, T0 + start * HOUR, T0 + end * HOUR, "s-ready", key, "p1")


def window(hours: float, zone: timezone = UTC) -> Window:
    return Window(T0, T0 + hours * HOUR, lambda moment: moment.astimezone(zone))


def test_bars_lie_where_their_times_are_and_never_over_each_other() -> None:
    names = [("M1", "First"), ("M2", "Second")]
    tasks = [task("A", "M1", 0, 12), task("B", "M1", 6, 18), task("C", "M1", 12, 36), task("D", "M2", 1, 2), task("E", "M2", 30, 31)]
    drawing = draw(window(24), names, tasks, [], T0 + 6 * HOUR)
    bars = {bar.task.key: bar for bar in drawing.bars}
    assert set(bars) == {"A", "B", "C", "D"}
    assert bars["A"].x == LEFT
    assert bars["B"].x == drawing.now == round(LEFT + (WIDTH - LEFT - 8) / 4, 1)
    assert bars["A"].y == bars["C"].y != bars["B"].y
    assert round(bars["C"].x + bars["C"].width) == WIDTH - 8
    assert drawing.rows[1].y == drawing.rows[0].y + drawing.rows[0].height
    assert all(row.y < bars[key].y < row.y + row.height for row, key in ((drawing.rows[0], "B"), (drawing.rows[1], "D")))


def test_pauses_are_cut_to_what_is_shown_and_to_their_machine() -> None:
    names = [("M1", "First"), ("M2", "Second")]
    shades = [Shade(T0 - 5 * HOUR, T0 + HOUR, "Break"), Shade(T0, T0 + HOUR, "Stop", "M2"), Shade(T0 + 30 * HOUR, T0 + 31 * HOUR, "Break")]
    drawing = draw(window(24), names, [], shades, T0 - HOUR)
    assert [(ground.told, ground.x) for ground in drawing.grounds] == [("Break", LEFT), ("Stop", LEFT)]
    assert drawing.grounds[1].y == drawing.rows[1].y
    assert drawing.now is None


def test_marks_are_whole_hours_of_the_plants_clock() -> None:
    marks = draw(window(8, timezone(timedelta(hours=5, minutes=45))), [], [], [], T0).marks
    assert [mark.text for mark in marks] == ["06:00", "07:00", "08:00", "09:00", "10:00", "11:00", "12:00", "13:00"]
    assert [mark.text for mark in draw(window(72), [], [], [], T0).marks][:2] == ["Mon 02 Mar", "06:00"]


def entries_now(*places: tuple[str, str, float]) -> list[dict[str, str]]:
    """Entries from the present hour on, so that the page shows them."""
    start = clock.now().replace(minute=0, second=0, microsecond=0)
    found = [entry(operation, machine, 0) for operation, machine, _ in places]
    for made, (_, _, number) in zip(found, places, strict=True):
        made["planned_start_ts"] = (start + number * HOUR).isoformat()
        made["planned_end_ts"] = (start + (number + 1) * HOUR).isoformat()
    return found


PAGE = f"/schedules/{LINE}/"


@pytest.mark.usefixtures("record")
def test_a_planner_sees_what_moves_rejects_one_change_and_accepts_the_rest() -> None:
    orders("PO-1", "PO-2", due_ts=(clock.now() + 3 * HOUR).isoformat())
    version = propose(*entries_now(("PO-1.10", M3, 1), ("PO-2.10", M1, 1), ("PO-2.20", M2, 5)))
    pages = Pages("planner")
    shown = text(pages.get(PAGE))
    assert "late orders first" in shown
    assert f"<strong>{M3}</strong>" in shown
    assert len(re.findall(r'class="s-waiting late moved"', shown)) == 1
    assert len(re.findall(r'<path class="nowline"', shown)) == 2
    assert pages.post(f"/actions/schedule_entry.reject/{version.entries.get(operation_id='PO-2.20').pk}", PAGE, reason="").status_code == 302
    accepted = re.search(r'action="(/actions/schedule.accept/[^"]+)">(.*?)</form>', text(pages.get(PAGE)), re.DOTALL)
    assert accepted
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', accepted[2]))
    answer = pages.send(accepted[1], **hidden)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert [place[0] for place in planned("PO-1.10", "PO-2.10", "PO-2.20")] == [M3, M1, M2]
    shown = text(pages.get(PAGE))
    assert 'id="proposal"' not in shown
    assert len(re.findall(r'class="s-ready" tabindex', shown)) == 2
    assert "/actions/schedule.undo/L1.1" in shown
    assert pages.post("/actions/schedule.undo/L1.1", reason="better before").status_code == 302
    assert "better before" in text(pages.get(PAGE))


@pytest.mark.usefixtures("record")
def test_who_does_not_decide_sees_the_proposal_without_buttons() -> None:
    orders("PO-1")
    propose(*entries_now(("PO-1.10", M3, 1)))
    shown = text(Pages("viewer").get(PAGE))
    assert 'id="proposal"' in shown
    assert "/actions/schedule" not in shown


@pytest.mark.usefixtures("record")
def test_an_overtaken_proposal_says_so_and_its_acceptance_is_refused_on_the_page() -> None:
    orders("PO-1")
    version = propose(*entries_now(("PO-1.10", M3, 1)))
    do("operator", "operation.start", "PO-1.10")
    pages = Pages("planner")
    assert "It no longer fits the present: operation PO-1.10 was ready when it was proposed and is running now" in text(pages.get(PAGE))
    answer = pages.post(f"/actions/schedule.accept/{version.pk}", digest=version.digest)
    assert (answer.status_code, "no longer fits the present" in refusal(answer)) == (412, True)
    assert ScheduleVersion.objects.get().state == "stale"


@pytest.mark.usefixtures("sqlite_record")
def test_the_drawing_shows_another_time_and_refuses_what_is_none() -> None:
    orders("PO-1")
    accept(propose(*entries_now(("PO-1.10", M1, 30))))
    pages = Pages("viewer")
    assert "PO-1.10</text>" not in text(pages.get(f"{PAGE}?span=8h"))
    assert "PO-1.10, ready" in text(pages.get(f"{PAGE}?span=3d"))
    assert "PO-1.10, ready" in text(pages.get(f"{PAGE}?span=day&page=1"))
    assert "<h1" not in text(pages.get(f"{PAGE}?part=gantt"))
    assert 'class="pause"' in text(pages.get(PAGE))  # the shipped plant has breaks
    for wrong in ("span=year", "page=x", "page=99999", "page=--1"):
        assert pages.get(f"{PAGE}?{wrong}").status_code == 422, wrong


@pytest.mark.usefixtures("record")
def test_the_terminal_shows_the_planned_sequence_and_takes_a_reason_for_another() -> None:
    orders("PO-1", "PO-2", "PO-3")
    accept(propose(entry("PO-3.10", M1, 1), entry("PO-1.10", M1, 2)))
    pages, here = Pages("operator"), f"/terminals/{M1}/"
    shown = text(pages.get(here))
    assert re.findall(r"<strong>(PO-\d\.10)</strong>", shown) == ["PO-3.10", "PO-1.10", "PO-2.10"]
    assert shown.count("Start instead") == 2
    assert "PO-3.10 is next" in shown
    refused = pages.post(f"{here}start/PO-2.10", here)
    assert (refused.status_code, "PO-3.10 is next at L1-M1" in refusal(refused)) == (422, True)
    assert pages.post(f"{here}start/PO-2.10", here, reason="Urgent order").status_code == 302
    assert ScheduleDeviation.objects.get().reason == "Urgent order"
    assert "Start PO-1.10 instead" in text(pages.get(f"{here}scan", data={"code": "PO-1"}))
    with pytest.raises(Refusal, match=r"is at work on PO-2\.10"):
        do("operator", "operation.start", "PO-3.10")
