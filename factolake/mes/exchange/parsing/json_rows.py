"""JSON: an array of objects. Numbers keep their digits; orders may carry an array `operations`."""

import json
from collections.abc import Iterator

from factolake.mes.core.refusals import Invalid
from factolake.mes.exchange.parsing.rows import ParsedRow, RowError, RowForm, Value

_DIGITS = 18


class _Twice(dict[str, Value]):
    """An object that has a name more than once."""

    name = ""


def parse_json(document: bytes, _: type[RowForm]) -> Iterator[ParsedRow | RowError]:
    """The objects of the array, numbered from 1. Raises Invalid for a document that is no JSON array."""
    try:
        found = json.loads(
            document.decode("utf-8-sig"), parse_float=str, parse_int=_whole, parse_constant=str, object_pairs_hook=_object
        )  # digits as they are written: a float would change them
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the document is no JSON: {error}") from error
    if not isinstance(found, list):
        raise Invalid(f"the document is a JSON {type(found).__name__}; send an array of objects")
    for number, item in enumerate(found, start=1):
        if isinstance(item, _Twice):
            yield RowError(number, item.name, f"{item.name[:80]!r} is there twice; say it once", item)
        elif isinstance(item, dict):
            yield ParsedRow(number, item)
        else:
            yield RowError(number, "", f"row {number} is {str(item)[:80]!r}; every row is an object with names and values", {})


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = _Twice(made)
    names = [name for name, _ in pairs]
    twice.name = next(name for name in names if names.count(name) > 1)
    return twice


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _DIGITS else digits
