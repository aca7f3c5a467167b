"""What is usual at this time of the day, or of the week: a profile of bins, learnt from the days or weeks before, the later ones counting more.

A period under way teaches nothing until it is over: a bin is folded in when it is next met in a later period, so that a long anomaly is not its own
excuse.
"""

import numpy as np

from models.timeseries.signals import Floats

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


class Season:
    """A profile of `bins` bins over `period_s` seconds; a period counts 1 - `share` times what the one after it counts.

    >>> season = Season(period_s=4.0, bins=2, share=0.5)
    >>> season.expected(np.arange(8.0), np.array([1.0, 3.0, 9.0, 9.0, 2.0, 2.0, 8.0, 9.0]))
    array([nan, nan, nan, nan,  2.,  2.,  9.,  9.])
    """

    def __init__(self, period_s: float, bins: int, share: float) -> None:
        self._period_s, self._bins, self._keep = period_s, bins, 1.0 - share
        self._period = [0] * bins
        self._sum, self._rows = [0.0] * bins, [0] * bins
        self._weighted, self._weight = [0.0] * bins, [0.0] * bins

    def expected(self, seconds: Floats, values: Floats) -> Floats:
        """What was usual at each of `seconds` before `values` came, NaN where no earlier period says; then `values` are remembered."""
        periods = np.floor(seconds / self._period_s)
        # Multiplied before it is divided: full hours of a day stay whole numbers, and none falls into the bin before it.
        bins = np.minimum((seconds - periods * self._period_s) * self._bins / self._period_s, self._bins - 1).astype(np.int64).tolist()
        usual = np.full(len(values), np.nan)
        for row, (period, place, value) in enumerate(zip(periods.astype(np.int64).tolist(), bins, values.tolist(), strict=True)):
            if period != self._period[place]:
                self._fold(place)
                self._period[place] = period
            if self._weight[place]:
                usual[row] = self._weighted[place] / self._weight[place]
            self._sum[place] += value
            self._rows[place] += 1
        return usual

    def _fold(self, place: int) -> None:
        if self._rows[place]:
            self._weighted[place] = self._weighted[place] * self._keep + self._sum[place] / self._rows[place]
            self._weight[place] = self._weight[place] * self._keep + 1.0
            self._sum[place], self._rows[place] = 0.0, 0
