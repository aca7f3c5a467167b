"""What following a machine's score leads to: the events people and records are told, and all that has to be remembered between rows, as values.

Who makes them is `models/timeseries/alerting.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from factolake.domain.alert import Alert
from factolake.domain.plain_json import from_plain, to_plain
from models.timeseries.held import Kept
from models.timeseries.week_budget import Standing


@dataclass(frozen=True, slots=True)
class Raised:
    """People are to be told."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An episode opened while the week's budget was used up by stronger ones; it is raised later if it grows or the week has room again."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An alert, the weakest of the week, made place for a stronger one."""

    alert_id: str
    at: datetime
    stronger_id: str


@dataclass(frozen=True, slots=True)
class Worsened:
    """An alert that was raised is now more severe; its id, onset and evidence are as they were."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class Closed:
    """An episode is over; `raised`: whether people were ever told."""

    alert_id: str
    at: datetime
    strength: float
    raised: bool


Event = Raised | HeldBack | Withdrawn | Worsened | Closed


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there were of each since the beginning. `unseen`: episodes that closed without anybody having been told."""

    opened: int = 0
    raised: int = 0
    held_back: int = 0
    withdrawn: int = 0
    closed: int = 0
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Episode:
    """The open one: its alert as it was last told or held back, the largest strength it had, and how long it has been calm."""

    alert: Alert
    strength: float
    calm_s: float = 0.0
    raised: bool = False


@dataclass(frozen=True, slots=True)
class AlertingState:
    """All that is remembered between rows, as a value.

    `last_s`: the last row. `judged_s`: the last that was judged. `paused`: a known stop came since. `above_rows`, `above_parts`: rows since the score
    last came to 1, and the sum of what each signal added in them.
    """

    last_s: float | None = None
    judged_s: float | None = None
    paused: bool = False
    ran_s: float = 0.0
    window: tuple[Kept, ...] = ()
    left_total: float = 0.0
    left_s: float | None = None
    above_rows: int = 0
    above_parts: tuple[float, ...] = ()
    episode: Episode | None = None
    standing: tuple[Standing, ...] = ()
    counts: Counts = Counts()

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON; numbers keep every bit."""
        plain: dict[str, object] = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """What `to_json` wrote. Raises ValueError where `data` is anything else."""
        return from_plain(cls, data, "the state of alerting")


NEW = AlertingState()
