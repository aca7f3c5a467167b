"""A language model may put a text otherwise, and nothing else: who asks it, and what an answer has to keep to be shown.

It is off unless a `Rephraser` is given. The check does not trust it: facts stand word for word and in order, no figure, unit or name comes in, and
words that turn a meaning (not, above, half) are as many as before. That bounds what can be said wrongly; it cannot prove that a text means the same,
so that the text made of templates is what is kept and counted. There is no network code here.
"""

import re
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from factolake.domain.units import UNITS
from factolake.errors import Transient
from models.timeseries.words.language import Language
from models.timeseries.words.said import Said

LONGER = 1.5
"""Times the original's length that an answer may have."""
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\s,;:.!?()]+")
_SYMBOLS = frozenset(unit.symbol for unit in UNITS.values()) - {"in", "A", "1"}
"""Less those that are words or figures; values keep their unit as part of the fact."""


class Rephraser(Protocol):
    """An endpoint of a language model."""

    def rephrase(self, text: str, language: str, timeout_s: float) -> str:
        """`text` put otherwise in the language of that code. Gives up after `timeout_s`. Raises TimeoutError, OSError, ValueError or Transient."""
        ...


@dataclass(frozen=True, slots=True)
class Rephrased:
    """The text to show; `refused`: why it is the original, None where the answer was taken."""

    text: str
    refused: str | None


def rephrased(said: Said, language: Language, rephraser: Rephraser | None, names: Collection[str] = (), timeout_s: float = 5.0) -> Rephrased:
    """`said` as `rephraser` puts it where that keeps to the facts, else as it is; `names`: of the plant, none of which may come in.

    Waits for `timeout_s` at most, whatever the endpoint does; a later answer is not looked at.
    """
    if rephraser is None:
        return Rephrased(said.text, "no language model is set")
    asked = ThreadPoolExecutor(1)
    try:
        answer = asked.submit(rephraser.rephrase, said.text, language.code, timeout_s).result(timeout_s)
    except TimeoutError:
        return Rephrased(said.text, f"no answer within {timeout_s} s")
    except (OSError, ValueError, Transient) as cause:
        return Rephrased(said.text, f"the language model did not answer: {cause}")
    finally:
        asked.shutdown(wait=False, cancel_futures=True)
    refused = why_refused(said, answer, language, names)
    return Rephrased(said.text if refused else answer.strip(), refused)


def why_refused(said: Said, answer: str, language: Language, names: Collection[str] = ()) -> str | None:
    """What an answer changed, None where it only put `said` otherwise.

    >>> from models.timeseries.words.english import ENGLISH
    >>> said = Said("Motor current 14.2 A, usually 10.1 to 12.0 A.", ("Motor current", "14.2 A", "10.1 to 12.0 A"))
    >>> why_refused(said, "Motor current is 14.2 A; usually it is 10.1 to 12.0 A.", ENGLISH)
    >>> why_refused(said, "Motor current is 14.3 A; usually it is 10.1 to 12.0 A.", ENGLISH)
    "'14.2 A' is missing or out of order"
    """
    if not answer.strip() or len(answer) > LONGER * len(said.text) or not all(one.isprintable() or one == "\n" for one in answer):
        return f"the answer has {len(answer)} characters, or some that are not text"
    before, after = said.text, answer
    for fact in said.facts:
        rest = _after(fact, after)
        if rest is None:
            return f"{fact!r} is missing or out of order"
        after = rest
    between, original = _between(said.facts, answer), _between(said.facts, before)
    return _added(original, between, language, {*names, *said.facts})


def _place(fact: str, text: str) -> re.Match[str] | None:
    """Where a fact stands by itself: 4.2 is not in 14.2, and 12 not in 12.5."""
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(fact)}(?!\w)(?![.,]\d)", text)


def _after(fact: str, text: str) -> str | None:
    found = _place(fact, text)
    return text[found.end() :] if found else None


def _between(facts: Collection[str], text: str) -> str:
    """`text` without the facts, which stand in it in order."""
    left = []
    for fact in facts:
        found = _place(fact, text)
        if found:
            left.append(text[: found.start()])
            text = text[found.end() :]
    return " | ".join([*left, text])


def _added(original: str, between: str, language: Language, names: Collection[str]) -> str | None:
    """What stands between the facts that did not before."""
    if any(one.isnumeric() for one in between):
        return "a figure came in"
    for name in sorted(names):
        if len(_all(name, between)) > len(_all(name, original)):
            return f"the name {name!r} came in"
    known = set(_TOKEN.findall(original))
    for token in _TOKEN.findall(between):
        if token not in known and (token in _SYMBOLS or re.search(r"\w[A-Z]|[/_\\<>@]", token)):
            return f"{token!r} came in, which looks like a unit or a name"
    were, are = (Counter(word for word in map(str.casefold, _WORD.findall(text)) if word in language.telling) for text in (original, between))
    changed = sorted(word for word in were.keys() | are.keys() if were[word] != are[word])
    return f"the word {changed[0]!r} stands {are[changed[0]]} times instead of {were[changed[0]]}" if changed else None


def _all(name: str, text: str) -> list[str]:
    return re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
