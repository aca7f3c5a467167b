"""Alerts of machines for notebooks: `alerts().table()`, and one of them with what its signals did and what people say of its like.

The lake alone is asked: `gold.alerts` has the alerts, `silver.machine_alerts` what people said, `silver.features_window` the minutes. Times are the
plant's. How one is drawn is in `notebook_alert_plot`, how models are tried in `pipelines/studies`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pandas as pd

from factolake.config import Settings, load_plant, load_settings
from factolake.contracts.formats.sql import listed, literal
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.silver_features import FEATURES_WINDOW, WINDOW_REGIMES
from factolake.contracts.silver_mes import MACHINE_ALERTS
from factolake.contracts.table import Table
from factolake.domain.alert import Alert, Contribution, PastEvent
from factolake.domain.calendar import plant_zone
from factolake.domain.units import UNITS
from factolake.errors import QueryError
from factolake.lake.tables import Lake

BEFORE, AFTER = timedelta(hours=6), timedelta(hours=1)
"""Minutes are shown from so long before an alert's onset to so long after its end; of an open one, to what there is in a day."""
LONGEST = timedelta(days=1)
SIGNALS = 3
"""So many of an alert's signals are shown, largest share first."""
RAN_S = 30.0
"""A minute in which the machine ran shorter is not shown: its signals are mostly what they are at rest."""
SIDES = {-1: "below usual", 0: "within its usual band", 1: "above usual"}
_SAID = ("alert_id", "verdict", "verdict_reason", "cause", "fix", "minutes")
_TOLD = ("alert_id", "machine", "severity", "state", "onset_ts", "raised_ts", "ended_ts", "strength", "first_signal", "text_en")
Row = Mapping[str, Any]


def alerts(settings: Settings | None = None) -> "Alerts":
    """The alerts of this installation."""
    settings = settings or load_settings()
    return Alerts(Lake(settings.lake_root), plant_zone(load_plant(settings.plant_file).time_zone))


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert with all that belongs beside it. `trend`: means of its first signals by plant time, in minutes in which the machine ran."""

    alert: Alert
    headline: str
    text: str
    state: str
    ended_ts: datetime | None
    people_say: str
    trend: pd.DataFrame
    zone: tzinfo
    similar: pd.DataFrame

    @property
    def signals(self) -> pd.DataFrame:
        """What each signal has to do with it: its value when the alert was noticed, where it usually is, and its share of the score."""
        rows = {one.label: _contribution(one) for one in self.alert.contributions}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "unit", "usual_low", "usual_high", "that is", "share"])


@dataclass(frozen=True, slots=True)
class Alerts:
    """The lake, and the zone of the plant."""

    lake: Lake
    zone: tzinfo

    def table(self, machine: str | None = None) -> pd.DataFrame:
        """Every alert, or those of `machine`, by its id, the newest first, and what people say of it; empty before there is one."""
        said, here = self._said(), None if machine is None else f"machine = {literal(machine)}"
        rows = sorted(self._rows(ALERTS, _TOLD, here), key=lambda row: (row["raised_ts"], row["alert_id"]), reverse=True)
        found = [self._line(row) | {"people say": _people_say(said.get(row["alert_id"]))} for row in rows]
        columns = ["machine", "severity", "state", "since", "noticed", "over", "strength", "first_signal", "people say"]
        return pd.DataFrame(found, columns=columns, index=pd.Index([row["alert_id"] for row in rows], name="alert_id"))

    def newest(self, machine: str, most: int = 1) -> "list[Shown]":
        """The newest alerts of `machine`, at most `most`; none before there is one."""
        return [self.one(alert_id) for alert_id in self.table(machine).index[:most]]

    def one(self, alert_id: str) -> Shown:
        """One alert with its signals and its like. Raises QueryError where the lake has none of that id, or one it cannot read."""
        found, said = self._rows(ALERTS, None, f"alert_id = {literal(alert_id)}"), self._said()
        if not found:
            raise QueryError(f"the lake has no alert {alert_id!r}; `alerts().table()` lists those there are")
        return self._shown(found[0], said, self._similar(_read(found[0]), said))

    def beside(self, shown: Shown, most: int = 2) -> list[Shown]:
        """The events that are similar to `shown`, those the lake still has: at most `most`, in the order of `shown.similar`."""
        said, none = self._said(), pd.DataFrame()
        wanted = listed(shown.similar.index) or literal("")
        rows = {row["alert_id"]: row for row in self._rows(ALERTS, None, f"alert_id IN ({wanted})")}
        return [self._shown(rows[key], said, none) for key in shown.similar.index if key in rows][:most]

    def _shown(self, row: Row, said: Mapping[str, Row], similar: pd.DataFrame) -> Shown:
        alert = _read(row)
        headline, *body = row["text_en"].strip().splitlines()
        people_say = _people_say(said.get(alert.alert_id))
        trend = self._trend(alert, row["ended_ts"])
        return Shown(alert, headline, "\n".join(body), row["state"], row["ended_ts"], people_say, trend, self.zone, similar)

    def _trend(self, alert: Alert, ended_ts: datetime | None) -> pd.DataFrame:
        names = [one.signal for one in alert.contributions[:SIGNALS]]
        start, end = alert.onset_ts - BEFORE, (ended_ts or alert.raised_ts + LONGEST) + AFTER
        here = f"machine = {literal(alert.machine)} AND {_within(start, end)}"
        minutes = self._frame(FEATURES_WINDOW, ("window_ts", "signal", "mean"), f"{here} AND signal IN ({listed(names) or literal('')})")
        ran = self._frame(WINDOW_REGIMES, ("window_ts", "running_s"), here)
        found = minutes.pivot(index="window_ts", columns="signal", values="mean").reindex(columns=names)
        kept = found[found.index.isin(ran["window_ts"][ran["running_s"] >= RAN_S])]
        return kept.set_axis(pd.DatetimeIndex(kept.index, tz=UTC).tz_convert(self.zone)).rename_axis("minute")

    def _similar(self, alert: Alert, said: Mapping[str, Row]) -> pd.DataFrame:
        """What the model found alike; where it names nothing, earlier alerts of the machine with the same first signal."""
        found = [(event.event_id, self._event(event, said.get(event.event_id))) for event in alert.similar]
        if not found and alert.contributions:
            same = f"machine = {literal(alert.machine)} AND first_signal = {literal(alert.contributions[0].signal)}"
            rows = [row for row in self._rows(ALERTS, ("alert_id", "onset_ts"), same) if row["onset_ts"] < alert.onset_ts]
            rows.sort(key=lambda row: row["onset_ts"], reverse=True)
            found = [(row["alert_id"], self._past(row["onset_ts"], None, said.get(row["alert_id"]))) for row in rows]
        columns = ["since", "alike", "people say", "cause", "fixed by", "stop_min"]
        return pd.DataFrame([row for _, row in found], columns=columns, index=pd.Index([key for key, _ in found], name="alert_id"))

    def _event(self, event: PastEvent, said: Row | None) -> tuple[object, ...]:
        """As people judge it now; where nobody did, as it was known when the alert was raised."""
        if said is not None and said["verdict"]:
            return self._past(event.onset_ts, event.similarity, said)
        verdict = {None: None, True: "false", False: "true"}[event.false_alarm]
        known = {"verdict": verdict, "cause": event.cause, "fix": event.fix, "minutes": event.minutes}
        return self._past(event.onset_ts, event.similarity, known)

    def _past(self, onset_ts: datetime, alike: float | None, said: Row | None) -> tuple[object, ...]:
        told = said or {"cause": None, "fix": None, "minutes": None}
        return self._local(onset_ts), alike, _people_say(said), told["cause"], told["fix"], told["minutes"]

    def _line(self, row: Row) -> dict[str, object]:
        since, noticed, over = (self._local(row[name]) for name in ("onset_ts", "raised_ts", "ended_ts"))
        kept = {name: row[name] for name in ("machine", "severity", "state", "strength", "first_signal")}
        return kept | {"since": since, "noticed": noticed, "over": over}

    def _local(self, ts: datetime | None) -> pd.Timestamp | None:
        return None if ts is None else pd.Timestamp(ts).tz_convert(self.zone).floor("s")

    def _said(self) -> dict[str, Row]:
        return {row["alert_id"]: row for row in self._rows(MACHINE_ALERTS.table, _SAID, "removed_ts IS NULL")}

    def _rows(self, table: Table, columns: Sequence[str] | None, predicate: str | None = None) -> list[Row]:
        """None where the table is not there yet."""
        return self.lake.open(table).read(columns, predicate).to_pylist() if self.lake.exists(table) else []

    def _frame(self, table: Table, columns: Sequence[str], predicate: str) -> pd.DataFrame:
        return pd.DataFrame(self._rows(table, columns, predicate), columns=list(columns))


def _read(row: Row) -> Alert:
    try:
        return Alert.from_json(json.loads(row["alert_json"]))
    except ValueError as error:
        raise QueryError(f"alert {row['alert_id']} was written in a form that is not read any more: {error}; choose a newer one") from error


def _contribution(one: Contribution) -> tuple[object, ...]:
    low, high = (one.usual.low, one.usual.high) if one.usual else (None, None)
    return one.value, unit(one), low, high, SIDES[one.side] if one.usual else "not known", one.share


def unit(one: Contribution) -> str:
    """The symbol of its unit; empty where it has none."""
    return UNITS[one.unit].symbol if one.unit else ""


def _people_say(said: Row | None) -> str:
    if said is None or not said["verdict"]:
        return "nothing yet"
    return "it was right" if said["verdict"] == "true" else "a false alarm"


def _within(start: datetime, end: datetime) -> str:
    days = f"day >= {literal(start.astimezone(UTC).date())} AND day <= {literal(end.astimezone(UTC).date())}"
    return f"{days} AND window_ts >= {literal(start)} AND window_ts < {literal(end)}"
