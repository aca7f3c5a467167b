"""What was before, as values: alerts of the lake, what people said of them, the plant's own checks. An alert is dressed with what it reminds of.

Read beside the hot path, so that an alert never waits for a table. Tables that are not there yet know nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from factolake.config.parse import Strict, parse, read_toml
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.silver_mes import MACHINE_ALERTS
from factolake.domain.alert import Alert
from factolake.errors import ConfigError
from factolake.lake.tables import Lake
from models.timeseries.similar import CheckRule, Verdict, dressed
from pipelines.planning.record import Record, Row

LOOK_BACK = timedelta(days=400)
SIDES: Mapping[str | None, int | None] = {None: None, "below": -1, "above": 1}


@dataclass(frozen=True, slots=True)
class Past:
    """`alerts` by machine, `verdicts` by alert id, the plant's `rules`, and minutes of past stops by cause."""

    alerts: Mapping[str, tuple[Alert, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    rules: tuple[CheckRule, ...] = ()
    stops: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def dressed(self, alert: Alert) -> Alert:
        """`alert` with similar ones of its machine, what to check first, and the minutes at stake."""
        return dressed(alert, self.alerts.get(alert.machine, ()), self.verdicts, self.rules, self.stops)


class CheckForm(Strict):
    """[[check]]"""

    check: str
    cause: str | None = None
    signal: str | None = None
    side: Literal["below", "above"] | None = None


class ChecksForm(Strict):
    """The file of checks."""

    check: tuple[CheckForm, ...] = Field(default=())


class LakePast:
    """Reads the past from the lake; a table is read anew when it has changed."""

    def __init__(self, lake: Lake, checks_file: Path | None) -> None:
        self._record = Record(lake)
        self._rules = check_rules(checks_file) if checks_file else ()

    def read(self, now: datetime) -> Past:
        """What is known now. Raises TableDamaged."""
        self._record.refresh()
        # The same moment all day, so that rows that were read once are known.
        since = (now - LOOK_BACK).replace(hour=0, minute=0, second=0, microsecond=0)
        alerts: dict[str, list[Alert]] = {}
        for row in self._rows(ALERTS.name, since):
            alert = _alert(row)
            if alert is not None:
                alerts.setdefault(alert.machine, []).append(alert)
        verdicts = {row["alert_id"]: _verdict(row) for row in self._rows(MACHINE_ALERTS.table.name, since)}
        return Past({machine: tuple(found) for machine, found in alerts.items()}, verdicts, self._rules, stops_of(verdicts))

    def _rows(self, table: str, since: datetime) -> list[Row]:
        return self._record.rows(table, f"raised_ts >= '{since.isoformat()}'")


def check_rules(file: Path) -> tuple[CheckRule, ...]:
    """The plant's checks. Raises ConfigError."""
    form = parse(ChecksForm, read_toml(file), file)
    rules = []
    for place, one in enumerate(form.check):
        try:
            rules.append(CheckRule(one.check, one.cause, one.signal, SIDES[one.side]))
        except ValueError as error:
            raise ConfigError(str(file), f"check.{place}", one.check, str(error)) from error
    return tuple(rules)


def stops_of(verdicts: Mapping[str, Verdict]) -> dict[str, tuple[float, ...]]:
    """Minutes that machines stood, by what people found to be the cause."""
    stops: dict[str, list[float]] = {}
    for one in verdicts.values():
        if one.cause and one.minutes is not None and not one.false_alarm:
            stops.setdefault(one.cause, []).append(one.minutes)
    return {cause: tuple(minutes) for cause, minutes in stops.items()}


def _alert(row: Row) -> Alert | None:
    """None for what another release wrote in a form that is not read any more."""
    try:
        return Alert.from_json(json.loads(row["alert_json"]))
    except ValueError:
        return None


def _verdict(row: Row) -> Verdict:
    said = {"true": False, "false": True}.get(row["verdict"] or "")
    return Verdict(said, _line(row["cause"]), _line(row["fix"]), row["minutes"])


def _line(text: str | None) -> str | None:
    """What a person wrote, on one line; None where it says nothing."""
    line = " ".join(text.split()) if text else ""
    return line if line.isprintable() and any(one.isalnum() for one in line) else None
