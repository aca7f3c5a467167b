"""Plain values as TOML text: just what settings and plant files hold, because the standard library only reads TOML."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import TypeGuard

Value = object


def to_toml(document: Mapping[str, Value], heading: str = "") -> str:
    """`document` as TOML; `heading` becomes a comment on top. Raises TypeError for a value TOML cannot hold.

    >>> to_toml({"a": 1, "b": {"c": "x"}, "d": [{"e": True}]})
    'a = 1\\n\\n[b]\\nc = "x"\\n\\n[[d]]\\ne = true\\n'
    """
    lines = [f"# {line}" for line in heading.splitlines()]
    _table(document, (), lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(table: Mapping[str, Value], path: tuple[str, ...], lines: list[str]) -> None:
    nested = {key: value for key, value in table.items() if isinstance(value, Mapping) or _is_tables(value)}
    lines += [f"{_key(key)} = {_inline(value)}" for key, value in table.items() if key not in nested]
    for key, value in nested.items():
        here = (*path, key)
        name = ".".join(_key(part) for part in here)
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]"]
            _table(value, here, lines)
        elif _is_tables(value):
            for row in value:
                lines += ["", f"[[{name}]]"]
                _table(row, here, lines)


def _is_tables(value: Value) -> TypeGuard[list[Mapping[str, Value]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else _text(key)


def _text(value: str) -> str:
    # JSON's escapes are TOML's too, but JSON lets DEL through.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _inline(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    raise TypeError(f"no TOML form for {type(value).__name__}")
