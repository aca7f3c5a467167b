"""A model over days of a machine as the watch would have judged them: the score of every minute, and the alerts it would have raised.

With every UTC day a scorer begins anew and reads the day before, by `judged_day` as for silver.scores, and as in `pipelines/watching/judging.py`:
scores are the same to the bit. Nothing is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

import numpy as np
import pandas as pd

from factolake.contracts.silver_scores import WHY
from factolake.domain.alert import Alert, ModelStamp
from factolake.notebook_score_plot import Scored
from models.registry.comparison import ScoreTable, compared
from models.timeseries.alert_events import Closed, Event, Raised, Withdrawn, Worsened
from models.timeseries.alerting import Alerting, Channel
from models.timeseries.machine.model import MachineModel
from models.timeseries.signals import CannotLearn, Scores
from pipelines.signals.judged import judged_day
from pipelines.signals.reading import Minutes
from pipelines.signals.rows import rows_of
from pipelines.signals.span import Days
from pipelines.signals.train import THRESHOLD

STATES = {Closed: "closed", Withdrawn: "withdrawn"}
ALERT_COLUMNS = ["severity", "state", "since", "noticed", "over", "strength", "first_signal", "share"]


def judged(label: str, model: MachineModel, minutes: Minutes, days: Days, channels: Mapping[str, Channel], path: str, zone: tzinfo) -> Scored:
    """`days` of a machine by `model`, called `label`; `minutes` reach from the day before. Raises CannotLearn where there is none, CannotScore."""
    signals = rows_of(minutes, model.names, model.products)
    first = int(np.searchsorted(signals.seconds, days.from_ts.timestamp()))
    if first == len(signals.seconds):
        raise CannotLearn(f"{minutes.machine} has no minute in {days} to judge; name other days")
    pieces = [judged_day(model, signals, day)[1] for day in days]
    score, why, parts = (np.concatenate([getattr(one, name) for one in pieces]) for name in ("score", "why", "parts"))
    asked = signals.rows(first, len(signals.seconds))
    at = pd.to_datetime(np.rint(asked.seconds * 1e6).astype(np.int64), unit="us", utc=True).tz_convert(zone).rename("minute")
    found = pd.DataFrame({"score": score, "why": np.array(WHY)[why]}, index=at)
    alerting = Alerting(model.alerting, model.subject(path, channels, ModelStamp(label, "tried")))
    quiet = np.zeros(len(score), dtype=np.bool_) if asked.ran is None else asked.ran == 0
    raised = _raised(alerting.feed(asked, Scores(score, why, parts), quiet), zone)
    return Scored(label, minutes.machine, found, raised)


def side_by_side(first: Scored, *others: Scored) -> pd.DataFrame:
    """Models on the same minutes of a machine, a column each; the share of minutes in which both or neither is at the threshold is with `first`.

    Raises CannotLearn where the minutes are not the same, or fewer than two.
    """
    return pd.concat([pd.Series(_figures(first, one), name=one.label) for one in (first, *others)], axis=1)


def _raised(events: Iterable[Event], zone: tzinfo) -> pd.DataFrame:
    """Each alert that was raised, at its gravest, and when it was over."""
    alerts, ends = dict[str, Alert](), dict[str, tuple[str, datetime]]()
    for event in events:
        if isinstance(event, Raised | Worsened):
            alerts[event.alert.alert_id] = event.alert
        elif isinstance(event, Closed | Withdrawn) and event.alert_id in alerts:
            ends.setdefault(event.alert_id, (STATES[type(event)], event.at))
            if isinstance(event, Closed):
                alerts[event.alert_id] = replace(alerts[event.alert_id], strength=max(event.strength, alerts[event.alert_id].strength))
    rows = [_row(alert, ends.get(key), zone) for key, alert in alerts.items()]
    return pd.DataFrame(rows, columns=ALERT_COLUMNS)


def _row(alert: Alert, end: tuple[str, datetime] | None, zone: tzinfo) -> tuple[object, ...]:
    state, over = end or ("open", None)
    since, noticed, ended = (None if ts is None else pd.Timestamp(ts).tz_convert(zone) for ts in (alert.onset_ts, alert.raised_ts, over))
    first = alert.contributions[0] if alert.contributions else None
    signal, share = (first.label, first.share) if first else (None, None)
    return alert.severity.value, state, since, noticed, ended, alert.strength, signal, share


def _table(scored: Scored) -> ScoreTable:
    at = scored.minutes.index.tz_convert(UTC).as_unit("us")  # type: ignore[attr-defined]
    return ScoreTable(at.asi8 / 1e6, scored.minutes["score"].to_numpy(), THRESHOLD)


def _figures(first: Scored, one: Scored) -> dict[str, float]:
    try:
        found = compared(_table(first), _table(one), cost_an_alert=0.0)
    except ValueError as cause:
        raise CannotLearn(f"{first.label} and {one.label} cannot be compared: {cause}") from cause
    score = one.minutes["score"]
    return {
        "minutes judged": float(score.notna().sum()),
        "minutes at the threshold or above": float((score >= THRESHOLD).sum()),
        "times a week that begins": found.challenger_alerts_a_week,
        "largest score": float(score.max()),
        "alerts raised": float(len(one.alerts)),
        f"agrees with {first.label}": found.agreement,
    }
