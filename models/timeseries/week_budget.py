"""How many alerts of a machine may stand in any week, and which one has to go: the weakest."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.timeseries.conformal import WEEK_S


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert that people were told of, by when and how strong it has been at most."""

    alert_id: str
    raised_s: float
    strength: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a new alert may be raised, and which one is withdrawn for it."""

    raised: bool
    withdrawn: Standing | None = None


def of_last_week(standing: Iterable[Standing], now_s: float) -> tuple[Standing, ...]:
    """Those that still use up the budget."""
    return tuple(one for one in standing if one.raised_s > now_s - WEEK_S)


def ruling(standing: Iterable[Standing], budget: int, now_s: float, strength: float) -> Ruling:
    """Raised while the week has room, or in the place of the weakest where it is stronger; of equally weak ones the latest goes.

    >>> standing = (Standing("monday", 0.0, 1.4), Standing("tuesday", 90_000.0, 3.0))
    >>> ruling(standing, 3, 200_000.0, 1.2)
    Ruling(raised=True, withdrawn=None)
    >>> ruling(standing, 2, 200_000.0, 1.2)
    Ruling(raised=False, withdrawn=None)
    >>> ruling(standing, 2, 200_000.0, 2.0).withdrawn.alert_id
    'monday'
    """
    using = of_last_week(standing, now_s)
    if len(using) < budget:
        return Ruling(True)
    weakest = min(using, key=lambda one: (one.strength, -one.raised_s), default=None)
    if weakest is None or strength <= weakest.strength:
        return Ruling(False)
    return Ruling(True, weakest)
