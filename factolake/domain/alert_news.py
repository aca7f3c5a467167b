"""What is told of an alert as a value: that it was raised, worsened, taken back or is over. Its JSON is the payload of events of kind `alert`.

What an alert is, is in `factolake.domain.alert`; who tells it, in `pipelines/watching`; who reads it, in `factolake.refine.alert_events`.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from factolake.domain.alert import Alert
from factolake.domain.plain_json import to_plain

EVENT_KIND = "alert"
"""The kind of such an event in bronze.events; its subject is the machine."""
_ID = re.compile(r"[0-9a-f]{16}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters other than a line's end, and halves of characters."""


class What(StrEnum):
    """What happened to an alert."""

    RAISED = "raised"
    WORSENED = "worsened"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


SHOWN = frozenset({What.RAISED, What.WORSENED})
"""What brings the alert itself, and its words."""


@dataclass(frozen=True, slots=True)
class Words:
    """An alert in words, English and German. Raises ValueError where one is empty or has control characters other than line ends."""

    en: str
    de: str

    def __post_init__(self) -> None:
        for language, text in (("en", self.en), ("de", self.de)):
            if not isinstance(text, str) or not text.strip() or _CONTROL.search(text):
                raise ValueError(f"words in {language} are {str(text)[:60]!r}; give text without control characters")


@dataclass(frozen=True, slots=True)
class AlertNews:
    """One thing told of an alert. Raises ValueError where its parts do not fit.

    `at`: when it happened, in the machine's time. `alert`, `words`: of one that was raised or worsened. `strength`: so far the largest, where known.
    """

    what: What
    alert_id: str
    at: datetime
    alert: Alert | None = None
    words: Words | None = None
    strength: float | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.alert_id):
            raise ValueError(f"alert_id is {self.alert_id[:60]!r}; give the 16 hexadecimal digits of the alert")
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"at is {self.at}; give a time in UTC")
        if self.what in SHOWN and (self.alert is None or self.words is None):
            raise ValueError(f"alert {self.alert_id} was {self.what} and comes without the alert or its words; give both")
        if self.alert is not None and self.alert.alert_id != self.alert_id:
            raise ValueError(f"alert_id is {self.alert_id}, and that of the alert is {self.alert.alert_id}; give one alert")
        if self.strength is not None and not 1 <= self.strength < math.inf:
            raise ValueError(f"alert {self.alert_id} has strength {self.strength}; below the threshold, 1, there is no alert")

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return {**to_plain(self), "alert": self.alert.to_json() if self.alert else None}

    @classmethod
    def from_text(cls, payload: str) -> Self:
        """What `to_json` wrote, as JSON text; more fields may be there. Raises ValueError where `payload` is anything else."""
        try:
            return cls._read(json.loads(payload))
        except (OverflowError, RecursionError) as cause:
            raise ValueError(f"the payload holds what no alert does: {cause}") from cause

    @classmethod
    def _read(cls, said: object) -> Self:
        if not isinstance(said, dict) or said.get("what") not in list(What):
            raise ValueError(f"the payload is no object with what, alert_id and at; what is one of {', '.join(What)}")
        alert_id, at, alert, words, strength = (said.get(name) for name in ("alert_id", "at", "alert", "words", "strength"))
        if not isinstance(alert_id, str) or not isinstance(at, str):
            raise ValueError(f"alert_id is {str(alert_id)[:60]!r} and at {str(at)[:60]!r}; give two texts")
        if not all(one is None or isinstance(one, dict) for one in (alert, words)) or isinstance(strength, bool | str | list | dict):
            raise ValueError("alert and words are objects or null, strength is a number or null; give them so")
        return cls(
            What(said["what"]),
            alert_id,
            datetime.fromisoformat(at),
            Alert.from_json(alert) if alert else None,
            Words(words.get("en", ""), words.get("de", "")) if words else None,
            None if strength is None else float(strength),
        )
