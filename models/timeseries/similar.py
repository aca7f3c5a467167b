"""What an alert reminds of: earlier alerts whose signals took part alike and to the same side, what to check first, and how long such stops took.

What earlier alerts were in truth is what people said (`Verdict`), and which check belongs to what is the plant's own table (`CheckRule`); both
are handed in. Nothing is made up: where neither knows anything, there is no check and no stake.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from factolake.domain.alert import Alert, Check, CheckSource, Contribution, PastEvent, Stake

MOST_OF_THEM = 0.8
"""Of past stops, how many lie between the low and the high minutes of a stake, where there are ten or more; else all do."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What people said of an alert; None is what nobody said. `minutes`: how long the machine stood because of it."""

    false_alarm: bool | None = None
    cause: str | None = None
    fix: str | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A line of the plant's table: the check where this was the cause, or where this signal is named. `side`: -1 below usual, 1 above, None any.

    Raises ValueError where it says neither or both.
    """

    check: str
    cause: str | None = None
    signal: str | None = None
    side: int | None = None

    def __post_init__(self) -> None:
        if (self.cause is None) == (self.signal is None) or self.side not in (None, -1, 0, 1) or (self.signal is None and self.side is not None):
            raise ValueError(f"check {self.check!r} is for cause {self.cause!r}, signal {self.signal!r} at {self.side}; give a cause, or a signal")


def similarity(one: Sequence[Contribution], other: Sequence[Contribution]) -> float:
    """How alike two alerts are, 0 to 1: the cosine of their signals' shares, where a signal that went to opposite sides counts nothing.

    A signal that was out of its band in one of them only counts half.

    >>> def hot(share: float, value: float) -> Contribution:
    ...     return Contribution("heat", "Heat", value, "CEL", Band(10.0, 20.0), share)
    >>> from factolake.domain.alert import Band
    >>> round(similarity([hot(0.9, 25.0)], [hot(0.4, 30.0)]), 6), similarity([hot(0.9, 25.0)], [hot(0.9, 5.0)])
    (1.0, 0.0)
    """
    others = {theirs.signal: theirs for theirs in other}
    pairs = [(mine, others[mine.signal]) for mine in one if mine.signal in others]
    product = math.fsum(mine.share * theirs.share * (1 - abs(mine.side - theirs.side) / 2) for mine, theirs in pairs)
    length = math.sqrt(math.fsum(mine.share**2 for mine in one) * math.fsum(theirs.share**2 for theirs in other))
    return min(product / length, 1.0) if length else 0.0


def similar_events(alert: Alert, past: Iterable[Alert], verdicts: Mapping[str, Verdict], least: float = 0.7, most: int = 3) -> tuple[PastEvent, ...]:
    """The `most` earlier alerts that are most alike, `least` or more, the later of equal ones first; `verdicts` by alert id.

    Alerts that were raised at this one's onset or later are left out: nothing could be learned from them when this began.
    """
    near = [(similarity(alert.contributions, one.contributions), one) for one in past if one.raised_ts < alert.onset_ts]
    ranked = sorted((pair for pair in near if pair[0] >= least), key=lambda pair: (-pair[0], -pair[1].onset_ts.timestamp(), pair[1].alert_id))
    return tuple(_event(one, alike, verdicts.get(one.alert_id, Verdict())) for alike, one in ranked[:most])


def _event(past: Alert, alike: float, verdict: Verdict) -> PastEvent:
    return PastEvent(past.alert_id, past.onset_ts, alike, verdict.cause, verdict.fix, verdict.false_alarm, verdict.minutes)


def suggested_check(alert: Alert, similar: Sequence[PastEvent], rules: Sequence[CheckRule]) -> Check | None:
    """What to look at first: the plant's check for the cause of the most similar event, or for the first signal that has one, or what helped before.

    False alarms tell of no cause.
    """
    real = [event for event in similar if not event.false_alarm]
    for event in real:
        for rule in rules:
            if rule.cause is not None and rule.cause == event.cause:
                return Check(rule.check)
    for contribution in alert.contributions:
        for rule in rules:
            if rule.signal == contribution.signal and rule.side in (None, contribution.side):
                return Check(rule.check)
    fixes = [event.fix for event in real if event.fix]
    return Check(fixes[0], CheckSource.PAST_FIX) if fixes else None


def stake(cause: str, minutes: Iterable[float]) -> Stake | None:
    """Of how long past stops of a cause took; None where there was none.

    >>> stake("belt worn", [30.0, 50.0, 200.0])
    Stake(cause='belt worn', median_min=50.0, low_min=30.0, high_min=200.0, stops=3)
    """
    known = np.array(sorted(minutes), dtype=np.float64)
    if not len(known):
        return None
    beyond = (1 - MOST_OF_THEM) / 2 if len(known) >= 10 else 0.0
    low, middle, high = np.quantile(known, (beyond, 0.5, 1 - beyond)).tolist()
    return Stake(cause, middle, low, high, len(known))


def likely_cause(similar: Sequence[PastEvent]) -> str | None:
    """What the most similar event was that people found real."""
    return next((event.cause for event in similar if event.cause and not event.false_alarm), None)


def dressed(
    alert: Alert, past: Sequence[Alert], verdicts: Mapping[str, Verdict], rules: Sequence[CheckRule], stops: Mapping[str, Sequence[float]]
) -> Alert:
    """`alert` with what it reminds of; `stops`: minutes of past stops by cause. Its id stays."""
    similar = similar_events(alert, past, verdicts)
    cause = likely_cause(similar)
    return replace(
        alert, similar=similar, check=suggested_check(alert, similar, rules), stake=stake(cause, stops.get(cause, ())) if cause is not None else None
    )
