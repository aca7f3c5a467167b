"""What raises, answers or ends an alert. Plain values: who finds them need not know how alerts are told."""

from dataclasses import dataclass

from factolake.mes.alerts.kinds import AlertKind, Danger

Key = tuple[AlertKind, str]
"""Kind and cause: the key of an alert that is not closed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """There is a reason for an alert: `key` names it among its kind, `place` is its equipment path, `about` the row (noun and key)."""

    kind: AlertKind
    key: str
    place: str
    text: str
    about: str = ""
    danger: Danger | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody looks after it."""

    kind: AlertKind
    key: str


@dataclass(frozen=True, slots=True)
class Over:
    """It is no more. `done` says why."""

    kind: AlertKind
    key: str
    done: str


Finding = Cause | Answered | Over
