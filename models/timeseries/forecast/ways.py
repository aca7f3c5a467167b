"""How the mean of a slow signal is foretold: the last season again, MSTL with ETS, or Prophet. Libraries are imported when they are first used.

Closed hours are a mask, whatever the way: a way sees a plant that is always open, with the holes filled by what is usual at that time, and closed
hours are told the median of closed hours. So a holiday in the history spoils no season, and one ahead is told right.

CPU seconds of one mean after 720 hours with a day and a week, on one core: naive below 0.001, ETS 0.2, Prophet 0.16 (a third of it in its own
process); the first use imports statsmodels in 2 to 3 or prophet in 0.8 to 1.3 more. A whole forecast of 24 hours, with 12 backtests of the day and
12 of day and week, takes 0.03, 3.0 and 2.8.
"""

import logging
import warnings
from typing import Protocol

import numpy as np

from models.timeseries.forecast.series import Bools, History
from models.timeseries.signals import Floats

FEWEST_ROWS = 12
"""Of a history that ETS is fitted to: it begins with a line through the first ten."""
FOURIER_ORDER = 6
"""Waves in a season of Prophet: a shift of eight hours in a day takes three."""


class Way(Protocol):
    """Foretells an open plant."""

    def __call__(self, history: History, periods_rows: tuple[int, ...], ahead: int) -> Floats:
        """Means of the next `ahead` rows."""
        ...


def told(way: Way, history: History, periods_rows: tuple[int, ...], open_ahead: Bools) -> Floats:
    """Means of the next rows: of `way` where the plant is to work, else what closed hours were; `way` too where none was ever closed.

    >>> hours = History.of(np.array([8.0, 9.0, 1.0, 1.0, 8.0, 9.0]), is_open=np.array([True, True, False, False, True, True]))
    >>> told(naive, hours, (2,), np.array([True, True, False]))
    array([8., 9., 1.])
    """
    mean = way(history, periods_rows, len(open_ahead))
    closed = history.values[~history.is_open & np.isfinite(history.values)]
    return np.where(open_ahead, mean, np.median(closed)) if len(closed) else mean


def filled(history: History, periods_rows: tuple[int, ...]) -> Floats:
    """The values as if always open: closed and missing ones are the median at their place in the longest period that has one, or of all.

    >>> filled(History.of(np.array([1.0, 5.0, np.nan, 7.0, 3.0, 6.0])), (2,))
    array([1., 5., 2., 7., 3., 6.])
    """
    values = np.where(history.is_open, history.values, np.nan)
    found = values.copy()
    for period in sorted(periods_rows, reverse=True):
        hole = np.isnan(found)
        found[hole] = np.resize(_profile(values, period), len(values))[hole]
    known = values[~np.isnan(values)]
    if not len(known):
        raise ValueError(f"none of {len(values)} rows has a value of open hours, so nothing can be foretold; give at least {FEWEST_ROWS}")
    found[np.isnan(found)] = np.median(known)
    return found


def _profile(values: Floats, period: int) -> Floats:
    padded = np.concatenate([values, np.full(-len(values) % period, np.nan)]).reshape(-1, period)
    known = np.isfinite(padded).any(axis=0)
    profile = np.full(period, np.nan)
    profile[known] = np.nanmedian(padded[:, known], axis=0)
    return profile


def naive(history: History, periods_rows: tuple[int, ...], ahead: int) -> Floats:
    """The last season of the longest period once more; the last value where there is none."""
    values, period = filled(history, periods_rows), max(periods_rows, default=1)
    return np.resize(values[-period:], ahead)


def ets(history: History, periods_rows: tuple[int, ...], ahead: int) -> Floats:
    """Seasons by MSTL (Bandara, Hyndman and Bergmeir 2021), held over the history; the rest by ETS with additive errors and a damped trend."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    from statsmodels.tsa.seasonal import MSTL

    values = filled(history, periods_rows)
    seasons = np.zeros(ahead)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the optimiser stops early, the backtests show what the fit is worth
        if periods_rows:
            # Few periods are at hand: a season free to change follows the noise (mean error 3.2 against 2.9 on 720 hours).
            held = tuple(10 * len(values) + 1 for _ in periods_rows)
            parts = np.asarray(MSTL(values, periods=periods_rows, windows=held).fit().seasonal).reshape(len(values), -1)
            values = values - parts.sum(axis=1)
            for period, part in zip(sorted(periods_rows), parts.T, strict=True):
                seasons += np.resize(part[-period:], ahead)
        if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
            return seasons + float(values[-1])
        fit = ETSModel(values, error="add", trend="add", damped_trend=True).fit(disp=False)
        return np.asarray(fit.forecast(ahead)) + seasons


class ProphetWay:
    """Prophet (Taylor and Letham 2018) with one effect of all public holidays of `country`, none where it is empty; days are those of `zone`."""

    def __init__(self, country: str, zone: str) -> None:
        self._country, self._zone = country, zone

    def __call__(self, history: History, periods_rows: tuple[int, ...], ahead: int) -> Floats:
        """Means of the next `ahead` rows."""
        import pandas as pd

        logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)  # it complains at import that plots cannot be drawn
        from prophet import Prophet
        from prophet.make_holidays import make_holidays_df

        seconds = np.concatenate([history.seconds, history.seconds_ahead(ahead)])
        days = pd.to_datetime(seconds, unit="s", utc=True).tz_convert(self._zone).tz_localize(None)
        free = None
        if self._country:
            years = list(range(days[0].year, days[-1].year + 1))
            # One effect for all holidays: a history of weeks has met none of those ahead by name.
            free = make_holidays_df(year_list=years, country=self._country).assign(holiday="holiday")
        model = Prophet(holidays=free, uncertainty_samples=0, yearly_seasonality=False, weekly_seasonality=False, daily_seasonality=False)
        logging.getLogger("cmdstanpy").setLevel(logging.WARNING)  # which `Prophet()` has just set to tell of every fit
        for period in periods_rows:
            order = min(FOURIER_ORDER, period // 2)
            model.add_seasonality(name=f"{period} rows", period=period * history.step_s / 86_400.0, fourier_order=order)
        known = np.where(history.is_open, history.values, np.nan)
        model.fit(pd.DataFrame({"ds": days[: len(known)], "y": known}))
        return model.predict(pd.DataFrame({"ds": days[len(known) :]}))["yhat"].to_numpy(dtype=np.float64)
