"""The page of machine alerts: gravest first, what the signals did, verdict and maintenance in a click, and what it says where little is known."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from django.utils import timezone
from machine_alerts import RAISED, alert_row, machine_alert
from mes_rows import make_row, put
from pages_client import QUICK, Pages, refusal, text
from record_plant import M1, M2, M3

from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.silver_features import FEATURES_WINDOW
from factolake.domain.alert import Band
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.maintenance.models import MaintenanceRequest
from factolake.mes.pages.trend_chart import Point, draw
from factolake.mes.people.models import Grant
from factolake.mes.signals.models import MachineAlert
from factolake.mes.sync.run import Sync
from factolake.mes.sync.schema import connect
from factolake.mes.sync.trends import TREND, Trends, stretches, wanted

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def quick_passwords() -> Iterator[None]:
    with QUICK:
        yield


def stored(machine: str, *args: object, **given: object) -> MachineAlert:
    made = machine_alert(machine, *args, **given)  # type: ignore[arg-type]
    made.save(force_insert=True)
    return made


def minute_row(signal: str, minute: int, mean: float) -> dict[str, object]:
    at = RAISED + minute * MINUTE
    hour = at.replace(minute=0)
    values = {"n": 60, "mean": mean, "low": mean - 1, "high": mean + 1, "first": mean, "last": mean}
    return make_row(FEATURES_WINDOW, machine=M1, signal=signal, window_ts=at, hour_ts=hour, day=hour.date(), **values)


@on_sqlite
def test_open_alerts_come_gravest_first_and_what_is_over_waits_for_a_verdict() -> None:
    now = timezone.now()
    stored(M1, severity="low", raised=now)
    stored(M2, severity="high", raised=now)
    stored(M3, "closed", raised=now)
    shown = text(Pages("maintenance").get("/signals/"))
    places = [shown.index(f'<span class="key">{machine}</span>') for machine in (M2, M1, M3)]
    assert places == sorted(places)
    assert places[1] < shown.index("Over, and nobody has said what it was") < places[2]
    assert "about 35 minutes at stake" in shown
    assert shown.count('<td class="num">1 of 2</td>') == 3
    assert 'href="/signals/"' in text(Pages("viewer").get("/orders/"))


@on_both
def test_a_fitter_judges_on_the_page_and_reads_it_there() -> None:
    one = stored(M1)
    pages = Pages("maintenance")
    shown = text(pages.get(f"/signals/{one.pk}"))
    for words in (
        "spindle current",
        "14.25 A",
        "8 to 11.5 A",
        "above usual",
        "62%",
        "bearing greased",
        "a false alarm",
        "grease of the spindle bearing",
    ):
        assert words in shown, words
    assert "The lake has told nothing of minutes of signals yet" in shown
    done = pages.post(f"/actions/machine_alert.judge/{one.pk}", f"/signals/{one.pk}", verdict="true", cause="<b>belt</b>", minutes="12,5")
    assert (done.status_code, done.headers["Location"], refusal(done)) == (302, f"/signals/{one.pk}", "")
    shown = text(pages.get(f"/signals/{one.pk}"))
    assert "it was right; cause: &lt;b&gt;belt&lt;/b&gt;; 12.5 minutes of stop" in shown
    assert MachineAlert.objects.get().minutes == 12.5
    assert "It was right</button>" not in text(Pages("viewer").get(f"/signals/{one.pk}"))


@on_sqlite
def test_one_click_asks_for_maintenance_and_the_button_is_gone() -> None:
    one = stored(M1)
    pages = Pages("operator")
    assert "Ask for maintenance</button>" in text(pages.get(f"/signals/{one.pk}"))
    pages.post(f"/actions/machine_alert.request_maintenance/{one.pk}", f"/signals/{one.pk}")
    asked = MaintenanceRequest.objects.get()
    shown = text(pages.get(f"/signals/{one.pk}"))
    assert "Ask for maintenance</button>" not in shown
    assert f'<a href="/records/maintenance-requests/{asked.pk}">request {asked.pk}</a>, which is open' in shown


@on_sqlite
def test_german_comes_first_where_the_browser_asks_for_it_and_neither_is_lost() -> None:
    one = stored(M1)
    for asked, first, second in (("de-DE,de;q=0.9,en;q=0.5", "de", "en"), ("en", "en", "de")):
        shown = text(Pages("maintenance").get(f"/signals/{one.pk}", headers={"Accept-Language": asked}))
        assert shown.index(f'<div lang="{first}">') < shown.index(f'<details lang="{second}">')


@on_sqlite
def test_what_people_say_later_of_a_similar_event_is_what_counts() -> None:
    stored(
        M1, "closed", raised=RAISED - timedelta(days=20), alert_id="feedfeedfeedfeed", verdict="true", cause="belt", fix="belt replaced", minutes=9.0
    )
    one = stored(M1)
    shown = text(Pages("maintenance").get(f"/signals/{one.pk}"))
    assert '<a href="/signals/feedfeedfeedfeed">' in shown
    assert "belt replaced" in shown
    assert "bearing greased" not in shown.partition("What was like it before")[2]


@on_sqlite
def test_an_alert_without_evidence_or_of_another_place_says_so() -> None:
    one = stored(M1, evidence="{}")
    assert "The evidence of this alert cannot be read" in text(Pages("maintenance").get(f"/signals/{one.pk}"))
    assert Pages("maintenance").get("/signals/none").status_code == 404
    Grant.objects.filter(person="viewer").update(scope="acme/bremen/paint")
    assert Pages("viewer").get(f"/signals/{one.pk}").status_code == 404
    assert "Every machine behaves as usual." in text(Pages("viewer").get("/signals/"))


def test_the_sync_brings_what_the_signals_did_and_the_page_draws_it(record: str, tmp_path: Path) -> None:
    lake, clock = Lake(tmp_path / "lake"), ManualClock(RAISED + 10 * MINUTE)
    one = stored(M1)
    put(lake, ALERTS, [alert_row(M1)])
    put(lake, FEATURES_WINDOW, [minute_row("spindle_current", n, 10.0 if n < -40 else 14.0) for n in range(-120, 10)])
    sync = Sync(lake, record, clock)
    sync.step()
    shown = text(Pages("maintenance").get(f"/signals/{one.pk}"))
    assert '<section class="card"><h3>spindle current (A)</h3>' in shown
    assert shown.count('class="usual"') == 2
    assert shown.count('<svg class="chart trend"') == 1
    put(lake, FEATURES_WINDOW, [minute_row("spindle_current", n, 15.0) for n in range(10, 20)])
    clock.advance(30)
    sync.step()
    assert latest(record) == RAISED + 5 * MINUTE, "once a minute"
    clock.advance(31)
    sync.step()
    assert latest(record) == RAISED + 15 * MINUTE
    put(lake, ALERTS, [], "alert_id is not null")
    clock.advance(61)
    put(lake, ALERTS, [alert_row(M2)])
    sync.step()
    assert latest(record) is None, "of an alert that is gone"
    sync.close()


def latest(url: str) -> object:
    engine = connect(url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(sa.func.max(TREND.c.window_ts))).scalar_one()
    engine.dispose()
    return found


@on_sqlite
def test_a_trend_that_lacks_its_end_is_read_once_and_an_old_one_never(sqlite_record: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    put(lake, ALERTS, [alert_row(M1, "closed")])
    put(lake, FEATURES_WINDOW, [minute_row("spindle_current", n, 10.0) for n in range(10)])
    Sync(lake, sqlite_record, ManualClock(RAISED + timedelta(days=40))).step()
    engine = connect(sqlite_record)
    for days, written in ((40, 0), (10, 2)):
        trends = Trends(lake, engine)
        assert [trends.step(RAISED + timedelta(days=days) + n * MINUTE) for n in (0, 2)] == [written, 0]
    engine.dispose()


def test_minutes_become_stretches_and_an_alert_of_days_coarser_ones() -> None:
    short = wanted(alert_row(M1))
    assert (short.width, short.from_ts, short.signals[0]) == (5 * MINUTE, RAISED - timedelta(hours=3, minutes=40), "spindle_current")
    slow = wanted({**alert_row(M1), "onset_ts": RAISED - timedelta(days=3)})
    assert (slow.width, slow.from_ts) == (60 * MINUTE, RAISED - timedelta(days=4.5))
    rows = [{**minute_row("a", 0, 1.0), "n": 1}, {**minute_row("a", 4, 4.0), "n": 2}, minute_row("a", 5, 7.0), minute_row("b", 0, 2.0)]
    found = [(row["signal"], row["window_ts"], row["mean"], row["low"], row["high"]) for row in stretches(rows, short)]
    assert found == [("a", RAISED, 3.0, 0.0, 5.0), ("a", RAISED + 5 * MINUTE, 7.0, 6.0, 8.0), ("b", RAISED, 2.0, 1.0, 3.0)]


def test_a_drawing_has_gaps_a_band_and_the_alert_inside_its_ground() -> None:
    def at(minute: int, value: float) -> Point:
        return Point(RAISED + minute * MINUTE, value, value - 1, value + 1)

    points = [at(0, 1.0), at(5, 1.0), at(10, 2.0), at(40, 3.0), at(60, 3.0), at(65, 4.0)]
    made = draw("current", points, Band(1.0, 2.0), RAISED + 8 * MINUTE, RAISED + 62 * MINUTE)
    assert (made.line.count("M"), len(made.dots)) == (2, 1)
    assert made.usual is not None
    assert made.top <= made.usual[0] < made.usual[0] + made.usual[1] <= made.bottom
    assert made.left < made.span[0] < made.span[0] + made.span[1] < made.right
    flat = draw("flat", [at(0, 5.0)], None, RAISED, RAISED)
    assert (flat.line, len(flat.dots), flat.usual) == ("", 1, None)
