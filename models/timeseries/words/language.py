"""What a language needs to tell of alerts: its templates, its decimal sign, how it writes a day, and the words that carry meaning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from factolake.domain.alert import AlertKind, CheckSource, Severity


@dataclass(frozen=True, slots=True)
class Language:
    """One language. Every template names only parts that it is given; what is not known is left out by choosing another template.

    `sides`: of a headline, by -1 below, 0 within or not known, 1 above. `telling`: words that a rephrased text has as often as the original:
    directions, negations, numbers in letters, units in letters.
    """

    code: str
    decimal: str
    day: Callable[[date], str]
    kinds: Mapping[AlertKind, str]
    deviations: Mapping[Severity, str]
    sides: Mapping[int, str]
    headline: str
    headline_short: str
    what: str
    what_product: str
    when_product: str
    since: str
    since_noticed: str
    rare: str
    frequent: str
    evidence: str
    evidence_within: str
    evidence_alone: str
    band: str
    similar: str
    similar_false: str
    similar_cause: str
    similar_fix: str
    similar_minutes: str
    checks: Mapping[CheckSource, str]
    stake: str
    stake_alike: str
    stake_one: str
    model: str
    model_data: str
    table: str
    telling: frozenset[str]
