"""An alert's evidence: read back from its JSON, and as plain words for who decides about a proposal."""

import json

from factolake.domain.alert import Alert, Contribution, PastEvent
from factolake.domain.units import UNITS
from factolake.mes.signals.models import MachineAlert

COUNT = "C62"
"""The unit of what is only counted, which nobody writes."""


def read(alert: MachineAlert) -> Alert | None:
    """The alert with all its parts; None where the JSON is of another release or damaged: the page does without them."""
    try:
        found = json.loads(alert.evidence)
        return Alert.from_json(found) if isinstance(found, dict) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def evidence_of(alert: MachineAlert) -> dict[str, object]:
    """What the people who decide should see: a few sentences, each under its name."""
    told: dict[str, object] = {
        "machine_alert": alert.alert_id,
        "severity": alert.severity,
        "strength": f"{alert.strength:.2f}, 1 is the threshold",
        "unusual_since": f"{alert.onset_ts:%Y-%m-%d %H:%M} UTC",
    }
    found = read(alert)
    if found is None:
        return told
    told["signals"] = "; ".join(map(in_words, found.contributions)) or "not known"
    told["similar"] = "; ".join(map(_similar, found.similar)) or "no similar event is known"
    if found.stake is not None:
        at_stake = found.stake
        told["at_stake"] = f"{at_stake.median_min:.0f} min if it is {at_stake.cause}: the middle of {at_stake.stops} past stops"
    if found.sureness is not None:
        told["false_alarms"] = f"at most one so strong in {found.sureness.weeks_between:.1f} weeks of a healthy machine is expected"
    told["model"] = f"{found.model.name} {found.model.version}"
    return told


def in_words(part: Contribution) -> str:
    """One signal: its value, its usual band, its share."""
    usual = f", usually {part.usual.low:.4g} to {part.usual.high:.4g}" if part.usual is not None else ""
    return f"{part.label} {part.value:.4g}{symbol(part.unit)}{usual} ({part.share:.0%} of it)"


def symbol(code: str | None) -> str:
    """The unit behind a number, with a blank before it; nothing where there is none."""
    return f" {UNITS[code].symbol}" if code in UNITS and code != COUNT else ""


def _similar(event: PastEvent) -> str:
    if event.false_alarm:
        return f"{event.onset_ts:%Y-%m-%d}: a false alarm"
    said = [f"cause: {event.cause}" if event.cause else "", f"fixed by: {event.fix}" if event.fix else ""]
    return f"{event.onset_ts:%Y-%m-%d}: {', '.join(filter(None, said)) or 'nobody said what it was'}"
