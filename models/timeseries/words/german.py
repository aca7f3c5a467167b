"""Alerts in German."""

from datetime import date

from factolake.domain.alert import AlertKind, CheckSource, Severity
from models.timeseries.words.language import Language


def day(of: date) -> str:
    """A day.

    >>> day(date(2026, 3, 4))
    '04.03.2026'
    """
    return f"{of.day:02}.{of.month:02}.{of.year}"


GERMAN = Language(
    code="de",
    decimal=",",
    day=day,
    kinds={
        AlertKind.UNUSUAL: "ungewöhnliches Verhalten",
        AlertKind.DRIFT: "langsame Veränderung",
        AlertKind.VIBRATION: "ungewöhnliche Schwingungen",
        AlertKind.WEAR: "Anzeichen von Verschleiß",
    },
    deviations={Severity.LOW: "klein", Severity.MEDIUM: "deutlich", Severity.HIGH: "groß"},
    sides={-1: "{label} niedriger als üblich", 0: "vor allem {label}", 1: "{label} höher als üblich"},
    headline="{machine}: {kind}, {signal}",
    headline_short="{machine}: {kind}",
    what="{path} zeigt {kind}; die Abweichung ist {deviation}.",
    what_product="{path} zeigt {kind} bei Produkt {product}; die Abweichung ist {deviation}.",
    when_product=" bei Produkt {product}",
    since="Beginn etwa {onset}.",
    since_noticed="Beginn etwa {onset}, bemerkt {raised}.",
    rare="Bei einer gesunden Maschine ist eine so starke Meldung höchstens einmal in {weeks} Wochen zu erwarten.",
    frequent="Bei einer gesunden Maschine ist eine so starke Meldung bis zu {times} Mal in der Woche zu erwarten.",
    evidence="{label} {value}, üblich {band}{product} ({share} der Abweichung).",
    evidence_within="{label} {value}, innerhalb der üblichen {band}{product} ({share} der Abweichung).",
    evidence_alone="{label} {value}{product} ({share} der Abweichung).",
    band="{low} bis {high}",
    similar="Ähnlich wie am {onset} (zu {alike} gleich)",
    similar_false="ein Fehlalarm",
    similar_cause="Ursache: {cause}",
    similar_fix="behoben durch: {fix}",
    similar_minutes="{minutes} Stillstand",
    checks={CheckSource.PLANT: "Zuerst prüfen: {check}.", CheckSource.PAST_FIX: "Damals half: {check}."},
    stake="Falls die Ursache {cause} ist: Von {stops} früheren Stillständen dauerte die Hälfte {median} oder länger, die meisten {range}.",
    stake_alike="Falls die Ursache {cause} ist: {stops} frühere Stillstände dauerten je {median}.",
    stake_one="Falls die Ursache {cause} ist: Der einzige frühere Stillstand dauerte {median}.",
    model="Modell: {model}.",
    model_data="Modell: {model}; Daten: {tables}.",
    table="{table} Version {version}",
    telling=frozenset(
        "höher niedriger über unter mehr weniger größer kleiner steigend fallend innerhalb außerhalb kein keine keinen keiner keinem nicht nie "
        "niemals ohne nichts üblich üblichen unüblich normal gesunden fehlalarm sicher gefährlich stillstand nur einzige hälfte meisten "
        "alle einmal zweimal doppelt zwei drei vier fünf sechs sieben acht neun zehn dutzend hundert tausend million sekunde sekunden minute minuten "
        "stunde stunden tag tage woche wochen monat monate jahr jahre grad prozent ampere volt watt bar pascal meter".split()
    ),
)
"""German templates."""
