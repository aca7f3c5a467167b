"""A pattern in words, by template: what a signal does, what its partner does meanwhile, what is usual then, and how often the fit had that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pattern_chances import Chances
from pattern_words import SLOPES, WORDS

from models.timeseries.words.figures import percent
from models.timeseries.words.said import Said, say


@dataclass(frozen=True, slots=True)
class Patterns:
    """The templates of a language; `levels` and `slopes` are by bin, the lowest first."""

    decimal: str
    levels: tuple[str, ...]
    slopes: tuple[str, ...]
    does: str
    alone: str
    beside: str
    seen: str
    never: str


ENGLISH = Patterns(
    ".",
    ("far below", "well below", "below", "as", "above", "well above", "far above"),
    ("falls fast", "falls", "stays", "rises", "rises fast"),
    "is {level} expected and {slope}",
    "{signal} {does}, where it usually {usual}; {seen}.",
    "{signal} {does} while {partner} {partner_does}, where {signal} usually {usual}; {seen}.",
    "seen in {share} of the minutes of the fit",
    "never seen in the minutes of the fit",
)
GERMAN = Patterns(
    ",",
    (
        *("weit unter dem Erwarteten", "deutlich unter dem Erwarteten", "unter dem Erwarteten"),
        "wie erwartet",
        *("über dem Erwarteten", "deutlich über dem Erwarteten", "weit über dem Erwarteten"),
    ),
    ("fällt schnell", "fällt", "bleibt gleich", "steigt", "steigt schnell"),
    "{level} und {slope}",
    "{signal}: {does}; üblich: {usual}; {seen}.",
    "{signal}: {does}; zugleich {partner}: {partner_does}; üblich ist dann für {signal}: {usual}; {seen}.",
    "in {share} der gelernten Minuten gesehen",
    "in den gelernten Minuten nie gesehen",
)
LANGUAGES: Mapping[str, Patterns] = {"en": ENGLISH, "de": GERMAN}


def pattern(chances: Chances, signal: str, word: int, partner: str | None, partner_word: int, language: Patterns) -> Said:
    """What `signal` does and `partner` (None: the signal has none) does meanwhile, by their words."""
    found = chances.beside(partner_word)
    usual = int(found.argmax()) if found.any() else WORDS // 2
    share = float(found[word] / max(chances.count.sum(), 1.0))
    seen = say(language.seen, share=percent(share, language.decimal)) if share > 0 else Said(language.never)
    parts: dict[str, str | Said] = {"signal": signal, "does": _does(word, language), "usual": _does(usual, language), "seen": seen}
    if partner is None:
        return say(language.alone, **parts)
    return say(language.beside, **parts, partner=partner, partner_does=_does(partner_word, language))


def _does(word: int, language: Patterns) -> Said:
    level, slope = divmod(int(np.int64(word)), len(SLOPES) + 1)
    return say(language.does, level=Said(language.levels[level]), slope=Said(language.slopes[slope]))
