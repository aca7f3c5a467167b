"""Fitted models as plain JSON and back: what `to_json` and `from_json` of the detectors share."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

import numpy as np

Model = TypeVar("Model")


def written(model: object) -> dict[str, object]:
    """A dataclass of numbers, arrays, names and mappings of dataclasses by regime, in plain JSON; every bit is kept."""
    return {field.name: _value(getattr(model, field.name)) for field in fields(cast(Any, model))}


def read(what: str, made: Callable[[], Model]) -> Model:
    """What `made` makes of JSON. Raises ValueError, naming `what`, where the JSON is something else."""
    try:
        return made()
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise ValueError(f"this is no {what}: {type(cause).__name__} {cause}; give what its to_json wrote") from cause


def _value(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): written(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value
