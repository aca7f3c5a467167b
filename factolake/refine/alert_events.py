"""Events of alerts in bronze to silver.alert_events, which holds each once, and to ops.alert_quarantine, which holds what cannot be an alert's.

There are few of them and each is a document, so it is read as the value that it is (`AlertNews`) where the change feed comes in, before any
engine: what an alert must be is said in one place, and both engines get the same columns.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import bronze, ops
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.spark import select_contract
from factolake.contracts.silver_alerts import ALERT_EVENTS, SHOWN
from factolake.domain.alert import Alert
from factolake.domain.alert_news import EVENT_KIND, AlertNews
from factolake.domain.plant import PlantModel
from factolake.domain.reading_rules import OLDEST
from factolake.refine.mes_changes import new_messages
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import same_messages

RULE_VERSION = 1
AHEAD = timedelta(days=1)
"""An event of a time that lies further ahead of its telling comes from a wrong clock."""

Row = dict[str, object]
_COLUMNS = (*bronze.KEY, "kind", "subject", "payload", "gateway_ts", "log_id", "log_offset")
_READ = ("alert_id", "machine", "what", "at_ts", "strength", *SHOWN)


def alert_events(inputs: Inputs) -> DataFrame:
    """New events that tell of an alert, without those silver already holds."""
    return select_contract(new_messages(inputs.frames[bronze.EVENTS.name], inputs.frames[ALERT_EVENTS.name]), ALERT_EVENTS)


def alert_quarantine(inputs: Inputs) -> DataFrame:
    """New events of the kind that cannot be an alert's."""
    rows = new_messages(inputs.frames[bronze.EVENTS.name], inputs.frames[ops.ALERT_QUARANTINE.name])
    return select_contract(rows.withColumn("rule_version", F.lit(RULE_VERSION)), ops.ALERT_QUARANTINE)


def _told(rows: pa.Table) -> pa.Table:
    """The events of alerts among `rows`, read: the columns of silver.alert_events, null where `rule` and `detail` say why it cannot be one."""
    events = rows.filter(pc.equal(rows["kind"], EVENT_KIND))
    read = [_read(*event.values()) for event in events.select(["subject", "payload", "gateway_ts"]).to_pylist()]
    events = events.drop_columns(["kind", "payload"])
    schema = arrow_schema(ALERT_EVENTS)
    fields = [*(schema.field(name) for name in _READ), pa.field("rule", pa.string()), pa.field("detail", pa.string())]
    for field in fields:
        events = events.append_column(field.with_nullable(True), pa.array([row.get(field.name) for row in read], field.type))
    return events


def _read(subject: str | None, payload: str, gateway_ts: datetime) -> Row:
    try:
        news = AlertNews.from_text(payload)
    except ValueError as cause:
        return {"rule": "undecodable", "detail": f"{cause}; the payload begins {payload[:200]!r}"}
    if subject is None or (news.alert is not None and (news.alert.machine != subject or _line(news.alert) is None)):
        path = news.alert.path if news.alert else "not told"
        return {"rule": "wrong_machine", "detail": f"the event names machine {subject!r} and the alert path {path}; give one machine and its line"}
    times = [news.at, *((news.alert.onset_ts, news.alert.raised_ts) if news.alert else ())]
    wrong = [time for time in times if not OLDEST <= time <= gateway_ts + AHEAD]
    if wrong:
        return {"rule": "wrong_time", "detail": f"alert {news.alert_id} tells of {wrong[0]} and was told {gateway_ts}; set the clock"}
    about: Row = {"alert_id": news.alert_id, "machine": subject, "what": news.what.value, "at_ts": news.at, "strength": news.strength}
    return {**about, **_shown(news)}


def _shown(news: AlertNews) -> Row:
    """The columns of an event that brings the alert itself."""
    alert, words = news.alert, news.words
    if alert is None or words is None:
        return {}
    return {
        "strength": alert.strength,
        "line": _line(alert),
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "onset_ts": alert.onset_ts,
        "raised_ts": alert.raised_ts,
        "first_signal": alert.contributions[0].signal if alert.contributions else None,
        "signals": " ".join(one.signal for one in alert.contributions),
        "text_en": words.en,
        "text_de": words.de,
        "check_text": alert.check.text if alert.check else None,
        "model_name": alert.model.name,
        "model_version": alert.model.version,
        "false_a_week": alert.sureness.false_a_week if alert.sureness else None,
        "stake_min": alert.stake.median_min if alert.stake else None,
        "alert_json": json.dumps(alert.to_json(), ensure_ascii=False),
    }


def _line(alert: Alert) -> str | None:
    """The part of the ISA-95 path before the machine; None where there is none."""
    return (alert.path.split("/")[:-1] or [""])[-1] or None


def _good(rows: pa.Table) -> pa.Table:
    told = _told(rows)
    return told.filter(pc.is_null(told["rule"]))


def _bad(rows: pa.Table) -> pa.Table:
    told = _told(rows)
    return told.filter(pc.is_valid(told["rule"]))


def _feed(only: Callable[[pa.Table], pa.Table]) -> tuple[Input, ...]:
    return (Input(bronze.EVENTS, _COLUMNS, _no_slice, lambda _: F.lit(True), only=only),)


def _known(rows: pa.Table, _: PlantModel) -> Column | None:
    return same_messages(rows)


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


TOLD_ALERTS = Refinement("alert_events", ALERT_EVENTS, _feed(_good), alert_events, append=True, known=_known)
REFUSED_ALERTS = Refinement("alert_quarantine", ops.ALERT_QUARANTINE, _feed(_bad), alert_quarantine, append=True, known=_known)
