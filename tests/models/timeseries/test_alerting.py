"""Few alerts from many scores: each timeline is drawn, one sign a minute, and what is told is drawn below it.

. 0.2 usual     o 0.7 less than calm     + 0.9     # 1.5     X 4.0     ? no score     s a known stop
R raised     H held back     W withdrawn     w worsened     C closed
"""

import doctest
import importlib
import json
from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import pytest

from factolake.domain.alert import Alert, AlertKind, Band, DataVersion, ModelStamp, Severity
from models.timeseries.alert_events import AlertingState, Closed, Event, HeldBack, Raised, Withdrawn, Worsened
from models.timeseries.alerting import EPOCH, MOST, Alerting, AlertingSettings, Channel, Subject
from models.timeseries.clean import Clean, usual_bands
from models.timeseries.conformal import WEEK_S
from models.timeseries.drift import CusumSettings
from models.timeseries.signals import Scores, Signals

LEVELS = {".": 0.2, "o": 0.7, "+": 0.9, "#": 1.5, "X": 4.0, "?": np.nan, "s": 9.0}
SIGNS = {Raised: "R", HeldBack: "H", Withdrawn: "W", Worsened: "w", Closed: "C"}
QUICK = AlertingSettings(persistence_s=180, calm_s=300, forget_s=1800, longest_step_s=120, week_budget=5)
SUBJECT = Subject(
    "acme/L1/L1-M1",
    AlertKind.UNUSUAL,
    ModelStamp("drift", "3"),
    {"heat": Channel("Heat", "CEL"), "current": Channel("Motor current", "AMP")},
    {0: {"heat": Band(10.0, 20.0)}},
    {0: "PRODUCT-A"},
    data=(DataVersion("silver.values", 4),),
)


@pytest.mark.parametrize("name", ["held", "clean", "week_budget", "similar"])
def test_examples_in_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"models.timeseries.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


Rows = tuple[Signals, Scores, np.ndarray[tuple[int], np.dtype[np.bool_]]]


def rows_of(drawn: str, begin_s: float = 0.0) -> Rows:
    """A timeline; heat adds three quarters of each score, current the rest."""
    score = np.array([LEVELS[sign] for sign in drawn])
    signals = Signals(
        ("heat", "current"), np.stack([score * 10, 30 - score], axis=1), begin_s + 60.0 * np.arange(len(drawn)), np.zeros(len(drawn), np.int64)
    )
    return signals, Scores(score, np.isnan(score).astype(np.int64), score[:, None] * (0.75, 0.25)), np.array([sign == "s" for sign in drawn])


def cut(rows: Rows, first: int, last: int) -> Rows:
    signals, scores, quiet = rows
    return signals.rows(first, last), Scores(scores.score[first:last], scores.why[first:last], scores.parts[first:last]), quiet[first:last]


def followed(alerting: Alerting, rows: Rows) -> tuple[str, list[Event]]:
    """What is told, one sign a row, blanks where nothing is; fed a row at a time."""
    drawn, events = "", list[Event]()
    for row in range(len(rows[2])):
        told = alerting.feed(*cut(rows, row, row + 1))
        events += told
        drawn += "".join(SIGNS[type(event)] for event in told)[-1:] or " "
    return drawn.rstrip(), events


def told(drawn: str, settings: AlertingSettings = QUICK, subject: Subject = SUBJECT) -> str:
    return followed(Alerting(settings, subject), rows_of(drawn))[0]


def raised(drawn: str, settings: AlertingSettings = QUICK, subject: Subject = SUBJECT) -> list[Alert]:
    return [event.alert for event in followed(Alerting(settings, subject), rows_of(drawn))[1] if isinstance(event, Raised)]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # it has to stay for three minutes, that is four rows
        ("....###....####....", "              R"),
        # a row below 1 begins the persistence anew
        ("....###+###+####...", "               R"),
        # calm for five minutes closes it; what comes sooner belongs to it
        ("..####....####.......", "     R            C"),
        # between calm and the threshold is neither: the calm goes on where it was
        ("..####...+++++++...", "     R           C"),
        # one alert however long it lasts, and a second one after it has closed
        ("..########......####", "     R        C    R"),
        # rows without a score are no evidence either way, and count as one longest step
        ("..##??????##", "          R"),
        ("..####.??????....", "     R         C"),
        # a known stop begins the persistence anew, and the calm waits for it
        ("..###sss###.", ""),
        ("..###sss####.", "           R"),
        ("..####...sssssss.....", "     R            C"),
        # stops alone never alert, whatever they score
        ("ssssssssssssssssssss", ""),
        # nothing to judge for more than half an hour: what was, is over
        ("..####" + 30 * "s" + "s....", "     R" + 30 * " " + "C"),
        ("..####" + 30 * "?" + "?####", "     R" + 30 * " " + "C   R"),
    ],
)
def test_one_alert_for_each_episode(scores: str, expected: str) -> None:
    assert told(scores) == expected.rstrip(), f"\n{scores}\n{told(scores)}"


def test_the_onset_is_where_the_score_left_its_usual_range() -> None:
    #                     one spike is forgotten, then it creeps up from minute 14 on
    (alert,) = raised("..X...........ooo+o+++####")
    assert (alert.onset_ts, alert.raised_ts) == (EPOCH + timedelta(minutes=14), EPOCH + timedelta(minutes=25))


def test_the_onset_is_never_in_an_episode_before() -> None:
    first, second = raised("..XXXXXXXX.....oXXXX", replace(QUICK, calm_s=240))
    assert first.onset_ts == EPOCH + timedelta(minutes=2)
    assert second.onset_ts == EPOCH + timedelta(minutes=15)
    assert first.alert_id != second.alert_id


def test_what_comes_later_changes_no_onset() -> None:
    early, late = raised("...oo####"), raised("...oo####XXXXXX....XXXX")
    assert early == late


def test_an_alert_holds_what_was_known_when_it_was_raised() -> None:
    (alert,) = raised("....####")
    assert (alert.path, alert.kind, alert.model, alert.data) == (SUBJECT.path, SUBJECT.kind, SUBJECT.model, SUBJECT.data)
    assert (alert.regime.number, alert.regime.product, alert.strength, alert.severity) == (0, "PRODUCT-A", 1.5, Severity.MEDIUM)
    assert [(one.signal, one.label, one.value, one.unit, one.usual, one.share) for one in alert.contributions] == [
        ("heat", "Heat", 15.0, "CEL", Band(10.0, 20.0), 0.75),
        ("current", "Motor current", 28.5, "AMP", None, 0.25),
    ]
    assert alert.sureness is None


def test_contributions_are_of_the_rows_since_the_score_came_to_one() -> None:
    signals, scores, quiet = rows_of("....####")
    scores.parts[:4] = (0.0, 50.0)
    scores.parts[5] = (np.nan, 0.375)
    scores.parts[6:] = (1.2, -3.0)
    (event,) = Alerting(QUICK, SUBJECT).feed(signals, scores, quiet)
    assert isinstance(event, Raised)
    # heat: 1.125 + 1.2 + 1.2, current: 0.375 + 0.375; what takes away from a score counts nothing
    assert [round(one.share, 6) for one in event.alert.contributions] == [round(3.525 / 4.275, 6), round(0.75 / 4.275, 6)]


def test_a_small_or_unknown_contribution_is_not_named() -> None:
    assert [one.signal for one in raised("####", replace(QUICK, least_share=0.3))[0].contributions] == ["heat"]
    assert [one.signal for one in raised("####", replace(QUICK, most_signals=1))[0].contributions] == ["heat"]
    signals, scores, quiet = rows_of("####")
    signals.values[3, 0] = np.nan
    (event,) = Alerting(QUICK, SUBJECT).feed(signals, scores, quiet)
    assert isinstance(event, Raised) and [one.signal for one in event.alert.contributions] == ["current"]
    (event,) = Alerting(QUICK, SUBJECT).feed(signals, Scores(scores.score, scores.why, np.zeros((4, 2))), quiet)
    assert isinstance(event, Raised) and event.alert.contributions == ()


def test_an_episode_that_grows_is_told_again_as_the_same_alert() -> None:
    scores = "..####XXXX......"
    assert told(scores) == "     R   w    C"
    first, worse, closed = followed(Alerting(QUICK, SUBJECT), rows_of(scores))[1]
    assert isinstance(first, Raised) and isinstance(worse, Worsened) and isinstance(closed, Closed)
    assert (worse.alert.severity, worse.alert.strength) == (Severity.HIGH, 4.0)
    assert worse.alert == replace(first.alert, severity=Severity.HIGH, strength=4.0)
    assert closed == Closed(first.alert.alert_id, EPOCH + timedelta(minutes=14), 4.0, raised=True)


def test_in_a_full_week_the_weakest_is_held_back_or_makes_place() -> None:
    settings = replace(QUICK, week_budget=1)
    #         the first takes the week; one as weak is held back; a stronger one takes its place; then a weak one is held back
    scores = "####......####......XXXX......####......"
    assert told(scores, settings) == "   R    C    H    C    R    C    H    C"
    alerting = Alerting(settings, SUBJECT)
    _, events = followed(alerting, rows_of(scores))
    first, _, held, unseen, withdrawn, second, *_ = events
    assert isinstance(first, Raised) and isinstance(held, HeldBack) and isinstance(second, Raised)
    assert unseen == Closed(held.alert.alert_id, EPOCH + timedelta(minutes=18), 1.5, raised=False)
    assert withdrawn == Withdrawn(first.alert.alert_id, second.alert.raised_ts, second.alert.alert_id)
    counts = alerting.snapshot().counts
    assert (counts.opened, counts.raised, counts.held_back, counts.withdrawn, counts.closed, counts.unseen) == (4, 2, 2, 1, 4, 2)


def test_what_was_held_back_is_raised_when_it_grows() -> None:
    scores = "####......########XXXX"
    assert told(scores, replace(QUICK, week_budget=1)) == "   R    C    H       R"
    first, second = raised(scores, replace(QUICK, week_budget=1))
    # its onset and evidence are of when it opened, its strength of now
    assert (second.onset_ts, second.raised_ts, second.strength) == (EPOCH + timedelta(minutes=10), EPOCH + timedelta(minutes=21), 4.0)
    assert second.contributions == first.contributions


@pytest.mark.parametrize(("scores", "expected"), [("####......", "   H    C"), ("#######......", "   H R     C")])
def test_the_budget_is_of_any_seven_days(scores: str, expected: str) -> None:
    # The first is raised in minute 3, so that a week later minute 5 of the second drawing is free again: too late for one that is calm.
    alerting = Alerting(replace(QUICK, week_budget=1), SUBJECT)
    assert followed(alerting, rows_of("####......"))[0] == "   R    C"
    assert followed(alerting, rows_of(scores, WEEK_S - 120))[0] == expected


def test_without_a_budget_nothing_is_raised_and_all_is_counted() -> None:
    alerting = Alerting(replace(QUICK, week_budget=0), SUBJECT)
    assert followed(alerting, rows_of("XXXX......XXXX......"))[0] == "   H    C    H    C"
    assert alerting.snapshot().counts.unseen == 2


def random_rows(seed: int, count: int = 240) -> Rows:
    rng = np.random.default_rng(seed)
    signs = rng.choice(list("..o+###XX?s"), size=count // 4)
    return rows_of("".join(str(sign) * int(times) for sign, times in zip(signs, rng.integers(1, 9, size=len(signs)), strict=True))[:count])


@pytest.mark.parametrize("seed", range(6))
def test_a_restart_anywhere_changes_nothing(seed: int) -> None:
    rows, settings = random_rows(seed), replace(QUICK, week_budget=2)
    whole = Alerting(settings, SUBJECT)
    events = whole.feed(*rows)
    assert events
    for place in range(0, len(rows[2]) + 1, 7):
        before = Alerting(settings, SUBJECT)
        first = before.feed(*cut(rows, 0, place))
        kept = AlertingState.from_json(json.loads(json.dumps(before.snapshot().to_json(), allow_nan=False)))
        assert kept == before.snapshot()
        after = Alerting(settings, SUBJECT, kept)
        assert first + after.feed(*cut(rows, place, len(rows[2]))) == events
        assert after.snapshot() == whole.snapshot()
    assert followed(Alerting(settings, SUBJECT), rows)[1] == events


def test_a_snapshot_stays_as_it_was() -> None:
    alerting = Alerting(QUICK, SUBJECT)
    alerting.feed(*rows_of("..###"))
    kept = alerting.snapshot()
    written = json.dumps(kept.to_json())
    alerting.feed(*rows_of("XXXX....", 3600.0))
    assert json.dumps(kept.to_json()) == written


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("budget", [0, 1, 3])
def test_no_more_stand_than_the_budget_and_none_is_lost(seed: int, budget: int) -> None:
    alerting = Alerting(replace(QUICK, week_budget=budget), SUBJECT)
    standing: dict[str, float] = {}
    opened, closed = set[str](), dict[str, bool]()
    for event in alerting.feed(*random_rows(seed, 2000)):
        match event:
            case Raised(alert):
                opened.add(alert.alert_id)
                standing[alert.alert_id] = alert.strength
                assert len(standing) <= budget
            case HeldBack(alert):
                assert len(standing) == budget and all(strength >= alert.strength for strength in standing.values())
                opened.add(alert.alert_id)
            case Worsened(alert):
                standing[alert.alert_id] = alert.strength
            case Withdrawn(alert_id):
                assert standing.pop(alert_id) <= min(standing.values(), default=MOST)
            case Closed(alert_id, _, strength, told):
                closed[alert_id] = told
                if alert_id in standing:
                    standing[alert_id] = strength
    counts = alerting.snapshot().counts
    assert len(opened) == counts.opened >= 5
    assert opened - set(closed) == ({alerting.snapshot().episode.alert.alert_id} if alerting.snapshot().episode else set())  # type: ignore[union-attr]
    assert counts.closed == len(closed) and counts.unseen == sum(not told for told in closed.values())
    assert len(standing) == counts.raised - counts.withdrawn


def test_the_order_of_signals_does_not_matter() -> None:
    signals, scores, quiet = random_rows(3)
    turned = Signals(signals.names[::-1], signals.values[:, ::-1].copy(), signals.seconds, signals.regimes)
    given = Scores(scores.score, scores.why, scores.parts[:, ::-1].copy())
    assert Alerting(QUICK, SUBJECT).feed(turned, given, quiet) == Alerting(QUICK, SUBJECT).feed(signals, scores, quiet)


def test_the_order_of_rows_and_the_signals_are_checked() -> None:
    alerting = Alerting(QUICK, SUBJECT)
    alerting.feed(*rows_of("....", 3600.0))
    with pytest.raises(ValueError, match=r"acme/L1/L1-M1: a row at 0.0 s follows one at 3780.0 s"):
        alerting.feed(*rows_of("."))
    signals, scores, quiet = rows_of("..")
    with pytest.raises(ValueError, match="heat"):
        Alerting(QUICK, SUBJECT).feed(Signals(("current",), signals.values[:, 1:], signals.seconds, signals.regimes), scores, quiet)
    with pytest.raises(ValueError, match="state is of 2 signals, not of 1"):
        Alerting(QUICK, replace(SUBJECT, channels={"heat": Channel("Heat")}), alerting.snapshot())


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="the state of alerting lacks"):
        AlertingState.from_json({"last_s": 1.0})


def test_a_machine_that_does_not_run_is_never_alerted() -> None:
    signals, scores, quiet = rows_of("XXXX")
    assert Alerting(QUICK, SUBJECT).feed(replace(signals, regimes=np.full(4, -1)), scores, quiet) == []


def test_an_endless_score_is_a_large_one() -> None:
    signals, scores, quiet = rows_of("XXXX")
    scores.score[:] = np.inf
    (event,) = Alerting(QUICK, SUBJECT).feed(signals, scores, quiet)
    assert isinstance(event, Raised) and event.alert.strength == MOST


@pytest.mark.parametrize("name", [field.name for field in fields(AlertingSettings)])
def test_a_setting_out_of_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is -1.*give"):
        replace(AlertingSettings(), **{name: -1})  # type: ignore[arg-type]


def test_how_sure_an_alert_is_comes_from_a_clean_recording() -> None:
    clean = Clean(3600.0, tuple(np.linspace(0.1, 1.6, 1000).tolist()))
    (alert,) = raised("####", subject=replace(SUBJECT, clean=clean))
    assert alert.sureness is not None and (alert.sureness.as_strong, alert.sureness.blocks) == (67, 1000)


def test_a_clean_recording_is_measured_as_alerts_are() -> None:
    #                held: 0.2, then 0.9 for three rows of three minutes, 0.7; a stop begins anew, and one row more is too few
    signals, scores, quiet = rows_of("....++++++oooosss+++?.....")
    assert Clean.of(signals.seconds, scores.score, quiet, 180, 120, block_s=300).maxima == (0.2, 0.2, 0.2, 0.7, 0.9)
    assert Clean.of(signals.seconds, scores.score, quiet, 180, 120, block_s=900).maxima == (0.2, 0.9)
    with pytest.raises(ValueError, match="no score of 3 rows was held for 180 s"):
        Clean.of(signals.seconds[:3], scores.score[:3], quiet[:3], 180, 120)


def test_bands_are_by_regime_and_need_rows() -> None:
    values = np.concatenate([np.arange(101.0), np.arange(101.0) + 1000, np.arange(20.0)])[:, None]
    regimes = np.repeat([0, 4, 7], [101, 101, 20])
    bands = usual_bands(Signals(("a",), values, np.arange(222.0), regimes), share=0.5)
    assert bands == {0: {"a": Band(25.0, 75.0)}, 4: {"a": Band(1025.0, 1075.0)}}
    with pytest.raises(ValueError, match=r"share is 0\.4"):
        usual_bands(Signals(("a",), values, np.arange(222.0), regimes), share=0.4)


def test_a_drift_of_a_machine_becomes_one_alert_that_names_its_signal() -> None:
    rng = np.random.default_rng(5)
    values = 20 + rng.normal(size=(6000, 2))
    values[4500:, 1] += np.linspace(0, 6, 1500)
    rows = Signals(("heat", "current"), values, 60.0 * np.arange(6000), np.zeros(6000, np.int64))
    model = CusumSettings(far=12).fit(rows.rows(0, 2000))
    scorer, quiet = model.scorer(), np.zeros(6000, bool)
    scores = scorer.score(rows)
    settings = AlertingSettings(usual=0.8)
    clean = Clean.of(rows.seconds[2000:4000], scores.score[2000:4000], quiet[2000:4000], settings.persistence_s, settings.longest_step_s)
    subject = replace(SUBJECT, clean=clean, bands=usual_bands(rows.rows(0, 2000)))
    events = Alerting(settings, subject).feed(
        rows.rows(4000, 6000), Scores(scores.score[4000:], scores.why[4000:], scores.parts[4000:]), quiet[4000:]
    )
    alerts = [event.alert for event in events if isinstance(event, Raised)]
    assert len(alerts) == 1
    assert alerts[0].contributions[0].signal == "current"
    began_min = (alerts[0].onset_ts - EPOCH).total_seconds() / 60
    assert 4400 < began_min < (alerts[0].raised_ts - EPOCH).total_seconds() / 60 < 5200
