"""Which models may be stored: an allow-list from a short name to a class. A bundle names its kind; nothing in it can name a class, module or path.

A model is read only if its class writes back exactly what was read, if its arrays fit its signals, and if it scores a few rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from factolake.errors import ModelRefused
from models.contract import Detector
from models.timeseries.canonical import CanonicalModel
from models.timeseries.drift import Drift
from models.timeseries.level import Level
from models.timeseries.machine.model import TOGETHER, MachineModel
from models.timeseries.machine.running import FEATURES
from models.timeseries.moves import Moves
from models.timeseries.pca import Pca
from models.timeseries.seasonal_band import SeasonalBand
from models.timeseries.signals import Floats, Signals
from models.timeseries.watch import WatchModel

MOST_ROWS = 100_000
"""Of a window, memory or lag: a model may not ask for more memory than its own numbers take."""
_TRIED_ROWS = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """`names` and `regimes` of a model, the regimes empty where it scores any; `is_sound`: whether its arrays and lengths fit each other."""

    made: type[Detector]
    names: Callable[[Any], tuple[str, ...]]
    regimes: Callable[[Any], tuple[int, ...]]
    is_sound: Callable[[Any], bool]


def _sized(arrays: tuple[Floats, ...], *shape: int) -> bool:
    return all(array.shape == shape for array in arrays)


def _rows(*lengths: int) -> bool:
    return all(1 <= length <= MOST_ROWS for length in lengths)


def _canonical(model: CanonicalModel) -> bool:
    signals, inputs = len(model.names), len(model.names) * model.lags_rows
    return _rows(model.lags_rows) and all(
        _sized((one.center, one.scale), signals)
        and _sized((one.form,), inputs, inputs)
        and _sized((one.alone,), model.lags_rows, model.lags_rows, signals)
        and _sized((one.limits,), 1 + len(one.memories_rows))
        and _rows(*one.memories_rows)
        for one in model.relations.values()
    )


def _pca(model: Pca) -> bool:
    signals, columns = len(model.names), len(model.names) * model.lags_rows
    return _rows(model.lags_rows) and all(
        _sized((one.center, one.spread), signals)
        and _sized((one.middle,), columns)
        and _sized((one.directions,), len(one.variances), columns)
        and one.variances.ndim == 1
        for one in model.regimes.values()
    )


def _level(model: Level | Moves) -> bool:
    is_power_of_two = model.window_rows & (model.window_rows - 1) == 0
    return _rows(model.window_rows) and is_power_of_two and all(_sized((one.center, one.scale), len(model.names)) for one in model.regimes.values())


def _machine(model: MachineModel) -> bool:
    signals = len(model.names)
    is_together = model.strange.names == model.names and model.strange.lags_rows == 1 and list(model.strange.regimes) == [TOGETHER]
    is_ranged = 0 < model.weight <= 1 and 0 <= model.settling_rows <= MOST_ROWS and 0 < model.threshold < math.inf
    return (
        is_ranged
        and is_together
        and _pca(model.strange)
        and all(
            _sized((one.base, one.spread), signals) and _sized((one.weights,), FEATURES, signals) and bool((one.spread > 0).all())
            for one in model.regimes.values()
        )
    )


def _moves(model: Moves) -> bool:
    return _level(model) and _rows(model.still_rows, model.rest_rows)


def _drift(model: Drift) -> bool:
    return all(_sized((one.center, one.spread), len(model.names)) for one in model.regimes.values())


def _seasonal_band(model: SeasonalBand) -> bool:
    signals = len(model.names)
    return model.period_s > 0 and all(
        _sized((one.clip, one.half), signals) and one.profile.ndim == 2 and len(one.profile) == signals and _rows(one.profile.shape[1])
        for one in model.regimes.values()
    )


def _watch(model: WatchModel) -> bool:
    told = model.settings
    return _rows(told.memory, told.chunk, told.span, told.quick_span, told.points, told.stride, told.span * told.points)


def _own(model: Any) -> tuple[str, ...]:
    return cast(tuple[str, ...], model.names)


def _of_regimes(model: Any) -> tuple[int, ...]:
    return tuple(sorted(model.regimes))


KINDS: dict[str, Kind] = {
    "canonical": Kind(CanonicalModel, _own, lambda model: tuple(sorted(model.relations)), _canonical),
    "drift": Kind(Drift, _own, _of_regimes, _drift),
    "level": Kind(Level, _own, _of_regimes, _level),
    "machine": Kind(MachineModel, _own, _of_regimes, _machine),
    "moves": Kind(Moves, _own, _of_regimes, _moves),
    "pca": Kind(Pca, _own, _of_regimes, _pca),
    "seasonal_band": Kind(SeasonalBand, _own, _of_regimes, _seasonal_band),
    "watch": Kind(WatchModel, lambda model: cast(tuple[str, ...], model.seen.names), lambda _: (), _watch),
}


def kind_of(model: Detector) -> str:
    """The short name of a model's class. Raises ModelRefused for a class that is not on the list."""
    for name, kind in KINDS.items():
        if type(model) is kind.made:
            return name
    raise ModelRefused(f"{type(model).__name__} is no kind of model that may be stored; allowed: {', '.join(KINDS)}")


def made(name: str, parameters: dict[str, object]) -> Detector:
    """The model of kind `name` with `parameters`, which has been tried. Raises ModelRefused."""
    kind = KINDS.get(name)
    if kind is None:
        raise ModelRefused(f"the kind of model {name[:60]!r} is not known; allowed: {', '.join(KINDS)}")
    try:
        model = kind.made.from_json(parameters)
        if model.to_json() != parameters:
            raise ValueError("its class would write other parameters than these")
        if not kind.is_sound(model):
            raise ValueError("its arrays or lengths do not fit its signals")
        _tried(kind, model)
    except Exception as cause:  # whatever numpy says of numbers that do not belong together, this is no model
        raise ModelRefused(f"the parameters are no model of kind {name}: {type(cause).__name__} {str(cause)[:200]}; register it anew") from cause
    return model


def _tried(kind: Kind, model: Detector) -> None:
    names = kind.names(model)
    if len(set(names)) != len(names) or not names:
        raise ValueError(f"{len(names)} signals of {len(set(names))} names")
    regimes = np.repeat(np.array(kind.regimes(model) or (0,), dtype=np.int64), _TRIED_ROWS)
    rows = len(regimes)
    with np.errstate(all="ignore"):
        scores = model.scorer().score(Signals(names, np.zeros((rows, len(names))), np.arange(rows, dtype=np.float64), regimes))
    if scores.score.shape != (rows,) or scores.parts.shape != (rows, len(names)):
        raise ValueError(f"scores of shape {scores.score.shape} for {rows} rows")
