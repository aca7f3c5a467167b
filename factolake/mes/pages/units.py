"""Units as people write them, by their UNECE Rec 20 code."""

UNITS = {
    "C62": "pcs", "KGM": "kg", "GRM": "g", "TNE": "t", "MTR": "m", "MMT": "mm", "MTK": "m²", "LTR": "l", "MTQ": "m³", "HUR": "h",
    "4H": "µm", "CMT": "cm", "CEL": "°C", "BAR": "bar", "NU": "Nm", "NEW": "N", "P1": "%", "SEC": "s", "MIN": "min",
}  # fmt: skip


def unit(code: str) -> str:
    """A code as people write it; one that is not here stays a code."""
    return UNITS.get(code, code)
