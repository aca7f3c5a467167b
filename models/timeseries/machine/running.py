"""How a machine has been running, as numbers that tell what its signals should be: now, over the last minutes and hours, and at which time of day.

A motor that ran for ten minutes is colder than one that ran for two hours, and a hall is colder by night. Means over the time before are weighted
exponentially, by the clock and not by rows, so that a gap counts for what it is. What is made of the numbers is in `expected.py`, how they are
reckoned in `kernel.py`.
"""

import numpy as np

from models.timeseries.signals import Floats, Signals

MEMORIES_S = (900.0, 2400.0)
"""How far back is looked: motors, oil and cabinets follow their load in 15 to 40 minutes, and two memories make up any between."""
GAP_S = 3600.0
"""After a longer time without a row nobody knows how the machine ran: as the first row is, so it is taken to have been before."""
SETTLING_S = 7200.0
"""Three of the longest memories: so much of the past must be known."""
FEATURES = 3 + 3 * len(MEMORIES_S)
"""The share of the row, of each memory the mean share, that of the regime alone and the product with the row's own share, and the time of day."""


def shares(signals: Signals) -> Floats:
    """How much of each row the machine ran."""
    return (signals.regimes >= 0).astype(np.float64) if signals.ran is None else signals.ran
