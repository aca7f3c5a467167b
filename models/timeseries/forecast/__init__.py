"""Forecasts with honest bands for slow signals: energy by the hour, cooling water, counts by the shift.

`series` holds what is known and what is told, `ways` how a mean is foretold (naive, MSTL with ETS, Prophet), `bands` how wide the band is: as wide as
backtests of the same history were wrong. A forecast ends at its horizon, so it is no detector of a stream; `Forecast.strangeness` judges values
within the horizon, and `models.timeseries.seasonal_band` is the detector that goes on without end.
"""
