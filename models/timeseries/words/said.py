"""A text that knows which parts of it are facts: values, times and names, in the order in which they stand."""

from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True, slots=True)
class Said:
    """`facts`: the parts of `text` that come from the data, word for word."""

    text: str
    facts: tuple[str, ...] = ()


def say(template: str, **parts: str | Said) -> Said:
    """`template` with its parts filled in: a plain text is a fact, what was said before keeps its own facts.

    >>> say("{who} {how} {much}", who="L1-M1", how=Said("draws"), much="14.2 A")
    Said(text='L1-M1 draws 14.2 A', facts=('L1-M1', '14.2 A'))
    """
    text, facts = "", list[str]()
    for literal, name, _, _ in Formatter().parse(template):
        text += literal
        if name is not None:
            part = parts[name]
            said = part if isinstance(part, Said) else Said(part, (part,))
            text += said.text
            facts += said.facts
    return Said(text, tuple(facts))


def joined(between: str, parts: list[Said]) -> Said:
    """Parts one after the other."""
    return Said(between.join(part.text for part in parts), tuple(fact for part in parts for fact in part.facts))
