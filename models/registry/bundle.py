"""A bundle: a fitted model with all that has to be known to use and to judge it, as one JSON text of an exact set of keys.

There is no code, no path and no class name in it; numbers keep every bit. How a bundle lies on the disk is in `folders`, who vouches for it in
`catalogue`.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from factolake.errors import ModelRefused
from models.contract import Detector
from models.registry.kinds import KINDS, kind_of, made
from models.registry.strict_json import parsed

FORMAT = 1
KEYS = frozenset(
    ("format", "name", "kind", "signals", "regimes", "threshold", "parameters", "trained_on", "code_version", "created_ts", "created_by", "metrics")
)
NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+){0,9}")
PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
"""No colon: what is no person has one in its id, as in `agent:scheduler`."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that a model needs, by its tag's name, in this unit."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model of `name`, e.g. `line1.press.vibration`. Raises ModelRefused where a value is not allowed.

    `signals`: what it needs, in this order. `threshold`: from this score on a row is an alarm, above 0. `trained_on`: versions of the tables it was
    fitted on. `created_ts`: UTC. `metrics`: how good it was, by name.
    """

    name: str
    signals: tuple[Signal, ...]
    model: Detector
    threshold: float
    trained_on: Mapping[str, int]
    code_version: str
    created_ts: datetime
    created_by: str
    metrics: Mapping[str, float]

    def __post_init__(self) -> None:
        checked_name(self.name)
        if not (math.isfinite(self.threshold) and self.threshold > 0):
            raise ModelRefused(f"model {self.name} has the threshold {self.threshold}; give a number above 0")
        if not PERSON.fullmatch(self.created_by) or self.created_ts.tzinfo is None:
            raise ModelRefused(f"model {self.name} was made by {self.created_by[:70]!r} at {self.created_ts}; give a name, and a time with its zone")
        needed = KINDS[self.kind].names(self.model)
        named = [signal.name for signal in self.signals]
        if sorted(named) != sorted(needed):
            raise ModelRefused(
                f"model {self.name} names the signals {_some(named)}, its parameters {_some(needed)}; register it with its own signals"
            )

    @property
    def kind(self) -> str:
        """Short name of the model's class."""
        return kind_of(self.model)

    @property
    def regimes(self) -> tuple[int, ...]:
        """Those it can score, ascending; empty: any."""
        return KINDS[self.kind].regimes(self.model)

    def check_signals(self, offered: Sequence[Signal]) -> None:
        """Raise ModelRefused unless `offered` are the signals it was fitted with: same names, units and order."""
        units = {signal.name: signal.unit for signal in offered}
        missing = [signal.name for signal in self.signals if signal.name not in units]
        strange = sorted(units.keys() - {signal.name for signal in self.signals})
        if missing:
            raise ModelRefused(
                f"model {self.name} needs the signals {_some(missing)}, which are not offered; it is offered {_some(strange)} beside its own"
            )
        for signal in self.signals:
            if units[signal.name] != signal.unit:
                raise ModelRefused(
                    f"model {self.name} was fitted on {signal.name} in {signal.unit!r}, offered is {units[signal.name]!r}; convert or refit"
                )
        if strange or [signal.name for signal in offered] != [signal.name for signal in self.signals]:
            raise ModelRefused(
                f"model {self.name} takes {_some([one.name for one in self.signals])} in this order,"
                f" offered are {_some([one.name for one in offered])}; offer them so"
            )


def checked_name(name: str) -> str:
    """`name`, if a model may be called so. Raises ModelRefused."""
    if len(name) > _LONGEST_NAME or not NAME.fullmatch(name):
        raise ModelRefused(
            f"a model cannot be called {name[:120]!r}; use small letters and digits in parts joined by . _ or -, such as line1.press.vibration"
        )
    return name


def as_bytes(bundle: Bundle) -> bytes:
    """The text of a bundle; the same bundle has the same bytes. Raises ModelRefused where the model holds a number that JSON has no word for."""
    document = {
        "format": FORMAT,
        "name": bundle.name,
        "kind": bundle.kind,
        "signals": [{"name": signal.name, "unit": signal.unit} for signal in bundle.signals],
        "regimes": list(bundle.regimes),
        "threshold": bundle.threshold,
        "parameters": bundle.model.to_json(),
        "trained_on": dict(bundle.trained_on),
        "code_version": bundle.code_version,
        "created_ts": bundle.created_ts.astimezone(UTC).isoformat(timespec="microseconds"),
        "created_by": bundle.created_by,
        "metrics": dict(bundle.metrics),
    }
    try:
        return json.dumps(document, sort_keys=True, allow_nan=False, ensure_ascii=True, separators=(",", ":")).encode()
    except (TypeError, ValueError) as cause:
        raise ModelRefused(f"model {bundle.name} cannot be written: {cause}; a model may hold finite numbers only") from cause


def of_bytes(raw: bytes, what: str) -> Bundle:
    """The bundle that `as_bytes` wrote; `what` is what it is called in a refusal. Raises ModelRefused."""
    given = cast(dict[str, Any], parsed(raw, what))
    if given.keys() != KEYS:
        raise ModelRefused(f"{what} has the keys {_some(sorted(given))}; a bundle has exactly {', '.join(sorted(KEYS))}")
    if given["format"] != FORMAT:
        raise ModelRefused(f"{what} has the format {str(given['format'])[:20]!r}, this release reads {FORMAT}; register the model anew")
    try:
        return _bundle(given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as cause:
        raise ModelRefused(f"{what} is no bundle: {type(cause).__name__} {str(cause)[:200]}; register the model anew") from cause


def _bundle(given: dict[str, Any]) -> Bundle:
    for key, kind in (
        ("name", str),
        ("kind", str),
        ("code_version", str),
        ("created_ts", str),
        ("created_by", str),
        ("regimes", list),
        ("parameters", dict),
    ):
        _typed(key, given[key], kind)
    signals = []
    for one in _typed("signals", given["signals"], list):
        if _typed("signals", one, dict).keys() != {"name", "unit"}:
            raise ValueError(f"a signal has the keys {_some(sorted(one))}, not name and unit")
        signals.append(Signal(_typed("name", one["name"], str), _typed("unit", one["unit"], str)))
    found = Bundle(
        given["name"],
        tuple(signals),
        made(given["kind"], given["parameters"]),
        float(_typed("threshold", given["threshold"], (int, float))),
        {table: _typed(table, version, int) for table, version in given["trained_on"].items()},
        given["code_version"],
        datetime.fromisoformat(given["created_ts"]),
        given["created_by"],
        {name: float(_typed(name, value, (int, float))) for name, value in given["metrics"].items()},
    )
    if list(found.regimes) != given["regimes"]:
        raise ValueError(f"regimes are {_some(given['regimes'])}, the parameters have {list(found.regimes)}")
    return found


def _typed(key: str, value: Any, kinds: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise ValueError(f"{key[:60]} is a {type(value).__name__}")
    return value


def _some(names: Sequence[object]) -> str:
    told = ", ".join(str(name)[:60] for name in names[:8])
    return f"{told} and {len(names) - 8} more" if len(names) > 8 else told or "none"
