"""Fitted models as plain JSON and back, by the fields of their dataclasses: what `to_json` and `from_json` of the detectors share.

Every bit is kept. Alerts, whose times and enums need words of their own, have `factolake.domain.plain_json`.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np

Model = TypeVar("Model")


def written(model: object) -> dict[str, object]:
    """A dataclass of numbers, texts, arrays, other dataclasses, and tuples, lists and mappings of them, in plain JSON."""
    return {field.name: _value(getattr(model, field.name)) for field in fields(cast(Any, model))}


def read(what: str, kind: type[Model], data: Mapping[str, object]) -> Model:
    """The dataclass `kind` that `written` wrote. Raises ValueError, naming `what`, where the JSON is something else."""
    try:
        return cast(Model, _read(kind, data))
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise ValueError(f"this is no {what}: {type(cause).__name__} {cause}; give what its to_json wrote") from cause


def _value(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _value(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [_value(one) for one in value]
    return written(value) if is_dataclass(value) else value


def _read(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return cast(Any, kind)(**{name: _read(hint, value[name]) for name, hint in _hints(cast(type, kind)).items()})
    if origin is np.ndarray:
        return np.array(value, dtype=np.float64)
    if origin is Mapping:
        return {inner[0](key): _read(inner[1], one) for key, one in value.items()}
    if origin in (tuple, list):
        return origin(_read(inner[0], one) for one in value)
    return kind(value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
