"""JSON from a file that nobody trusts yet: its size, depth and numbers are looked at before and while it is parsed.

What is refused: more than `MOST_BYTES`, lists and objects deeper than `MOST_DEPTH` or more than `MOST_NESTS` of them, more than `MOST_VALUES` values,
a key twice in an object, NaN, infinities, numbers beyond what 64 bits hold, and text that is not UTF-8.
"""

import json
import math
import re
from typing import NoReturn

import numpy as np

from factolake.errors import ModelRefused

MOST_BYTES = 32 * 1024 * 1024
MOST_DEPTH = 12
MOST_NESTS = 300_000
"""An empty list is 2 bytes in a file and 64 in memory."""
MOST_VALUES = 4_000_000
_LONGEST_WHOLE = 18
# An unfinished string matches up to the end: else the search would begin anew at each quote behind it, in time that grows with the square.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_OPENS, _CLOSES = np.frombuffer(b"[{", dtype=np.uint8), np.frombuffer(b"]}", dtype=np.uint8)


def parsed(raw: bytes, what: str) -> dict[str, object]:
    """The object in `raw`; `what` is what the text is called in a refusal. Raises ModelRefused."""
    _measured(raw, what)
    try:
        found = json.loads(raw.decode("utf-8"), parse_float=_number, parse_int=_whole, parse_constant=_constant, object_pairs_hook=_unique)
    except ValueError as cause:
        raise ModelRefused(f"{what} is no JSON that is read here: {str(cause)[:200]}; put back what belongs there, or make it anew") from cause
    if not isinstance(found, dict):
        raise ModelRefused(f"{what} holds a {type(found).__name__}, not an object; put back what belongs there, or make it anew")
    return found


def _measured(raw: bytes, what: str) -> None:
    if len(raw) > MOST_BYTES:
        raise ModelRefused(f"{what} has {len(raw)} bytes; at most {MOST_BYTES} are read, so fit a smaller model")
    bare = _STRING.sub(b"", raw)
    letters = np.frombuffer(bare, dtype=np.uint8)
    opens, closes = np.isin(letters, _OPENS), np.isin(letters, _CLOSES)
    deepest = int(np.cumsum(opens.astype(np.int32) - closes).max(initial=0))
    if deepest > MOST_DEPTH or np.count_nonzero(opens) > MOST_NESTS:
        raise ModelRefused(f"{what} has lists deeper than {MOST_DEPTH} or more than {MOST_NESTS} of them; that is no model of ours")
    if bare.count(b",") >= MOST_VALUES:
        raise ModelRefused(f"{what} has more than {MOST_VALUES} values; fit a smaller model")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is beyond what 64 bits hold")
    return value


def _whole(text: str) -> int:
    if len(text) > _LONGEST_WHOLE:
        raise ValueError(f"the number {text[:40]} has more than {_LONGEST_WHOLE} digits")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found
