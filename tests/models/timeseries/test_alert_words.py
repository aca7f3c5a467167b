"""Alerts in words: golden texts, no figure that the alert does not hold, nothing said of what is not known, headlines that fit."""

import doctest
import importlib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.alert import Alert, Band, Check, CheckSource, Contribution, PastEvent, Stake, Sureness
from factolake.domain.calendar import plant_zone
from models.timeseries.words.english import ENGLISH
from models.timeseries.words.figures import places_of
from models.timeseries.words.german import GERMAN
from models.timeseries.words.language import Language
from models.timeseries.words.text import in_words
from tests.models.timeseries.alerts import ONSET, alert, any_alert, bare

BERLIN = ZoneInfo("Europe/Berlin")
LANGUAGES = pytest.mark.parametrize("language", [ENGLISH, GERMAN], ids=lambda language: language.code)


@pytest.mark.parametrize("name", ["figures", "said", "english", "german", "rephrase"])
def test_examples_in_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"models.timeseries.words.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_an_alert_in_english() -> None:
    text = in_words(alert(), ENGLISH, BERLIN)
    assert text.headline.text == "L1-M1: unusual behaviour, Motor current above usual"
    assert text.body.text.splitlines() == [
        "acme/bremen/assembly/L1/L1-M1 shows unusual behaviour when producing PRODUCT-A; the deviation is clear.",
        "It began about 26 Nov 2026 14:05 CET and was noticed 14:45 CET.",
        "On a healthy machine an alert this strong is expected at most once in 5.9 weeks.",
        "Motor current 14.2 A, usually 10.1 to 12.0 A when producing PRODUCT-A (61 % of the deviation).",
        "Bearing temperature 61 °C, within its usual 40 to 62 °C when producing PRODUCT-A (25 % of the deviation).",
        "Similar to 17 Oct 2026 (87 % alike); cause: belt worn, fixed by: new belt, 47 min of stop.",
        "Check first: tension of the belt.",
        "If the cause is belt worn: of 12 past stops half took 52 min or longer, most 21 min to 131 min.",
        "Model: canonical 7; data: silver.values version 412.",
    ]


def test_an_alert_in_german_has_decimal_commas() -> None:
    text = in_words(alert(), GERMAN, BERLIN)
    assert text.headline.text == "L1-M1: ungewöhnliches Verhalten, Motor current höher als üblich"
    assert text.body.text.splitlines() == [
        "acme/bremen/assembly/L1/L1-M1 zeigt ungewöhnliches Verhalten bei Produkt PRODUCT-A; die Abweichung ist deutlich.",
        "Beginn etwa 26.11.2026 14:05 CET, bemerkt 14:45 CET.",
        "Bei einer gesunden Maschine ist eine so starke Meldung höchstens einmal in 5,9 Wochen zu erwarten.",
        "Motor current 14,2 A, üblich 10,1 bis 12,0 A bei Produkt PRODUCT-A (61 % der Abweichung).",
        "Bearing temperature 61 °C, innerhalb der üblichen 40 bis 62 °C bei Produkt PRODUCT-A (25 % der Abweichung).",
        "Ähnlich wie am 17.10.2026 (zu 87 % gleich); Ursache: belt worn, behoben durch: new belt, 47 min Stillstand.",
        "Zuerst prüfen: tension of the belt.",
        "Falls die Ursache belt worn ist: Von 12 früheren Stillständen dauerte die Hälfte 52 min oder länger, die meisten 21 min bis 131 min.",
        "Modell: canonical 7; Daten: silver.values Version 412.",
    ]


def test_what_is_not_known_is_not_said_and_leaves_no_hole() -> None:
    text = in_words(bare(), ENGLISH, BERLIN)
    assert text.headline.text == "L1-M1: unusual behaviour"
    assert (text.sure, text.evidence, text.similar, text.check, text.stake) == (None, (), (), None, None)
    assert text.body.text.splitlines() == [
        "acme/bremen/assembly/L1/L1-M1 shows unusual behaviour; the deviation is clear.",
        "It began about 26 Nov 2026 14:05 CET and was noticed 14:45 CET.",
        "Model: canonical 7.",
    ]


def test_each_part_of_a_past_event_is_said_by_itself() -> None:
    yesterday = ONSET - timedelta(days=1)
    events = (
        PastEvent("a", yesterday, 0.9),
        PastEvent("b", yesterday, 0.8, false_alarm=True),
        PastEvent("c", yesterday, 0.7, fix="Cleaned."),
        PastEvent("d", yesterday, 0.6, minutes=4.25),
    )
    assert [one.text for one in in_words(alert(similar=events), ENGLISH, UTC).similar] == [
        "Similar to 25 Nov 2026 (90 % alike).",
        "Similar to 25 Nov 2026 (80 % alike); a false alarm.",
        "Similar to 25 Nov 2026 (70 % alike); fixed by: Cleaned.",
        "Similar to 25 Nov 2026 (60 % alike); 4.2 min of stop.",
    ]


def test_a_check_says_whether_it_is_the_plants_or_what_helped() -> None:
    helped = in_words(alert(check=Check("new belt.", CheckSource.PAST_FIX)), ENGLISH, UTC).check
    assert helped is not None and helped.text == "What helped then: new belt."


def test_an_interval_is_said_only_where_there_is_one() -> None:
    stakes = [Stake("jam", 30.0, 30.0, 30.0, 1), Stake("jam", 30.0, 29.9, 30.3, 4)]
    told = [in_words(alert(stake=stake), ENGLISH, UTC).stake for stake in stakes]
    assert [one.text for one in told if one] == [
        "If the cause is jam: the only past stop took 30 min.",
        "If the cause is jam: 4 past stops took 30 min each.",
    ]


def test_a_frequent_alert_is_said_to_be_one() -> None:
    sure = in_words(alert(sureness=Sureness(14, 999, 3600.0)), ENGLISH, UTC).sure
    assert sure is not None and sure.text == "On a healthy machine an alert this strong is expected up to 2.5 times a week."


def test_times_are_of_the_plant_also_when_an_hour_comes_twice() -> None:
    #  00:30 UTC 02:30 CEST | clocks go back | 01:30 UTC 02:30 CET
    summer, winter = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert in_words(replace(bare(), onset_ts=summer, raised_ts=winter), ENGLISH, BERLIN).since.text == (
        "It began about 25 Oct 2026 02:30 CEST and was noticed 02:30 CET."
    )
    late = replace(bare(), onset_ts=winter - timedelta(days=1), raised_ts=winter)
    assert in_words(late, GERMAN, plant_zone("UTC+05:30")).since.text == "Beginn etwa 24.10.2026 07:00 UTC+05:30, bemerkt 25.10.2026 07:00 UTC+05:30."
    assert in_words(late, ENGLISH, ZoneInfo("Asia/Dubai")).since.text.endswith("noticed 25 Oct 2026 05:30 UTC+04.")
    assert in_words(replace(bare(), raised_ts=ONSET), ENGLISH, BERLIN).since.text == "It began about 26 Nov 2026 14:05 CET."


def test_a_value_beyond_its_band_is_never_shown_as_its_edge() -> None:
    one = Contribution("a", "Gap", 12.0004, "MMT", Band(10.1, 12.0), 0.5)
    assert in_words(alert(contributions=(one,)), GERMAN, UTC).evidence[0].text.startswith("Gap 12,0004 mm, üblich 10,1000 bis 12,0000 mm")


@given(st.floats(-1e6, 1e6), st.floats(0, 1e5), st.floats(1e-5, 1e5))
@settings(deadline=None, max_examples=200)
def test_a_value_beyond_its_band_reads_as_beyond(low: float, width: float, beyond: float) -> None:
    band = Band(low, low + width)
    for value, edge in ((band.high + beyond, band.high), (band.low - beyond, band.low)):
        places = places_of(value, band)
        assert band.side(value) == 0 or round(value, places) != round(edge, places)


@LANGUAGES
def test_a_name_is_never_cut_to_make_a_headline_fit(language: Language) -> None:
    long = replace(alert().contributions[0], label="Temperature of zone 12 of the second oven behind the washing line, sensor 4 at the inlet")
    assert in_words(alert(contributions=(long,)), language, UTC).headline.text == f"L1-M1: {language.kinds[alert().kind]}"
    nameless = in_words(alert(contributions=(long,), path="x" * 90), language, UTC).headline.text
    assert nameless.lower() == language.kinds[alert().kind].lower()


def values_of(one: object) -> Iterator[float]:
    """Every number an alert holds, and those its parts are asked for."""
    if isinstance(one, bool) or one is None or isinstance(one, str | datetime):
        return
    if isinstance(one, int | float):
        yield float(one)
    elif isinstance(one, tuple):
        for part in one:
            yield from values_of(part)
    elif is_dataclass(one):
        for field in fields(one):
            yield from values_of(getattr(one, field.name))
        if isinstance(one, Sureness):
            yield from (one.false_a_week, one.weeks_between)
        if isinstance(one, Contribution):
            yield 100 * one.share
        if isinstance(one, PastEvent):
            yield 100 * one.similarity


def texts_of(one: object) -> Iterator[str]:
    """Every text an alert holds."""
    if isinstance(one, str):
        yield one
    elif isinstance(one, tuple):
        for part in one:
            yield from texts_of(part)
    elif is_dataclass(one):
        for field in fields(one):
            yield from texts_of(getattr(one, field.name))


def figures_left(one: Alert, text: str, language: Language) -> set[str]:
    """Figures in a text that are no value of the alert, rounded: its own texts and times are taken out first."""
    for known in sorted({part.rstrip(".") for part in texts_of(one)} | {one.machine, "UTC+04"}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w)(?<!\d[.,]){re.escape(known)}(?!\w)(?![.,]\d)", " ", text)
    days = [when.astimezone(ZoneInfo("Asia/Dubai")) for when in (one.onset_ts, one.raised_ts, *(event.onset_ts for event in one.similar))]
    for when in days:
        text = text.replace(language.day(when.date()), " ")
    for when in days[:2]:
        text = text.replace(f"{when:%H:%M}", " ")
    values = list(values_of(one))
    left = set()
    for figure in re.findall(r"(?<![\w,.])-?\d+(?:[.,]\d+)?|\d", text):
        sign, places = language.decimal, len(figure.partition(language.decimal)[2])
        shown = float(figure.replace(sign, "."))
        if not any(abs(shown - value) <= 0.5000001 * 10**-places + 1e-9 * abs(value) for value in values):
            left.add(figure)
    return left


@LANGUAGES
@pytest.mark.parametrize("seed", range(0, 200, 25))
def test_every_figure_is_a_value_of_the_alert_and_every_headline_fits(language: Language, seed: int) -> None:
    for one in map(any_alert, range(seed, seed + 25)):
        holds_to(one, language)


def holds_to(one: Alert, language: Language) -> None:
    text = in_words(one, language, ZoneInfo("Asia/Dubai"))
    assert len(text.headline.text) <= 90
    for said in (text.headline, text.body):
        assert figures_left(one, said.text, language) == set()
        assert not re.search(r"  |\(\)| [,;.]|\.\.|None|nan|: \.|\{(?!7)", said.text), said.text
        assert all(fact in said.text for fact in said.facts)


@LANGUAGES
def test_a_figure_that_the_alert_does_not_hold_would_be_seen(language: Language) -> None:
    one = alert()
    text = in_words(one, language, ZoneInfo("Asia/Dubai")).body.text
    assert figures_left(one, text, language) == set()
    assert figures_left(one, text.replace(f"14{language.decimal}2", f"14{language.decimal}3"), language) == {f"14{language.decimal}3"}
    assert figures_left(one, text + " 77", language) == {"77"}


@LANGUAGES
def test_templates_hold_no_figure_and_no_jargon(language: Language) -> None:
    told = {field.name: getattr(language, field.name) for field in fields(language)}
    templates = [
        text for name, value in told.items() for text in ([value] if isinstance(value, str) else getattr(value, "values", list)()) if name != "code"
    ]
    assert len(templates) > 30
    for template in templates:
        literal = "".join(part[0] for part in Formatter().parse(template))
        assert not re.search(r"\d|sigma|σ|T²|quantile|Quantil|residual|conformal|p-value|score|threshold|Schwelle", literal), template
