"""A forecast whose band is as wide as the same way was wrong on the same signal: conformal residuals of backtests from rolling origins.

The way is fitted to the history before each of several origins and foretells as far as is asked for: with the shortest season alone, with the next
too, and so on. The seasons that were least wrong are kept, since a week learnt from four weeks may cost more than it tells. Half a band is the
conformal quantile of what these were off by, apart for open and closed hours and for near and far leads, and never narrower further ahead. No
distribution is assumed; what backtests of the history did not meet, the band does not know.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.timeseries import conformal
from models.timeseries.forecast.series import Bools, Forecast, History
from models.timeseries.forecast.ways import FEWEST_ROWS, ProphetWay, Way, ets, naive, told
from models.timeseries.seasons import DAY_S, WEEK_S
from models.timeseries.signals import Floats, Numbers

WAYS = ("ets", "prophet", "naive")
LEAD_BLOCKS = 3
"""Near, middle and far leads have a width each, where the backtests have errors enough of each."""


@dataclass(frozen=True, slots=True)
class ForecastSettings:
    """How to foretell. Raises ValueError.

    `way`: "ets", or "prophet" where public holidays of `country` (two letters, "" for none) matter, or "naive". `periods_s`: seasons, each two steps
    or longer; one of which the history holds fewer than three is left out, and with none left the way is naive, which needs two. `level`: share of
    values within the band, 0.5 to 0.99. `origins`: of backtests, 2 to 100. `least`: no value can be below it, as of counts. `zone`: whose days
    holidays are, and Prophet's seasons; those of the other ways are of UTC, so after a change of summer time they are an hour off for some days.
    """

    way: str = "ets"
    periods_s: tuple[float, ...] = (DAY_S, WEEK_S)
    level: float = 0.9
    origins: int = 12
    least: float = -math.inf
    country: str = ""
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"the way {self.way!r} is not known; give one of {', '.join(WAYS)}")
        for name, value, low, high in (
            *(("periods_s", period, 1e-3, 1e9) for period in self.periods_s),
            ("level", self.level, 0.5, 0.99),
            ("origins", self.origins, 2, 100),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def forecast(self, history: History, open_ahead: Bools) -> Forecast:
        """The rows after `history`, as many as `open_ahead`, which says when the plant is to work. Raises ValueError where too little is known.

        >>> day = 50 + 10 * np.sin(np.arange(24) * 2 * np.pi / 24)
        >>> noise = np.random.default_rng(0).normal(size=240)
        >>> ahead = ForecastSettings("naive", (DAY_S,)).forecast(History.of(np.tile(day, 10) + noise), np.ones(24, dtype=bool))
        >>> [round(float(value), 1) for value in (day[6], ahead.mean[6], ahead.low[6], ahead.high[6])]
        [60.0, 59.4, 57.4, 61.3]
        """
        if not len(open_ahead):
            raise ValueError("0 rows are asked for; say of at least 1 row ahead whether the plant is open")
        name, seasons = self._usable(history)
        way = self._way(name)
        tried = [(one, self._backtested(way, history, one, max(seasons[-1], default=0), len(open_ahead))) for one in seasons]
        periods, backtest = min(tried, key=lambda one: one[1].wrong)
        mean = np.maximum(told(way, history, periods, open_ahead), self.least)
        half = np.maximum(self._half(backtest, open_ahead, len(history.values)), 1e-6 * (float(np.nanstd(history.values)) or 1.0))
        low = np.maximum(mean - half, self.least)
        # A mean at the least value still has an edge below it, so that strangeness is a number.
        low = np.minimum(low, np.nextafter(mean, -np.inf))
        return Forecast(history.seconds_ahead(len(open_ahead)), mean, low, mean + half, self.level, name)

    def _usable(self, history: History) -> tuple[str, list[tuple[int, ...]]]:
        """The way, and the seasons to try, in rows, that the history is long enough for."""
        rows = sorted({round(period / history.step_s) for period in self.periods_s})
        seen = [period for period in rows if period >= 2 and 3 * period < len(history.values)]
        name = self.way if len(history.values) >= 2 * FEWEST_ROWS and (seen or not rows) else "naive"
        if name == "naive":
            seen = [period for period in rows if 2 <= period <= len(history.values) / 2]
        return name, [tuple(seen[: many + 1]) for many in range(len(seen))] or [()]

    def _way(self, name: str) -> Way:
        ways: dict[str, Way] = {"ets": ets, "naive": naive, "prophet": ProphetWay(self.country, self.zone)}
        return ways[name]

    def _backtested(self, way: Way, history: History, periods: tuple[int, ...], longest: int, ahead: int) -> "Backtest":
        """From origins that leave two of the `longest` season before them, so that all seasons are tried on the same."""
        rows = len(history.values)
        first = max(longest, 2) if way is naive else max(2 * longest + 1, FEWEST_ROWS)
        last = min(max(first, rows - ahead, (first + rows) // 2), rows - 1)
        origins = np.unique(np.linspace(first, last, self.origins).astype(np.int64)).tolist()
        known = np.isfinite(history.values) & history.is_open
        return Backtest.of([self._errors(way, history, periods, origin, ahead) for origin in origins if origin > 1 and known[:origin].any()])

    def _errors(self, way: Way, history: History, periods: tuple[int, ...], origin: int, ahead: int) -> "Backtest":
        after = slice(origin, origin + ahead)
        values, is_open = history.values[after], history.is_open[after]
        error = np.abs(values - np.maximum(told(way, history.before(origin), periods, is_open), self.least))
        known = np.isfinite(error)
        return Backtest(np.flatnonzero(known), is_open[known], error[known])

    def _half(self, backtest: "Backtest", open_ahead: Bools, rows: int) -> Floats:
        fewest = conformal.fewest(1 - self.level)
        if len(backtest.errors) < fewest:
            raise ValueError(
                f"{rows} rows leave {len(backtest.errors)} backtested values, and a band of level {self.level} needs at least {fewest};"
                " give more history"
            )
        return backtest.half_widths(open_ahead, self.level)


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a way was off by (`errors`), at how many rows ahead less one (`leads`), and whether the plant was open."""

    leads: Numbers
    is_open: Bools
    errors: Floats

    @classmethod
    def of(cls, parts: Sequence["Backtest"]) -> "Backtest":
        """All of them together."""
        none = cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool), np.zeros(0))
        return cls(*(np.concatenate([getattr(part, name) for part in (none, *parts)]) for name in ("leads", "is_open", "errors")))

    @property
    def wrong(self) -> float:
        """The mean error."""
        return float(self.errors.mean()) if len(self.errors) else math.inf

    def half_widths(self, open_ahead: Bools, level: float) -> Floats:
        """Half a band of each row ahead.

        >>> backtest = Backtest(np.arange(20) % 2, np.ones(20, dtype=bool), np.tile([1.0, 3.0], 10))
        >>> backtest.half_widths(np.ones(2, dtype=bool), 0.9)
        array([1., 3.])
        """
        fewest, ahead = conformal.fewest(1 - level), len(open_ahead)
        half = np.zeros(ahead)
        for state in (True, False):
            of_state = self.is_open == state
            if of_state.sum() < fewest:
                of_state = np.ones(len(self.errors), dtype=bool)
            widths = np.zeros(ahead)
            for block in np.array_split(np.arange(ahead), min(LEAD_BLOCKS, ahead)):
                near = of_state & (self.leads >= block[0]) & (self.leads <= block[-1])
                widths[block] = conformal.limit(self.errors[near if near.sum() >= fewest else of_state], 1 - level)
            half = np.where(open_ahead == state, np.maximum.accumulate(widths), half)
        return half
