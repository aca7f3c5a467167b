"""Alerts of machines as a model raises them: as rows of the lake's table, and as the record has them."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mes_rows import make_row

from factolake.contracts.gold_alerts import ALERTS
from factolake.domain.alert import Alert, AlertKind, Band, Check, Contribution, ModelStamp, PastEvent, Regime, Severity, Stake, Sureness
from factolake.mes.signals.models import MachineAlert
from factolake.mes.signals.takeover import lake_alert, new_alert

RAISED = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINE_PATH = "acme/bremen/assembly/L1"
PLANT_ZONE = ZoneInfo("Europe/Berlin")
DEVIATIONS = {"low": "small", "medium": "clear", "high": "large"}
SIGNALS = ("spindle_current", "spindle_temperature", "coolant_flow")
ENGLISH = (
    "{machine}: unusual behaviour, spindle current above usual\n{path} shows unusual behaviour; the deviation is {deviation}.\n"
    "It began about {onset}."
)
GERMAN = "{machine}: ungewöhnliches Verhalten, Spindelstrom über üblich\n{path} zeigt ungewöhnliches Verhalten.\nEs begann gegen {onset}."


def alert(machine: str, severity: str = "medium", raised: datetime = RAISED, *, is_rich: bool = True) -> Alert:
    """What the model says of `machine`, which was unusual for 40 minutes before it was raised; `is_rich`: with similar events, a check, minutes."""
    onset = raised - timedelta(minutes=40)
    parts = (
        Contribution("spindle_current", "spindle current", 14.25, "AMP", Band(8, 11.5), 0.62),
        Contribution("spindle_temperature", "spindle temperature", 61.5, "CEL", Band(40, 58), 0.21),
        Contribution("coolant_flow", "coolant flow", 7.5, "L2", None, 0.1),
    )
    past = (
        PastEvent("feedfeedfeedfeed", onset - timedelta(days=20), 0.87, "spindle bearing dry", "bearing greased", False, 35),
        PastEvent("beefbeefbeefbeef", onset - timedelta(days=41), 0.52, None, None, True, None),
    )
    known = (
        {"similar": past, "check": Check("grease of the spindle bearing"), "stake": Stake("spindle bearing dry", 35, 20, 50, 4)} if is_rich else {}
    )
    strength = {"low": 1.2, "medium": 2.0, "high": 4.5}[severity]
    model = ModelStamp(f"signals.{machine.lower()}", "3")
    sure = Sureness(0, 1200, 1800.0)
    path = f"{LINE_PATH}/{machine}"
    return Alert(AlertKind.UNUSUAL, Severity(severity), path, onset, raised, strength, Regime(0, "G-100"), parts, model, (), sure, **known)


def alert_row(
    machine: str, state: str = "open", severity: str = "medium", raised: datetime = RAISED, *, is_rich: bool = True, **given: object
) -> dict[str, object]:
    """The row of gold.alerts of `alert`; one that is over lasted an hour."""
    said = alert(machine, severity, raised, is_rich=is_rich)
    words = {"machine": machine, "path": said.path, "onset": f"{said.onset_ts.astimezone(PLANT_ZONE):%H:%M}", "deviation": DEVIATIONS[severity]}
    values = {
        "alert_id": said.alert_id,
        "machine": machine,
        "line": "L1",
        "severity": severity,
        "state": state,
        "onset_ts": said.onset_ts,
        "raised_ts": raised,
        "ended_ts": None if state == "open" else raised + timedelta(hours=1),
        "strength": said.strength,
        "first_signal": said.contributions[0].signal,
        "signals": " ".join(part.signal for part in said.contributions),
        "text_en": ENGLISH.format(**words),
        "text_de": GERMAN.format(**words),
        "check_text": said.check.text if said.check else None,
        "model_name": said.model.name,
        "model_version": said.model.version,
        "alert_json": json.dumps(said.to_json()),
    }
    return make_row(ALERTS, **{**values, **given})


def machine_alert(machine: str, state: str = "open", severity: str = "medium", raised: datetime = RAISED, **given: object) -> MachineAlert:
    """The record's row of it, not stored."""
    made = new_alert(lake_alert({**alert_row(machine, state, severity, raised), "lake_version": 1}))
    for name, value in {"changed_ts": raised, **given}.items():
        setattr(made, name, value)
    return made
