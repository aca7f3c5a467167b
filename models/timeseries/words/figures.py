"""Numbers as people read them: as many digits as tell something, the decimal sign of the language, the unit's own symbol."""

import math

from factolake.domain.alert import Band
from factolake.domain.units import UNITS

MOST_PLACES = 9
"""Places behind the decimal sign; what differs less than this is shown as equal."""


def number(value: float, places: int, sign: str = ".") -> str:
    """`value` with so many places; never a negative nothing.

    >>> number(-0.04, 1), number(1234.56, 1, ",")
    ('0.0', '1234,6')
    """
    return f"{round(value, places) + 0.0:.{places}f}".replace(".", sign)


def figures(value: float, count: int, sign: str = ".") -> str:
    """`value` with `count` digits that count, but no digit of a whole number is hidden.

    >>> figures(5.943, 2), figures(0.0421, 2), figures(123.4, 2)
    ('5.9', '0.042', '123')
    """
    return number(value, _places(abs(value), count), sign)


def places_of(value: float, usual: Band | None) -> int:
    """Places to show a signal's value with: a twentieth to a half of a hundredth of its usual band, or three digits where no band is known.

    More where a value beyond the band would else read as its edge.

    >>> places_of(14.2, Band(10.1, 12.0)), places_of(12.004, Band(10.1, 12.0)), places_of(1480.2, None)
    (1, 3, 0)
    """
    if usual is None:
        return _places(abs(value), 3)
    places = _places(usual.high - usual.low or abs(value), 2)
    edge = usual.high if usual.side(value) > 0 else usual.low
    while usual.side(value) and places < MOST_PLACES and round(value, places) == round(edge, places):
        places += 1
    return places


def with_unit(text: str, unit: str | None) -> str:
    """`text` and the symbol of a UNECE Rec 20 code; a plain count has none.

    >>> with_unit("21.5", "CEL"), with_unit("7", "C62"), with_unit("90", "DD"), with_unit("3", None)
    ('21.5 °C', '7', '90°', '3')
    """
    symbol = UNITS[unit].symbol if unit else "1"
    if symbol == "1":
        return text
    return text + symbol if symbol == "°" else f"{text} {symbol}"


def percent(share: float, sign: str = ".") -> str:
    """A share of 1 in whole per cent; below one, a digit that counts.

    >>> percent(0.614), percent(0.004)
    ('61 %', '0.4 %')
    """
    return f"{figures(100 * share, 1, sign)} %"


def minutes(value: float, sign: str = ".") -> str:
    """Minutes, whole ones from ten on."""
    return f"{figures(value, 2, sign)} min"


def _places(size: float, count: int) -> int:
    if size == 0:
        return 0
    return min(max(count - 1 - math.floor(math.log10(size)), 0), MOST_PLACES)
