"""What alerting says as events of the lake: the payload of each in JSON, with the alert in words, and the record that goes into the spool."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from factolake.bus.codec import encode_event
from factolake.bus.port import Record
from factolake.domain.alert import Alert
from factolake.domain.plain_json import to_plain
from models.timeseries.alert_events import Closed, Event, Raised, Withdrawn, Worsened
from models.timeseries.words.english import ENGLISH
from models.timeseries.words.german import GERMAN
from models.timeseries.words.text import in_words

KIND = "alert"
SOURCE_ID = "watch"


@dataclass(frozen=True, slots=True)
class Told:
    """One event on its way: its key in the log is `epoch` and `seq`; `at_ts` is the machine's time."""

    epoch: int
    seq: int
    machine: str
    payload: str
    at_ts: datetime

    def record(self, now: datetime) -> Record:
        """Its bytes for the log."""
        return encode_event((SOURCE_ID, self.epoch, self.seq), KIND, self.machine, self.payload, now, self.at_ts)


def payload_of(event: Event, at_ts: datetime, dress: Callable[[Alert], Alert], zone: tzinfo) -> str | None:
    """What an event of the row at `at_ts` says, as JSON; None where people are not to be told. `dress` adds what an alert reminds of."""
    match event:
        case Raised(alert):
            return _of_alert("raised", dress(alert), alert.raised_ts, zone)
        case Worsened(alert):
            return _of_alert("worsened", dress(alert), at_ts, zone)
        case Withdrawn(alert_id, at, _):
            return _payload("withdrawn", alert_id, at)
        case Closed(alert_id, at, strength, raised) if raised:
            return _payload("closed", alert_id, at, strength)
        case _:
            return None


def _of_alert(what: str, alert: Alert, at_ts: datetime, zone: tzinfo) -> str:
    words = {}
    for language in (ENGLISH, GERMAN):
        text = in_words(alert, language, zone)
        words[language.code] = f"{text.headline.text}\n{text.body.text}"
    return _payload(what, alert.alert_id, at_ts, alert.strength, alert.to_json(), words)


def _payload(
    what: str,
    alert_id: str,
    at_ts: datetime,
    strength: float | None = None,
    alert: dict[str, object] | None = None,
    words: dict[str, str] | None = None,
) -> str:
    told = {"what": what, "alert_id": alert_id, "at": to_plain(at_ts), "alert": alert, "words": words, "strength": strength}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)
