"""What alerting says as events of the lake: the payload of each in JSON, with the alert in words, and the record that goes into the spool."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from factolake.bus.codec import encode_event
from factolake.bus.port import Record
from factolake.domain.alert import Alert
from factolake.domain.alert_news import EVENT_KIND, AlertNews, What, Words
from models.timeseries.alert_events import Closed, Event, Raised, Withdrawn, Worsened
from models.timeseries.words.english import ENGLISH
from models.timeseries.words.german import GERMAN
from models.timeseries.words.language import Language
from models.timeseries.words.text import in_words

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
        return encode_event((SOURCE_ID, self.epoch, self.seq), EVENT_KIND, self.machine, self.payload, now, self.at_ts)


def payload_of(event: Event, at_ts: datetime, dress: Callable[[Alert], Alert], zone: tzinfo) -> str | None:
    """What an event of the row at `at_ts` says, as JSON; None where people are not to be told. `dress` adds what an alert reminds of."""
    match event:
        case Raised(alert):
            return _shown(What.RAISED, dress(alert), alert.raised_ts, zone)
        case Worsened(alert):
            return _shown(What.WORSENED, dress(alert), at_ts, zone)
        case Withdrawn(alert_id, at, _):
            return _text(AlertNews(What.WITHDRAWN, alert_id, at))
        case Closed(alert_id, at, strength, raised) if raised:
            return _text(AlertNews(What.CLOSED, alert_id, at, strength=strength))
        case _:
            return None


def _shown(what: What, alert: Alert, at_ts: datetime, zone: tzinfo) -> str:
    words = Words(_said(alert, ENGLISH, zone), _said(alert, GERMAN, zone))
    return _text(AlertNews(what, alert.alert_id, at_ts, alert, words, alert.strength))


def _said(alert: Alert, language: Language, zone: tzinfo) -> str:
    text = in_words(alert, language, zone)
    return f"{text.headline.text}\n{text.body.text}"


def _text(news: AlertNews) -> str:
    return json.dumps(news.to_json(), separators=(",", ":"), ensure_ascii=False)
