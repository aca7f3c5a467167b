"""Alerts in a notebook: what its signals did while the machine ran, what people say of it and its like, and the pictures."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from learnt_machine import MACHINE, MONDAY, LearntMachine, at
from told_alerts import HOUR, alert, judge, tell

from factolake.domain.calendar import plant_zone
from factolake.errors import QueryError
from factolake.lake.tables import Lake
from factolake.notebook_alert_plot import draw_alert, draw_beside
from factolake.notebook_alerts import Alerts

TUESDAY = MONDAY + timedelta(days=1)
BERLIN = plant_zone("Europe/Berlin")
EARLIER, FALSE = alert(at(MONDAY, 8)), alert(at(MONDAY, 16))
NEWEST = alert(at(TUESDAY, 11), [(EARLIER, 0.9), (FALSE, 0.8), (alert(at(date(2026, 1, 5), 8)), 0.75)])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """Three alerts: the newest like the two before it, which people judged, and like one that the lake has forgotten."""
    machine = LearntMachine(tmp_path_factory.mktemp("told"))
    machine.trained_days()
    for said in (NEWEST, FALSE, EARLIER):
        tell(machine.lake, said)
    judge(machine.lake, EARLIER, "true", cause="spindle bearing dry", fix="bearing greased", minutes=35.0)
    judge(machine.lake, FALSE, "false")
    judge(machine.lake, NEWEST, "true", removed_ts=at(TUESDAY, 20))
    return Alerts(machine.lake, BERLIN)


def test_the_table_has_the_newest_first_in_plant_time_with_what_people_say(told: Alerts) -> None:
    table = told.table(MACHINE)
    assert list(table.index) == [NEWEST.alert_id, FALSE.alert_id, EARLIER.alert_id]
    assert list(table["people say"]) == ["nothing yet", "a false alarm", "it was right"]
    assert str(table["since"].iloc[0]) == "2026-03-03 12:00:00+01:00"
    assert told.table("L1-M1").empty


def test_an_alert_shows_what_its_signals_did_while_the_machine_ran(told: Alerts) -> None:
    shown = told.one(NEWEST.alert_id)
    assert list(shown.trend.columns) == ["vibration", "bearing_temp"]
    assert (shown.trend.index[0], shown.trend.index[-1]) == (at(TUESDAY, 5), at(TUESDAY, 14) - timedelta(minutes=2))
    still = (shown.trend.index >= at(TUESDAY, 12)) & (shown.trend.index < at(TUESDAY, 12.25))
    assert not still.any(), "it stood for a quarter of an hour at noon (UTC)"
    assert shown.signals.loc["Vibration"].to_list() == [4.5, "mm/s", 1.2, 2.8, "above usual", 0.7]


def test_what_is_alike_has_the_verdict_of_today(told: Alerts) -> None:
    similar = told.one(NEWEST.alert_id).similar
    assert list(similar["people say"]) == ["it was right", "a false alarm", "nothing yet"]
    assert similar.loc[EARLIER.alert_id, ["alike", "cause", "fixed by", "stop_min"]].to_list() == [
        0.9,
        "spindle bearing dry",
        "bearing greased",
        35.0,
    ]
    assert [one.alert.alert_id for one in told.beside(told.one(NEWEST.alert_id))] == [EARLIER.alert_id, FALSE.alert_id]


def test_where_the_model_names_nothing_earlier_ones_of_the_same_signal_are_shown(told: Alerts) -> None:
    similar = told.one(FALSE.alert_id).similar
    assert list(similar.index) == [EARLIER.alert_id]
    assert similar["alike"].isna().all()


def test_what_is_not_there_is_refused_in_a_sentence(told: Alerts, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="the lake has no alert 'x'"):
        told.one("x")
    assert Alerts(Lake(tmp_path), BERLIN).newest(MACHINE) == []
    tell(Lake(tmp_path), EARLIER, alert_json="{}")
    with pytest.raises(QueryError, match="written in a form that is not read any more"):
        Alerts(Lake(tmp_path), BERLIN).newest(MACHINE)


def test_the_pictures_show_each_signal_its_band_and_the_alert(told: Alerts) -> None:
    import matplotlib

    matplotlib.use("Agg")
    shown = told.one(NEWEST.alert_id)
    figure = draw_alert(shown)
    first, second, shares = figure.axes
    assert [axes.get_ylabel() for axes in (first, second)] == ["Vibration\n(mm/s)", "Bearing temperature\n(°C)"]
    assert second.get_xlabel() == "plant time, Europe/Berlin"
    assert [text.get_text() for text in shares.get_yticklabels()] == ["all others", "Bearing temperature", "Vibration"]
    line = next(line for line in first.lines if len(line.get_ydata()) > 2)
    assert pd.isna(line.get_ydata()).sum() == 1, "the line breaks where the machine stood"
    beside = draw_beside(shown, told.beside(shown))
    assert [axes.get_title().splitlines()[1] for axes in beside.axes[:3]] == [
        f"people say: {said}" for said in ("nothing yet", "it was right", "a false alarm")
    ]
    hours = beside.axes[0].lines[0].get_xdata()
    assert hours[0] == pytest.approx(-6) and (NEWEST.raised_ts - NEWEST.onset_ts) / HOUR == 1
