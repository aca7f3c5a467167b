"""Champion against challenger over the same rows of the same days: how often they agree, how often each would call somebody, and what that costs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import Floats

_WEEK_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """What a model said of one machine's rows: when (seconds, rising), `score`, NaN where it said nothing; an alarm from `threshold` on."""

    seconds: Floats
    score: Floats
    threshold: float = 1.0

    @property
    def alarms(self) -> NDArray[np.bool_]:
        """Rows in alarm."""
        return np.greater_equal(self.score, self.threshold, where=~np.isnan(self.score), out=np.zeros(len(self.score), dtype=bool))

    @property
    def alerts(self) -> int:
        """Times that an alarm begins; rows without a score between two alarms end none."""
        known = self.alarms[~np.isnan(self.score)]
        return int(np.count_nonzero(known & ~np.concatenate(([False], known[:-1]))))


@dataclass(frozen=True, slots=True)
class Comparison:
    """`rows` scored by both, by the champion alone and by the challenger alone. `agreement`: share of rows scored by both in which both or neither is
    in alarm, NaN where there is none. Alerts: begins of alarms, in all, in a week of the machine, and in money.
    """

    rows: int
    champion_alone: int
    challenger_alone: int
    agreement: float
    champion_alerts: int
    challenger_alerts: int
    champion_alerts_a_week: float
    challenger_alerts_a_week: float
    champion_cost: float
    challenger_cost: float


def compared(champion: ScoreTable, challenger: ScoreTable, cost_an_alert: float) -> Comparison:
    """Two models on the same rows. Raises ValueError where the rows are not the same, or fewer than two.

    >>> hours = np.arange(169.0) * 3600
    >>> old, new = np.zeros(169), np.zeros(169)
    >>> old[[5, 6, 90]], new[90], new[100] = 2.0, 2.0, np.nan
    >>> found = compared(ScoreTable(hours, old), ScoreTable(hours, new), cost_an_alert=80.0)
    >>> found.rows, found.champion_alone, round(found.agreement, 3), found.champion_alerts_a_week, found.challenger_cost
    (168, 1, 0.988, 2.0, 80.0)
    """
    spans = len(champion.seconds) > 1 and champion.seconds[-1] > champion.seconds[0]
    if not spans or not np.array_equal(champion.seconds, challenger.seconds):
        raise ValueError(f"{len(champion.seconds)} and {len(challenger.seconds)} rows are not the same two or more; score the same rows with both")
    by_champion, by_challenger = ~np.isnan(champion.score), ~np.isnan(challenger.score)
    both = by_champion & by_challenger
    alike = (champion.alarms == challenger.alarms)[both]
    weeks = float(champion.seconds[-1] - champion.seconds[0]) / _WEEK_S
    alerts = champion.alerts, challenger.alerts
    return Comparison(
        int(both.sum()),
        int((by_champion & ~both).sum()),
        int((by_challenger & ~both).sum()),
        float(alike.mean()) if len(alike) else float("nan"),
        *alerts,
        *(one / weeks for one in alerts),
        *(one * cost_an_alert for one in alerts),
    )
