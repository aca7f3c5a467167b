"""Units of measure: UNECE Recommendation 20 common codes with exact conversions.

Factors and offsets are fractions, so a conversion there and back is exact. Only units of the same dimension convert.
"""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: value in the dimension's base unit = value * factor + offset."""

    code: str
    symbol: str
    dimension: str
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)


def _table(*units: Unit) -> dict[str, Unit]:
    return {unit.code: unit for unit in units}


UNITS = _table(
    Unit("C62", "1", "one"),
    Unit("P1", "%", "one", Fraction(1, 100)),
    Unit("SEC", "s", "time"),
    Unit("C26", "ms", "time", Fraction(1, 1000)),
    Unit("MIN", "min", "time", Fraction(60)),
    Unit("HUR", "h", "time", Fraction(3600)),
    Unit("CEL", "°C", "temperature", Fraction(1), Fraction(27315, 100)),
    Unit("FAH", "°F", "temperature", Fraction(5, 9), Fraction(45967, 100) * Fraction(5, 9)),
    Unit("KEL", "K", "temperature"),
    Unit("PAL", "Pa", "pressure"),
    Unit("BAR", "bar", "pressure", Fraction(100_000)),
    Unit("HBA", "hbar", "pressure", Fraction(10_000_000)),
    Unit("KPA", "kPa", "pressure", Fraction(1000)),
    Unit("MTR", "m", "length"),
    Unit("MMT", "mm", "length", Fraction(1, 1000)),
    Unit("INH", "in", "length", Fraction(254, 10_000)),
    Unit("MTS", "m/s", "speed"),
    Unit("C16", "mm/s", "speed", Fraction(1, 1000)),
    Unit("H81", "mm/min", "speed", Fraction(1, 60_000)),
    Unit("RPM", "r/min", "rotation"),
    Unit("RPS", "r/s", "rotation", Fraction(60)),
    Unit("NEW", "N", "force"),
    Unit("B47", "kN", "force", Fraction(1000)),
    Unit("NU", "N·m", "torque"),
    Unit("AMP", "A", "current"),
    Unit("VLT", "V", "voltage"),
    Unit("WTT", "W", "power"),
    Unit("KWT", "kW", "power", Fraction(1000)),
    Unit("KWH", "kW·h", "energy"),
    Unit("WHR", "W·h", "energy", Fraction(1, 1000)),
    Unit("KGM", "kg", "mass"),
    Unit("GRM", "g", "mass", Fraction(1, 1000)),
    Unit("LTR", "l", "volume"),
    Unit("L2", "l/min", "flow"),
    Unit("DD", "°", "angle"),
)
"""Every unit a plant file may name, by its common code."""


def conversion(source: str, target: str) -> tuple[Fraction, Fraction]:
    """(factor, offset) with target = source * factor + offset.

    Raises ValueError when either code is not known or the two measure different things.

    >>> conversion("FAH", "CEL")
    (Fraction(5, 9), Fraction(-160, 9))
    """
    unknown = [code for code in (source, target) if code not in UNITS]
    if unknown:
        raise ValueError(f"unit {unknown[0]!r} is not a known UNECE Rec 20 code; known: {', '.join(sorted(UNITS))}")
    a, b = UNITS[source], UNITS[target]
    if a.dimension != b.dimension:
        raise ValueError(f"unit {source} ({a.dimension}) cannot be converted to {target} ({b.dimension})")
    return a.factor / b.factor, (a.offset - b.offset) / b.factor
