"""A language model that may only rephrase: off without one, and what it changes is refused."""

from collections.abc import Callable
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest

from factolake.errors import SourceUnavailable
from factolake.testing.scripted_rephraser import ScriptedRephraser
from models.timeseries.words.english import ENGLISH
from models.timeseries.words.german import GERMAN
from models.timeseries.words.language import Language
from models.timeseries.words.rephrase import Rephrased, Rephraser, rephrased, why_refused
from models.timeseries.words.text import in_words
from tests.models.timeseries.alerts import alert, any_alert

BERLIN = ZoneInfo("Europe/Berlin")
SAID = in_words(alert(), ENGLISH, BERLIN).body
NAMES = ("L1-M1", "L1-M2", "Motor current", "Oil pressure", "PRODUCT-B", "press")


def test_it_is_off_without_a_language_model() -> None:
    assert rephrased(SAID, ENGLISH, None) == Rephrased(SAID.text, "no language model is set")


def test_an_answer_that_keeps_to_the_facts_is_shown() -> None:
    model = ScriptedRephraser(
        lambda text: "\n" + text.replace("It began about", "This started around").replace("Check first:", "Please check first:") + " "
    )
    port: Rephraser = model
    shown = rephrased(SAID, ENGLISH, port, NAMES)
    assert shown.refused is None
    assert "This started around 26 Nov 2026 14:05 CET" in shown.text and shown.text == shown.text.strip()
    assert model.asked == [(SAID.text, "en")]


Change = Callable[[str], str]
CHANGES: dict[str, tuple[Change, str]] = {
    "a figure": (lambda text: text.replace("14.2 A", "14.3 A"), "'14.2 A' is missing"),
    "a figure within another": (lambda text: text.replace("52 min", "152 min"), "'52 min' is missing"),
    "a unit": (lambda text: text.replace("14.2 A", "14.2 kA"), "'14.2 A' is missing"),
    "a unit of a band": (lambda text: text.replace("12.0 A", "12.0 mA"), "'10.1 to 12.0 A' is missing"),
    "a name left out": (lambda text: text.replace("PRODUCT-A (61", "it (61"), "is missing or out of order"),
    "values swapped": (lambda text: text.replace("61 %", "#").replace("25 %", "61 %").replace("#", "25 %"), "missing or out of order"),
    "a day": (lambda text: text.replace("26 Nov", "27 Nov"), "'26 Nov 2026 14:05 CET' is missing"),
    "a figure added": (lambda text: text + " Costs 500.", "a figure came in"),
    "a figure of another script": (lambda text: text + " It is ½ full.", "a figure came in"),
    "a fact told twice": (lambda text: text + " Motor current matters.", "the name 'Motor current' came in"),
    "another machine": (lambda text: text.replace("Check first:", "Check first at L1-M2:"), "a figure came in"),
    "a product": (lambda text: text + " PRODUCT-B too.", "the name 'PRODUCT-B' came in"),
    "a signal": (lambda text: text + " See the oil pressure.", "the name 'Oil pressure' came in"),
    "a name nobody knows": (lambda text: text + " See PUMP.", "'PUMP' came in"),
    "a unit alone": (lambda text: text + " It is hot, in °C.", "'°C' came in"),
    "an address": (lambda text: text + " See pages/help.", "'pages/help' came in"),
    "a negation": (lambda text: text.replace("shows unusual", "shows no unusual"), "the word 'no' stands 1 times instead of 0"),
    "a direction": (lambda text: text.replace("within its usual", "above its usual"), "the word 'above' stands 1 times"),
    "a figure in letters": (lambda text: text + " It has two motors.", "the word 'two' stands 1 times"),
    "a word that turns the meaning left out": (lambda text: text.replace("half took", "all took"), "the word 'all' stands 1 times"),
    "a long story": (lambda text: text + " indeed" * 200, "characters"),
    "nothing": (lambda text: " \n", "characters"),
    "signs that are not text": (lambda text: text + "\x1b", "not text"),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_an_answer_that_changes_what_is_said_is_not_shown(change: Change, reason: str) -> None:
    shown = rephrased(SAID, ENGLISH, ScriptedRephraser(change), NAMES)
    assert change(SAID.text) != SAID.text
    assert shown.text == SAID.text
    assert shown.refused is not None and reason in shown.refused


@pytest.mark.parametrize("language", [ENGLISH, GERMAN], ids=lambda language: language.code)
def test_every_text_keeps_to_itself(language: Language) -> None:
    for one in map(any_alert, range(60)):
        text = in_words(one, language, BERLIN)
        assert why_refused(text.body, text.body.text, language) is None
        assert why_refused(text.headline, text.headline.text, language) is None


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("gone"), SourceUnavailable("busy"), ValueError("no JSON")], ids=repr)
def test_an_endpoint_that_fails_leaves_the_text_as_it_is(error: Exception) -> None:
    def fail(text: str) -> NoReturn:
        raise error

    shown = rephrased(SAID, ENGLISH, ScriptedRephraser(fail))
    assert shown.text == SAID.text and shown.refused is not None and "answer" in shown.refused


def test_an_endpoint_that_does_not_answer_is_not_waited_for() -> None:
    model = ScriptedRephraser(lambda text: text)
    model.answering.clear()
    shown = rephrased(SAID, ENGLISH, model, timeout_s=0.05)
    model.answering.set()
    assert shown == Rephrased(SAID.text, "no answer within 0.05 s")
