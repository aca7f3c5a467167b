"""Our own JSON of a problem and of a schedule: objects named like the fields of `factolake.domain.job`, those at their default left out.

The dataclasses are the only list of fields. What is read is checked field by field against their types.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from factolake.domain.job import Placed, Problem
from factolake.planning.formats.refusal import FileRefused


def problem_json(problem: Problem) -> str:
    """`problem` as JSON text, a line; the same problem gives the same text, so its hash names it."""
    return json.dumps(to_plain(problem), ensure_ascii=False, separators=(",", ":"))


def problem_of(document: Mapping[str, object]) -> Problem:
    """The problem that a JSON object of ours describes. Raises FileRefused with the place, InvalidProblem where its parts contradict each other."""
    problem: Problem = from_plain(Problem, document)
    return problem


def schedule_json(schedule: tuple[Placed, ...]) -> str:
    """`schedule` as JSON text, a line: an object with the one key `schedule`."""
    return json.dumps({"schedule": to_plain(schedule)}, separators=(",", ":"))


def to_plain(value: object) -> Any:
    """A value of `factolake.domain.job` in lists, objects, numbers and texts."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = ((field.name, getattr(value, field.name), _default(field)) for field in fields(value))
        return {name: to_plain(held) for name, held, default in shown if held != default}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [to_plain(one) for one in value]
    return str(value) if isinstance(value, StrEnum) else value


def from_plain(kind: Any, plain: object, where: str = "") -> Any:
    """What `plain` says, as a value of the type `kind`: a dataclass, tuple, frozenset, enum, int, float, bool, text, or one of them or None.

    `where` is the place of `plain` in the document, for refusals. Raises FileRefused.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, plain, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if plain is None else from_plain(next(one for one in inner if one is not NoneType), plain, where)
    if origin in (tuple, frozenset):
        return origin(_several(inner, plain, where))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if plain not in list(kind):
            raise _refused(where, plain, f"one of {', '.join(kind)}")
        return kind(str(plain))
    if kind is float and type(plain) is int:
        return float(plain)
    if kind in _WORDS and type(plain) is not kind:
        raise _refused(where, plain, _WORDS[kind])
    if kind is int and isinstance(plain, int) and abs(plain) > MAX_NUMBER:
        raise _refused(where, plain, "a whole number of at most 2^53")
    return plain


MAX_NUMBER = 1 << 53
"""Readers of JSON in other languages keep no larger one exactly."""
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _several(inner: tuple[Any, ...], plain: object, where: str) -> list[Any]:
    if not isinstance(plain, list):
        raise _refused(where, plain, "a list")
    if len(inner) == 1 or inner[-1] is Ellipsis:
        return [from_plain(inner[0], one, f"{where}[{place}]") for place, one in enumerate(plain)]
    if len(plain) != len(inner):
        raise _refused(where, plain, f"a list of {len(inner)}")
    return [from_plain(kind, one, f"{where}[{place}]") for place, (kind, one) in enumerate(zip(inner, plain, strict=True))]


def _dataclass(kind: type, plain: object, where: str) -> Any:
    if not isinstance(plain, Mapping):
        raise _refused(where, plain, "an object")
    hints, needed = _fields(kind)
    prefix = f"{where}." if where else ""
    if unknown := sorted(str(name) for name in plain if name not in hints):
        raise FileRefused(f"{prefix}{unknown[0]} is no field here; there are {', '.join(hints)}")
    for name in needed:
        if name not in plain:
            raise FileRefused(f"{prefix}{name} is missing; an object here needs {', '.join(needed)}")
    return kind(**{name: from_plain(hints[name], held, f"{prefix}{name}") for name, held in plain.items()})


@cache
def _fields(kind: type) -> tuple[dict[str, Any], tuple[str, ...]]:
    return get_type_hints(kind), tuple(field.name for field in fields(kind) if _default(field) is MISSING)


def _default(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _refused(where: str, plain: object, allowed: str) -> FileRefused:
    return FileRefused(f"{where or 'the document'} is {json.dumps(plain, default=str)[:60]}; give {allowed}")
