"""What a hold covers, worked out of plain values: from the last good check on, and everything that was or may have been made of it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from factolake.mes.quality.models.hold import Covered

Spread = Callable[[set[str]], set[str]]
"""From some lots to others: those made of them."""


def covered_since(last_good: Mapping[tuple[str, str], datetime | None]) -> datetime | None:
    """From when on a hold covers: the earliest of the last good checks of all characteristics in question.

    None, from ever, when one of them was never found good or nothing is checked: nobody knows of any part that it is good.
    """
    times = list(last_good.values())
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def scope(first: Mapping[str, Covered], made_of: Spread, may_contain: Spread) -> dict[str, Covered]:
    """Every lot that a hold on `first` covers, with the strongest reason why.

    `made_of` gives the lots that others went into over all levels; `may_contain` those of operations that used them without saying for which lot.
    """
    found = dict(first)
    new = set(first)
    while new:
        traced = made_of(new) - found.keys()
        found.update(dict.fromkeys(traced, Covered.MADE_OF))
        new = may_contain(new | traced) - found.keys()
        found.update(dict.fromkeys(new, Covered.MAY_CONTAIN))
    return found


def paths_above(path: str) -> list[str]:
    """The path itself and every one it lies in: `a/b/c`, `a/b`, `a`."""
    steps = path.split("/")
    return ["/".join(steps[:n]) for n in range(len(steps), 0, -1)]
