"""Alerts in English."""

from datetime import date

from factolake.domain.alert import AlertKind, CheckSource, Severity
from models.timeseries.words.language import Language

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(of: date) -> str:
    """A day, the month in letters so that nobody takes it for the day.

    >>> day(date(2026, 3, 4))
    '4 Mar 2026'
    """
    return f"{of.day} {MONTHS[of.month - 1]} {of.year}"


ENGLISH = Language(
    code="en",
    decimal=".",
    day=day,
    kinds={
        AlertKind.UNUSUAL: "unusual behaviour",
        AlertKind.DRIFT: "slow change",
        AlertKind.VIBRATION: "unusual vibration",
        AlertKind.WEAR: "signs of wear",
    },
    deviations={Severity.LOW: "small", Severity.MEDIUM: "clear", Severity.HIGH: "large"},
    sides={-1: "{label} below usual", 0: "mainly {label}", 1: "{label} above usual"},
    headline="{machine}: {kind}, {signal}",
    headline_short="{machine}: {kind}",
    what="{path} shows {kind}; the deviation is {deviation}.",
    what_product="{path} shows {kind} when producing {product}; the deviation is {deviation}.",
    when_product=" when producing {product}",
    since="It began about {onset}.",
    since_noticed="It began about {onset} and was noticed {raised}.",
    rare="On a healthy machine an alert this strong is expected at most once in {weeks} weeks.",
    frequent="On a healthy machine an alert this strong is expected up to {times} times a week.",
    evidence="{label} {value}, usually {band}{product} ({share} of the deviation).",
    evidence_within="{label} {value}, within its usual {band}{product} ({share} of the deviation).",
    evidence_alone="{label} {value}{product} ({share} of the deviation).",
    band="{low} to {high}",
    similar="Similar to {onset} ({alike} alike)",
    similar_false="a false alarm",
    similar_cause="cause: {cause}",
    similar_fix="fixed by: {fix}",
    similar_minutes="{minutes} of stop",
    checks={CheckSource.PLANT: "Check first: {check}.", CheckSource.PAST_FIX: "What helped then: {check}."},
    stake="If the cause is {cause}: of {stops} past stops half took {median} or longer, most {range}.",
    stake_alike="If the cause is {cause}: {stops} past stops took {median} each.",
    stake_one="If the cause is {cause}: the only past stop took {median}.",
    model="Model: {model}.",
    model_data="Model: {model}; data: {tables}.",
    table="{table} version {version}",
    telling=frozenset(
        "above below within outside over under more less higher lower rising falling no not never none without nothing usual usually unusual normal "
        "healthy false alarm safe dangerous stop start only half most all once twice double one two three four five six seven eight nine ten dozen "
        "hundred thousand million second seconds minute minutes hour hours day days week weeks month months year years degree degrees percent ampere "
        "amperes amp amps volt volts watt watts bar pascal metre metres".split()
    ),
)
"""English templates."""
