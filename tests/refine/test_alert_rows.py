"""Alerts that a watcher told become one row each, whatever came late, twice, out of order or damaged."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mes_story import Bench, Row, event

from factolake.contracts import ops
from factolake.contracts.gold_alerts import ALERTS as GOLD_ALERTS
from factolake.contracts.silver_alerts import ALERT_EVENTS
from factolake.domain.alert import Alert, AlertKind, Band, Check, Contribution, ModelStamp, Regime, Severity, Stake, Sureness
from factolake.domain.alert_news import AlertNews, What, Words
from factolake.lake.engine import Engine
from factolake.lake.tables import Handle
from factolake.refine.alert_events import REFUSED_ALERTS, TOLD_ALERTS
from factolake.refine.alerts import ALERTS
from models.timeseries.alert_events import Closed, Raised, Withdrawn, Worsened
from pipelines.watching.telling import payload_of

T0 = datetime(2026, 3, 31, 22, tzinfo=UTC)
REFINEMENTS = (TOLD_ALERTS, ALERTS, REFUSED_ALERTS)
WORDS = Words("L1-M2: current other than usual.\nNaïve 😀 'quoted\" \\", "L1-M2: Strom anders als sonst.")


def an_alert(onset_min: float = 0, strength: float = 1.2, severity: Severity = Severity.LOW, **more: object) -> Alert:
    onset = T0 + timedelta(minutes=onset_min)
    current = Contribution("current", "Motor current", 4.5, "AMP", Band(3.0, 4.0), 0.7)
    known: dict[str, object] = {
        "kind": AlertKind.UNUSUAL, "severity": severity, "path": "acme/bremen/assembly/L1/L1-M2", "onset_ts": onset, "strength": strength,
        "raised_ts": onset + timedelta(minutes=12.000_000_05), "regime": Regime(0, "G-100"), "model": ModelStamp("signals.l1-m2", "3"),
        "contributions": (current, Contribution("temp", "Temperature", 71.5, "CEL", None, 0.3)),
    }  # fmt: skip
    return Alert(**{**known, **more})  # type: ignore[arg-type]


def shown(alert: Alert, what: What = What.RAISED, words: Words = WORDS, after_min: float = 0) -> AlertNews:
    return AlertNews(what, alert.alert_id, alert.raised_ts + timedelta(minutes=after_min), alert, words, alert.strength)


def over(alert: Alert, minutes: float, what: What = What.CLOSED, strength: float | None = None) -> AlertNews:
    return AlertNews(what, alert.alert_id, alert.raised_ts + timedelta(minutes=minutes), strength=strength)


def said(seq: int, news: AlertNews, *, epoch: int = 1, **more: object) -> Row:
    return {**event(seq, "", "L1-M2", json.dumps(news.to_json()), epoch=epoch), "kind": "alert", "source_id": "watch", **more}


@pytest.fixture
def bench(running_engine: Engine, tmp_path: Path) -> Bench:
    return Bench(running_engine, tmp_path)


@pytest.fixture
def quick(sail: Engine, tmp_path: Path) -> Bench:
    """On the default engine alone: what does not depend on what a transform computes."""
    return Bench(sail, tmp_path)


def refine(bench: Bench) -> dict[str, int]:
    """Rows written by refinement, of those that wrote any."""
    results = [bench.runner.run(one) for one in REFINEMENTS]
    return {result.refinement: result.rows_written for result in results if result.changed}


def test_an_alert_is_one_row_with_all_that_was_told_of_it(bench: Bench) -> None:
    known = {"sureness": Sureness(0, 999, 3600.0), "check": Check("Belt tension"), "stake": Stake("belt worn", 48.5, 30.0, 90.0, 4)}
    full = an_alert(kind=AlertKind.WEAR, strength=1.5, **known)
    worse = replace(full, strength=3.25, severity=Severity.HIGH)
    bench.land(
        said(1, shown(full)), said(2, shown(worse, What.WORSENED, after_min=30)), said(3, over(full, 90, strength=3.5)),
        said(4, shown(an_alert(600, contributions=()))), event(5, "order", "PO-1", "{}"),
    )  # fmt: skip
    assert refine(bench) == {"alert_events": 4, "alerts": 2}
    rows = {row["alert_id"]: row for row in bench.rows(GOLD_ALERTS)}
    assert rows[full.alert_id] == {
        "alert_id": full.alert_id, "machine": "L1-M2", "line": "L1", "kind": "wear", "severity": "high", "state": "closed", "onset_ts": T0,
        "raised_ts": full.raised_ts, "ended_ts": full.raised_ts + timedelta(minutes=90), "strength": 3.5, "first_signal": "current",
        "signals": "current temp", "text_en": WORDS.en, "text_de": WORDS.de, "check_text": "Belt tension", "model_name": "signals.l1-m2",
        "model_version": "3", "false_a_week": Sureness(0, 999, 3600.0).false_a_week, "stake_min": 48.5,
        "alert_json": json.dumps(worse.to_json(), ensure_ascii=False),
    }  # fmt: skip
    assert Alert.from_json(json.loads(rows[full.alert_id]["alert_json"])) == worse  # type: ignore[arg-type]
    bare = rows[an_alert(600).alert_id]
    assert (bare["state"], bare["ended_ts"], bare["signals"]) == ("open", None, "")
    assert all(bare[name] is None for name in ("first_signal", "check_text", "false_a_week", "stake_min"))
    bench.restart()
    assert refine(bench) == {}


def story(chance: random.Random) -> list[tuple[int, int, AlertNews]]:
    """(epoch, seq, news) of a few alerts, told by a watcher that was killed and told the end of its story again."""
    told: list[AlertNews] = []
    for place in range(5):
        first = an_alert(place * 100, 1.1)
        told.append(shown(first))
        told += [shown(replace(first, strength=strength), What.WORSENED, after_min=9) for strength in sorted(chance.sample([1.5, 2.5, 3.5], 2))]
        told += [over(first, 60, strength=4.0)] * chance.randrange(2)
        told += [over(first, 200, What.WITHDRAWN)] * (chance.random() < 0.4)
    again = [replace(news, words=Words("again", "wieder")) if news.words else news for news in told[len(told) // 2 :]]
    return [(1, seq, news) for seq, news in enumerate(told)] + [(2, seq, news) for seq, news in enumerate(again)]


def in_words(told: list[tuple[int, int, AlertNews]]) -> dict[str, tuple[object, ...]]:
    """State, end, strength, and the strength and words last told of the strongest: the same, written down independently."""
    found = {}
    for alert_id in {news.alert_id for *_, news in told}:
        mine = [(epoch, seq, news) for epoch, seq, news in told if news.alert_id == alert_id]
        ends = [news for *_, news in mine if news.what in ("closed", "withdrawn")]
        *_, best = max((one for one in mine if one[2].alert), key=lambda one: (one[2].alert.strength, one[0], one[1]))
        state = "withdrawn" if any(news.what == "withdrawn" for news in ends) else "closed" if ends else "open"
        strength = max(news.strength for *_, news in mine if news.strength is not None)
        found[alert_id] = (state, min((news.at for news in ends), default=None), strength, best.alert.strength, best.words.en)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_any_repetition_of_what_was_told_gives_the_same_rows(quick: Bench, seed: int) -> None:
    chance = random.Random(seed)
    told = story(chance)
    arriving = [said(seq, news, epoch=epoch) for epoch, seq, news in [*told, *chance.choices(told, k=10)]]
    chance.shuffle(arriving)
    cuts = sorted(chance.sample(range(len(arriving)), 3))
    for start, end in zip([0, *cuts], [*cuts, len(arriving)], strict=True):
        quick.land(*arriving[start:end])
        if chance.random() < 0.7:
            refine(quick)
        if chance.random() < 0.3:
            quick.restart()
    refine(quick)
    rows = {row["alert_id"]: row for row in quick.rows(GOLD_ALERTS)}
    best = {name: json.loads(row["alert_json"])["strength"] for name, row in rows.items()}  # type: ignore[arg-type]
    found = {name: (row["state"], row["ended_ts"], row["strength"], best[str(name)], row["text_en"]) for name, row in rows.items()}  # type: ignore[index]
    assert found == in_words(told)
    assert len(quick.rows(ALERT_EVENTS)) == len(told)


def test_the_end_of_an_alert_waits_for_its_beginning(quick: Bench) -> None:
    alert = an_alert()
    quick.land(said(2, over(alert, 60)))
    assert refine(quick) == {"alert_events": 1} and quick.rows(GOLD_ALERTS) == []
    quick.land(said(1, shown(alert)))
    assert refine(quick) == {"alert_events": 1, "alerts": 1}
    assert [row["state"] for row in quick.rows(GOLD_ALERTS)] == ["closed"]


def test_what_the_watcher_writes_is_what_is_read() -> None:
    alert, at = an_alert(), T0 + timedelta(hours=2)
    events = (Raised(alert), Worsened(alert), Withdrawn(alert.alert_id, at, "f" * 16), Closed(alert.alert_id, at, 1.7, True))
    read = [AlertNews.from_text(str(payload_of(event, at, lambda one: one, UTC))) for event in events]
    assert [news.what for news in read] == list(What)
    assert [(news.alert, news.strength) for news in read] == [(alert, 1.2), (alert, 1.2), (None, None), (None, 1.7)]
    assert [news.at for news in read] == [alert.raised_ts, at, at, at]
    assert read[0].words and read[0].words.en != read[0].words.de
    assert all(AlertNews.from_text(json.dumps(news.to_json())) == news for news in read)


GOOD = shown(an_alert()).to_json()
DEEP: dict[str, object] = {**GOOD, "alert": {**an_alert().to_json(), "strength": 10**400}}
BAD: dict[str, object] = {
    "not json": "not json", "a list": [GOOD], "another what": {**GOOD, "what": "lost"}, "no id": {**GOOD, "alert_id": None},
    "another id": {**GOOD, "alert_id": "0123456789abcdef"}, "no alert": {**GOOD, "alert": None}, "no words": {**GOOD, "words": {"en": "x"}},
    "broken words": {**GOOD, "words": {"en": "\ud800", "de": "x"}}, "numbers as words": {**GOOD, "words": {"en": 1, "de": "x"}},
    "no time": {**GOOD, "at": "2026-02-31T00:00:00Z"}, "local time": {**GOOD, "at": "2026-03-31T23:00:00"}, "strength": {**GOOD, "strength": 0.5},
    "not a number": {**GOOD, "strength": float("nan")}, "part of an alert": {**GOOD, "alert": {"alert_id": GOOD["alert_id"]}}, "huge": DEEP,
    "nested": "[" * 100_000,
}  # fmt: skip


def test_what_is_no_alert_is_refused_in_words_and_takes_nothing_else_with_it(quick: Bench) -> None:
    bad = [said(place, shown(an_alert()), payload=text if isinstance(text, str) else json.dumps(text)) for place, text in enumerate(BAD.values(), 10)]
    early, late = (an_alert(minutes) for minutes in (-60 * 24 * 366 * 40, 60 * 24 * 3))
    strange = [
        said(40, shown(an_alert()), subject="L1-M3"), said(41, shown(an_alert()), subject=None), said(42, shown(an_alert(path="L1-M2"))),
        said(50, shown(early)), said(51, shown(late)), said(52, over(an_alert(), 60 * 24 * 9000 * 9)),
    ]  # fmt: skip
    quick.land(said(1, shown(an_alert())), *bad, *strange)
    assert refine(quick) == {"alert_events": 1, "alerts": 1, "alert_quarantine": len(bad) + len(strange)}
    refused = {row["seq"]: row for row in quick.rows(ops.ALERT_QUARANTINE)}
    assert {name: refused[place]["rule"] for place, name in enumerate(BAD, 10)} == dict.fromkeys(BAD, "undecodable")
    assert [refused[place]["rule"] for place in (40, 41, 42, 50, 51, 52)] == ["wrong_machine"] * 3 + ["wrong_time"] * 3
    assert "'L1-M3' and the alert path acme/bremen/assembly/L1/L1-M2" in str(refused[40]["detail"])
    quick.land(*bad)
    assert refine(quick) == {}


def test_a_pass_without_an_alert_commits_nothing_and_asks_no_engine(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    quick.land(said(1, shown(an_alert())))
    refine(quick)
    versions = [quick.lake.open(one.output).version for one in REFINEMENTS]
    asked: list[str] = []
    monkeypatch.setattr(Engine, "rows", lambda *_: asked.append("rows"))
    quick.land(event(1, "order", "PO-1", "{}"), {**said(9, shown(an_alert())), "kind": "session"})
    assert refine(quick) == {} and refine(quick) == {} and asked == []
    assert [quick.lake.open(one.output).version for one in REFINEMENTS] == versions


def test_a_kill_between_the_events_and_the_row_is_made_good_by_the_next_pass(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    quick.land(said(1, shown(an_alert())))
    with monkeypatch.context() as patch:
        patch.setattr(Handle, "replace", lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            refine(quick)
    assert len(quick.rows(ALERT_EVENTS)) == 1
    quick.restart()
    assert refine(quick) == {"alerts": 1}
