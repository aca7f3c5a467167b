"""Alerts of the lake into the record. The lake's word of an alert changes with the lake; what people said of it never does. Pure but for the rows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from factolake.domain.alert import AlertKind, Severity
from factolake.mes.core.lake import utc
from factolake.mes.signals.models import MachineAlert, MachineAlertState

ID_LENGTH = 16
COLUMNS = (
    "alert_id, machine, kind, severity, state, onset_ts, raised_ts, ended_ts, strength, first_signal, signals, text_en, text_de, check_text, "
    "alert_json, lake_version"
)
"""What is read of the lake's table."""


@dataclass(frozen=True, slots=True)
class LakeAlert:
    """An alert as the lake has it. Raises ValueError for one that the record has no place for."""

    alert_id: str
    machine: str
    kind: str
    severity: str
    state: str
    onset_ts: datetime
    raised_ts: datetime
    ended_ts: datetime | None
    strength: float
    first_signal: str
    signals: str
    text_en: str
    text_de: str
    check_text: str
    evidence: str
    lake_version: int

    def __post_init__(self) -> None:
        if not 0 < len(self.alert_id) <= ID_LENGTH:
            raise ValueError(f"alert_id is {self.alert_id[:40]!r}; give 1 to {ID_LENGTH} characters")
        for name, known in (("kind", AlertKind), ("severity", Severity), ("state", MachineAlertState)):
            if getattr(self, name) not in set(known):
                raise ValueError(f"alert {self.alert_id} has {name} {getattr(self, name)!r}; give one of {', '.join(known)}")


@dataclass(slots=True)
class Plan:
    """What to write: new alerts, and the lake's columns that change."""

    made: list[LakeAlert] = field(default_factory=list)
    changed: list[tuple[MachineAlert, dict[str, object]]] = field(default_factory=list)


def plan(told: Iterable[LakeAlert], held: Mapping[str, MachineAlert], gone: Collection[MachineAlert] = ()) -> Plan:
    """How to bring the record to what the lake tells; `gone` are open alerts that it no longer has: they are withdrawn."""
    wanted = Plan()
    for alert in told:
        row = held.get(alert.alert_id)
        if row is None:
            wanted.made.append(alert)
        elif any(getattr(row, name) != value for name, value in _values(alert).items() if name != "lake_version"):
            wanted.changed.append((row, _values(alert)))
    wanted.changed += [(row, {"state": MachineAlertState.WITHDRAWN.value}) for row in gone if row.state == MachineAlertState.OPEN.value]
    return wanted


def new_alert(alert: LakeAlert) -> MachineAlert:
    """The record's row of an alert that the lake tells for the first time."""
    return MachineAlert(alert_id=alert.alert_id, **_values(alert))


def lake_alert(row: Mapping[str, Any]) -> LakeAlert:
    """The alert of a row with `COLUMNS`. Raises ValueError for one that the record has no place for."""
    return LakeAlert(
        alert_id=row["alert_id"],
        machine=row["machine"],
        kind=row["kind"],
        severity=row["severity"],
        state=row["state"],
        onset_ts=utc(row["onset_ts"]),
        raised_ts=utc(row["raised_ts"]),
        ended_ts=None if row["ended_ts"] is None else utc(row["ended_ts"]),
        strength=row["strength"],
        first_signal=row["first_signal"] or "",
        signals=row["signals"],
        text_en=row["text_en"],
        text_de=row["text_de"],
        check_text=row["check_text"] or "",
        evidence=row["alert_json"],
        lake_version=row["lake_version"],
    )


def _values(alert: LakeAlert) -> dict[str, object]:
    """The record's columns that are the lake's."""
    same = (each.name for each in fields(alert) if each.name not in ("alert_id", "machine"))
    return {"equipment_id": alert.machine, **{name: getattr(alert, name) for name in same}}
