"""What somebody does in FactoMES, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """`who` posts `body` to `path` of the API; `key` is its idempotency key, so asked twice it happens once.

    `answers` fills places in path and body that are written `{name}` with a field of the answer to an earlier ask: name -> (its key, the field).
    """

    who: str
    path: str
    key: str
    body: Mapping[str, object] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def stamp(ts: datetime) -> str:
    """A time as the API takes it."""
    return ts.isoformat(timespec="milliseconds")
