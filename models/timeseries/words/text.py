"""An alert in words. Every number and name comes from the alert; what it does not say is not said."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from factolake.domain.alert import Alert, Contribution, PastEvent, Stake, Sureness
from models.timeseries.words.figures import figures, minutes, number, percent, places_of, with_unit
from models.timeseries.words.language import Language
from models.timeseries.words.said import Said, joined, say

HEADLINE_MOST = 90
"""Characters of a headline: what a telephone shows of a message."""


@dataclass(frozen=True, slots=True)
class AlertText:
    """The parts of an alert in words, in the order in which they are read; what the alert does not know is None or empty."""

    headline: Said
    what: Said
    since: Said
    sure: Said | None
    evidence: tuple[Said, ...]
    similar: tuple[Said, ...]
    check: Said | None
    stake: Said | None
    model: Said

    @property
    def body(self) -> Said:
        """All below the headline, a sentence a line."""
        parts = (self.what, self.since, self.sure, *self.evidence, *self.similar, self.check, self.stake, self.model)
        return joined("\n", [part for part in parts if part is not None])


def in_words(alert: Alert, language: Language, zone: tzinfo) -> AlertText:
    """`alert` in `language`, its times in the plant's `zone`."""
    product = _product(alert, language)
    return AlertText(
        _headline(alert, language),
        _what(alert, language),
        _since(alert, language, zone),
        _sure(alert.sureness, language) if alert.sureness else None,
        tuple(_evidence(one, product, language) for one in alert.contributions),
        tuple(_similar(event, language, zone) for event in alert.similar),
        say(language.checks[alert.check.source], check=alert.check.text.rstrip(".")) if alert.check else None,
        _stake(alert.stake, language) if alert.stake else None,
        _model(alert, language),
    )


def _headline(alert: Alert, language: Language) -> Said:
    """The fullest that is short enough: a name that is cut could be another's."""
    kind = Said(language.kinds[alert.kind])
    found = [say(language.headline_short, machine=alert.machine, kind=kind), Said(kind.text[0].upper() + kind.text[1:])]
    if alert.contributions:
        first = alert.contributions[0]
        signal = say(language.sides[first.side], label=first.label)
        found.insert(0, say(language.headline, machine=alert.machine, kind=kind, signal=signal))
    return next(one for one in found if len(one.text) <= HEADLINE_MOST)


def _what(alert: Alert, language: Language) -> Said:
    kind, deviation = Said(language.kinds[alert.kind]), Said(language.deviations[alert.severity])
    if alert.regime.product is None:
        return say(language.what, path=alert.path, kind=kind, deviation=deviation)
    return say(language.what_product, path=alert.path, kind=kind, deviation=deviation, product=alert.regime.product)


def _product(alert: Alert, language: Language) -> Said:
    return say(language.when_product, product=alert.regime.product) if alert.regime.product is not None else Said("")


def _since(alert: Alert, language: Language, zone: tzinfo) -> Said:
    onset, raised = alert.onset_ts.astimezone(zone), alert.raised_ts.astimezone(zone)
    begun, noticed = _minute(onset, language), _minute(raised, language)
    if begun == noticed:
        return say(language.since, onset=begun)
    return say(language.since_noticed, onset=begun, raised=_clock(raised) if onset.date() == raised.date() else noticed)


def _minute(local: datetime, language: Language) -> str:
    return f"{language.day(local.date())} {_clock(local)}"


def _clock(local: datetime) -> str:
    """With the zone's own name: one hour of the year comes twice."""
    name = local.tzname() or ""
    return f"{local:%H:%M} {'UTC' + name if name[:1] in ('+', '-') else name}".rstrip()


def _sure(sureness: Sureness, language: Language) -> Said:
    if sureness.false_a_week < 1:
        return say(language.rare, weeks=figures(sureness.weeks_between, 2, language.decimal))
    return say(language.frequent, times=figures(sureness.false_a_week, 2, language.decimal))


def _evidence(one: Contribution, product: Said, language: Language) -> Said:
    """A signal now, and what it usually is; its band is a fact as a whole, so that its unit holds for both ends."""
    places = places_of(one.value, one.usual)
    value, share = with_unit(number(one.value, places, language.decimal), one.unit), percent(one.share, language.decimal)
    if one.usual is None:
        return say(language.evidence_alone, label=one.label, value=value, product=product, share=share)
    low, high = (number(edge, places, language.decimal) for edge in (one.usual.low, one.usual.high))
    band = say(language.band, low=low, high=with_unit(high, one.unit)).text
    return say(language.evidence if one.side else language.evidence_within, label=one.label, value=value, band=band, product=product, share=share)


def _similar(event: PastEvent, language: Language, zone: tzinfo) -> Said:
    head = say(language.similar, onset=language.day(event.onset_ts.astimezone(zone).date()), alike=percent(event.similarity, language.decimal))
    known = [
        Said(language.similar_false) if event.false_alarm else None,
        say(language.similar_cause, cause=event.cause.rstrip(".")) if event.cause else None,
        say(language.similar_fix, fix=event.fix.rstrip(".")) if event.fix else None,
        say(language.similar_minutes, minutes=minutes(event.minutes, language.decimal)) if event.minutes is not None else None,
    ]
    told = [part for part in known if part is not None]
    return joined("", [head, *([Said("; "), joined(", ", told)] if told else []), Said(".")])


def _stake(stake: Stake, language: Language) -> Said:
    """In numbers as they are shown: an interval of one number is none."""
    median, low, high = (minutes(value, language.decimal) for value in (stake.median_min, stake.low_min, stake.high_min))
    if stake.stops == 1:
        return say(language.stake_one, cause=stake.cause, median=median)
    if low == high:
        return say(language.stake_alike, cause=stake.cause, stops=str(stake.stops), median=median)
    span = say(language.band, low=low, high=high).text
    return say(language.stake, cause=stake.cause, stops=str(stake.stops), median=median, range=span)


def _model(alert: Alert, language: Language) -> Said:
    model = f"{alert.model.name} {alert.model.version}"
    if not alert.data:
        return say(language.model, model=model)
    tables = [say(language.table, table=one.table, version=str(one.version)) for one in alert.data]
    return say(language.model_data, model=model, tables=joined(", ", tables))
