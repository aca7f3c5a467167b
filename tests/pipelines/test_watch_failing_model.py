"""A model that raises, hangs or gives no number costs its own machine alerts, with a sentence; the other machines are judged as ever."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from watched_line import MACHINE, PLANT, SIGNALS, T0, bundle, record, story

from factolake.bus.codec import decode
from factolake.bus.port import Record, StoredRecord
from factolake.config import load_plant
from factolake.landing.decode import Arrival, decode_batch
from models.registry.catalogue import Verified
from models.registry.serving import Serving
from models.timeseries.pca import Pca
from models.timeseries.signals import Scores, Signals
from pipelines.watching import judging
from pipelines.watching.champions import model_name
from pipelines.watching.following import Watch
from pipelines.watching.standing import Figures, Standing, judge_watch

OTHER = "L1-M2"
EPISODE = ((15, 0.0), (30, 4.0), (75, 0.0))
BAD_MINUTES = range(5, 8)
Answer = Callable[[Scores], Scores]


def raises(_: Scores) -> Scores:
    raise KeyError("bearing_temp")


def hangs(scores: Scores) -> Scores:
    time.sleep(60)
    return scores


def says_nothing(scores: Scores) -> Scores:
    return replace(scores, score=np.full(len(scores.score), np.nan))


class Failing:
    """Answers as `scorer` but for the bad minutes."""

    def __init__(self, scorer: object, answer: Answer) -> None:
        self._scorer, self._answer = scorer, answer

    def score(self, signals: Signals) -> Scores:
        minutes = (signals.seconds - T0.timestamp()) // 60
        scores = self._scorer.score(signals)  # type: ignore[attr-defined]
        return self._answer(scores) if len(minutes) == 1 and minutes[0] in BAD_MINUTES else scores


def both(records: Sequence[Record]) -> list[Record]:
    """The same of two machines."""
    found = []
    for one in records:
        rows = decode(one)[1].to_pylist()
        found.append(record([*rows, *({**row, "idx": row["idx"] + 100, "tag": row["tag"].replace(MACHINE, OTHER)} for row in rows)]))
    return found


class Watched:
    """Two machines with the same story and the same model, but that of the first one fails."""

    def __init__(self, folder: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
        failing, sound, scorer = bundle(), bundle(0.001), Pca.scorer
        monkeypatch.setattr(Pca, "scorer", lambda model: Failing(scorer(model), answer) if model is failing.model else scorer(model))
        self.servings = {
            machine: Serving(model_name(machine), SIGNALS, Verified(1, "0" * 64, model)) for machine, model in ((MACHINE, failing), (OTHER, sound))
        }
        self.watch = Watch(load_plant(PLANT), folder, 1)
        self.records = both(story(*EPISODE))
        self.read = 0

    def go_on(self, minutes: int) -> None:
        """Judge all minutes before this one."""
        self.watch.serve(self.servings, dict)
        stored = [StoredRecord(self.read + at, one) for at, one in enumerate(self.records[self.read : minutes + 1])]
        now = T0 + timedelta(minutes=minutes, seconds=10)
        self.watch.take(decode_batch(stored, Arrival("log", now)).readings)
        self.watch.passed(now)
        self.read += len(stored)

    def raised(self) -> set[str]:
        return {told.machine for told in self.watch.waiting if json.loads(told.payload)["what"] == "raised"}


@pytest.mark.parametrize(("answer", "why"), [(raises, "KeyError 'bearing_temp'"), (hangs, "TookTooLong it had not ended after 0.2 s")])
def test_a_model_that_fails_is_left_out_for_an_hour_while_others_are_judged(
    tmp_path: Path, answer: Answer, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "MINUTE_LIMIT_S", 0.2 if answer is hangs else 60.0)
    watched = Watched(tmp_path, answer, monkeypatch)
    watched.go_on(5)
    assert watched.watch.troubles() == ()
    watched.go_on(45)
    said = f"{MACHINE}: version 1 of its model is left out until 2026-03-10 07:05 UTC, for it cannot judge: {why}"
    assert watched.watch.troubles() == (said,) and watched.raised() == {OTHER}
    finding = judge_watch(Standing(T0, (), watched.watch.figures(), watched.watch.troubles()))
    assert finding.state == "degraded" and said in finding.cause
    watched.go_on(120)
    assert watched.watch.troubles() == () and watched.raised() == {OTHER}


def test_minutes_without_a_number_are_unscored_and_said_as_long_as_they_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(tmp_path, says_nothing, monkeypatch)
    watched.go_on(7)
    assert watched.watch.troubles() == (f"{MACHINE}: 2 minutes up to now are unscored, for its model gave no number from 0 on",)
    watched.go_on(45)
    assert watched.watch.troubles() == () and watched.raised() == {MACHINE, OTHER}


def test_a_new_version_takes_over_at_once_and_the_same_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(tmp_path, raises, monkeypatch)
    watched.go_on(10)
    watched.go_on(12)
    assert len(watched.watch.troubles()) == 1
    watched.servings[MACHINE] = replace(watched.servings[MACHINE], model=Verified(2, "1" * 64, bundle(0.002)))
    watched.go_on(45)
    assert watched.watch.troubles() == () and watched.raised() == {MACHINE, OTHER}


def test_walls_that_could_not_be_had_are_told_and_no_illness() -> None:
    finding = judge_watch(Standing(T0, (), Figures(1, 0, 0, 0, 0), (), ("a user of its own", "namespaces")))
    assert finding.state == "healthy"
    assert finding.cause == "1 machines are watched; models are tried without a user of its own and namespaces, which this system does not allow"
