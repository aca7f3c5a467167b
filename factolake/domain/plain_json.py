"""Frozen values as plain JSON and back, by the types of their fields: text, numbers, truth, UTC times, enums, tuples, other values, or one or None.

Every field is written, and what is read has exactly these fields. Problems and plans have a shorter form, in `factolake.planning.formats.own`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

Value = TypeVar("Value")

_WORDS = {int: "a whole number", float: "a finite number", bool: "true or false", str: "a text", datetime: "a time in UTC, as 2026-01-31T06:00:00Z"}


def to_plain(value: object) -> Any:
    """`value` in lists, objects, numbers and texts; numbers keep every bit, times are UTC and end in Z."""
    names = _names(cast(Any, type(value)))
    if names is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, (tuple, list)):
        return [to_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, StrEnum) else value


def to_text(value: object) -> str:
    """JSON of `to_plain(value)` without blanks; for what is written often, since it costs a fraction. Raises TypeError for what is no such value."""
    return _TEXT.encode(value)


def from_plain(kind: type[Value], plain: object, where: str = "the document") -> Value:
    """The value of type `kind` that `plain` says; `where` names its place. Raises ValueError with the place, what is seen and what is allowed."""
    return cast(Value, _read(kind, plain, where))


def _read(kind: Any, plain: object, where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if plain is None else _read(next(one for one in inner if one is not NoneType), plain, where)
    if origin is tuple:
        if not isinstance(plain, list):
            raise _refused(where, plain, "a list")
        return tuple(_read(inner[0], one, f"{where}[{place}]") for place, one in enumerate(plain))
    if is_dataclass(kind):
        return _dataclass(cast(type, kind), plain, where)
    if issubclass(kind, StrEnum):
        if plain not in list(kind):
            raise _refused(where, plain, f"one of {', '.join(kind)}")
        return kind(str(plain))
    return _single(kind, plain, where)


def _single(kind: type, plain: object, where: str) -> Any:
    if kind is datetime:
        return _time(plain, where)
    if kind is float and type(plain) in (int, float) and math.isfinite(cast(float, plain)):
        return float(cast(float, plain))
    if type(plain) is not kind or kind is float:
        raise _refused(where, plain, _WORDS[kind])
    return plain


def _time(plain: object, where: str) -> datetime:
    if not isinstance(plain, str) or not plain.endswith("Z"):
        raise _refused(where, plain, _WORDS[datetime])
    try:
        return datetime.fromisoformat(plain)
    except ValueError as cause:
        raise _refused(where, plain, _WORDS[datetime]) from cause


def _dataclass(kind: type, plain: object, where: str) -> Any:
    if not isinstance(plain, Mapping):
        raise _refused(where, plain, "an object")
    hints = _fields(kind)
    if set(plain) != set(hints):
        missing, unknown = sorted(set(hints) - set(plain)), sorted(set(map(str, plain)) - set(hints))
        raise ValueError(f"{where} lacks {missing or 'nothing'} and has {unknown or 'nothing'} besides; give exactly {', '.join(hints)}")
    return kind(**{name: _read(hints[name], held, f"{where}.{name}") for name, held in plain.items()})


def _one_level(value: object) -> Any:
    names = _names(cast(Any, type(value)))
    if names is not None:
        return {name: getattr(value, name) for name in names}
    if isinstance(value, datetime):
        return to_plain(value)
    raise TypeError(f"{str(value)[:60]!r} is no value that has a JSON form; give numbers, texts, times and values of them")


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for another type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


_TEXT = json.JSONEncoder(separators=(",", ":"), default=_one_level)


@cache
def _fields(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _refused(where: str, plain: object, allowed: str) -> ValueError:
    return ValueError(f"{where} is {str(plain)[:60]!r}; give {allowed}")
