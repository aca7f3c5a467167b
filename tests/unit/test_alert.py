"""Alerts as values: their own id, plain JSON there and back, and none that contradicts itself."""

import doctest
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from factolake.domain import alert as module
from factolake.domain.alert import (
    Alert,
    Band,
    Check,
    Contribution,
    DataVersion,
    ModelStamp,
    PastEvent,
    Regime,
    Severity,
    Stake,
    Sureness,
    gravest_first,
)
from tests.models.timeseries.alerts import ONSET, alert, any_alert, bare


def test_examples_in_docstrings_are_true() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_what_is_written_as_json_is_read_as_the_same_alert() -> None:
    for one in map(any_alert, range(200)):
        assert Alert.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) == one


def test_the_id_comes_from_model_machine_and_onset_alone() -> None:
    one = alert()
    same = replace(one, severity=Severity.HIGH, strength=9.0, raised_ts=ONSET + timedelta(days=1), similar=(), check=None, contributions=())
    assert same.alert_id == one.alert_id == "187da7b377a8e459"
    others = [
        replace(one, model=ModelStamp("canonical", "8")),
        replace(one, model=ModelStamp("canonical 7", "7")),
        replace(one, path="acme/bremen/assembly/L1/L1-M2"),
        replace(one, onset_ts=ONSET + timedelta(microseconds=1)),
    ]
    assert len({one.alert_id, *(other.alert_id for other in others)}) == 5


Damage = Callable[[dict[str, Any]], object]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "lacks a field": (lambda data: data.pop("kind"), r"the alert lacks \['kind'\]"),
    "has one too many": (lambda data: data.update(extra=1), r"has \['extra'\] besides"),
    "another id": (lambda data: data.update(alert_id="0" * 16), "alert_id is '0000"),
    "no id": (lambda data: data.pop("alert_id"), "alert_id is None"),
    "unknown kind": (lambda data: data.update(kind="odd"), "alert.kind is 'odd'; give one of unusual"),
    "number as text": (lambda data: data.update(strength="1.8"), "strength is '1.8'; give a finite number"),
    "truth as number": (lambda data: data.update(strength=True), "strength is 'True'; give a finite number"),
    "not finite": (lambda data: data["contributions"][1].update(value=float("nan")), r"contributions\[1\].value is 'nan'"),
    "fraction of a stop": (lambda data: data["stake"].update(stops=1.5), "stake.stops is '1.5'; give a whole number"),
    "text as list": (lambda data: data.update(similar="none"), "similar is 'none'; give a list"),
    "list as object": (lambda data: data.update(regime=[2, "A"]), "regime is .*; give an object"),
    "local time": (lambda data: data.update(onset_ts="2026-11-26T14:05:00+01:00"), "onset_ts is .*; give a time in UTC"),
    "no time": (lambda data: data.update(onset_ts="soonZ"), "onset_ts is 'soonZ'; give a time in UTC"),
    "number as label": (lambda data: data["contributions"][0].update(label=3), "label is '3'; give a text"),
    "number as truth": (lambda data: data["similar"][0].update(false_alarm=0), "false_alarm is '0'; give true or false"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_json_that_is_no_alert_is_refused_with_its_place(damage: Damage, message: str) -> None:
    data: dict[str, Any] = json.loads(json.dumps(alert().to_json()))
    damage(data)
    with pytest.raises(ValueError, match=message):
        Alert.from_json(data)


CONTRADICTIONS: dict[str, tuple[Callable[[], object], str]] = {
    "raised before it began": (lambda: alert(raised_ts=ONSET - timedelta(seconds=1)), "raised before"),
    "local time": (lambda: alert(onset_ts=ONSET.astimezone(timezone(timedelta(hours=1)))), "onset_ts is .*UTC"),
    "naive time": (lambda: alert(raised_ts=ONSET.replace(tzinfo=None)), "raised_ts is .*UTC"),
    "below the threshold": (lambda: alert(strength=0.99), "strength 0.99"),
    "not a number": (lambda: alert(strength=float("nan")), "strength nan"),
    "smallest share first": (lambda: alert(contributions=alert().contributions[::-1]), "give the largest first"),
    "shares above one": (
        lambda: alert(contributions=(replace(alert().contributions[0], share=0.8), replace(alert().contributions[1], share=0.7))),
        "at most 1",
    ),
    "a signal twice": (lambda: alert(contributions=alert().contributions[1:] * 2), "names a signal twice"),
    "a similar event of the future": (lambda: alert(similar=(PastEvent("x", ONSET, 0.9),)), "give past ones"),
    "least alike first": (
        lambda: alert(similar=(PastEvent("x", ONSET - timedelta(1), 0.8), PastEvent("y", ONSET - timedelta(1), 0.9))),
        "give the most alike first",
    ),
    "a table twice": (lambda: alert(data=(DataVersion("t", 1), DataVersion("t", 2))), "names a table twice"),
    "no path": (lambda: alert(path=""), "path is ''"),
    "a label of two lines": (lambda: Contribution("a", "a\nb", 1.0, None, None, 0.5), "label is"),
    "unknown unit": (lambda: Contribution("a", "a", 1.0, "ampere", None, 0.5), "unit 'ampere'; give a UNECE"),
    "no share": (lambda: Contribution("a", "a", 1.0, None, None, 0.0), "share of 0.0"),
    "no value": (lambda: Contribution("a", "a", float("inf"), None, None, 0.5), "give finite numbers"),
    "a band upside down": (lambda: Band(2.0, 1.0), "ends before it begins"),
    "more strong blocks than blocks": (lambda: Sureness(3, 2, 3600.0), "3 of 2 blocks"),
    "no blocks": (lambda: Sureness(0, 0, 3600.0), "give 1 block or more"),
    "a regime that does not run": (lambda: Regime(-1), "regime -1"),
    "more than alike": (lambda: PastEvent("x", ONSET, 1.1), "similarity of 1.1"),
    "minutes below nothing": (lambda: PastEvent("x", ONSET, 1.0, minutes=-1.0), "lasted -1.0 min"),
    "a check of dots": (lambda: Check("..."), "check is '...'"),
    "falling minutes": (lambda: Stake("x", 5.0, 6.0, 7.0, 2), "rising minutes"),
    "minutes of no stop": (lambda: Stake("x", 5.0, 5.0, 5.0, 0), "1 stop or more"),
    "a version below nothing": (lambda: DataVersion("t", -1), "version -1"),
}


@pytest.mark.parametrize(("made", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_an_alert_that_contradicts_itself_cannot_be_built(made: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made()


def test_sureness_counts_the_new_block_among_the_clean_ones() -> None:
    none, some = Sureness(0, 999, 3600.0), Sureness(19, 999, 3600.0)
    assert (none.chance, some.chance) == (0.001, 0.02)
    assert none.false_a_week == pytest.approx(0.168) and none.weeks_between == pytest.approx(1000 / 168)
    assert some.clean_weeks == pytest.approx(999 / 168)


def test_the_gravest_alert_comes_first() -> None:
    high = alert(severity=Severity.HIGH, path="high", stake=None)
    long, short = alert(path="long", stake=Stake("x", 90.0, 1.0, 99.0, 3)), alert(path="short", stake=Stake("x", 9.0, 1.0, 99.0, 3))
    weak, unknown = replace(bare(), path="weak", strength=1.1), replace(bare(), path="unknown")
    early, low = replace(unknown, path="early", onset_ts=ONSET - timedelta(hours=1)), alert(severity=Severity.LOW, path="low", strength=50.0)
    expected = [high, long, short, early, unknown, weak, low]
    assert gravest_first(reversed(expected)) == gravest_first(expected) == expected


def test_a_side_is_below_within_or_above_the_band() -> None:
    sides = [Contribution("a", "a", value, None, Band(1.0, 2.0), 0.5).side for value in (0.9, 1.0, 1.5, 2.0, 2.1)]
    assert sides == [-1, 0, 0, 0, 1]
    assert Contribution("a", "a", 99.0, None, None, 0.5).side == 0
