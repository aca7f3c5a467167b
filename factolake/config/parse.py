"""TOML to checked values: every error says file, key, value seen and what is allowed."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from factolake.errors import ConfigError

T = TypeVar("T", bound=BaseModel)


class Strict(BaseModel):
    """Base of the parsed forms: frozen, and a misspelled key is an error, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables. Raises ConfigError when it is missing or no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(str(path), "file", None, "a TOML file at this path; `factolake demo` works without one of your own") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "syntax", str(error), "TOML 1.0 in UTF-8") from error


def parse(form: type[T], data: dict[str, Any], file: Path) -> T:
    """`data` as a `form`. Raises ConfigError for the first thing that is wrong."""
    try:
        return form.model_validate(data)
    except ValidationError as error:
        # A misspelled key shows up twice, as unknown and as missing; the unknown one is what the person typed.
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"])
        value, allowed = first.get("input"), first["msg"].removeprefix("Value error, ")
        if first["type"] == "missing":
            value, allowed = None, "a value; the key is required"
        if first["type"] == "extra_forbidden":
            value, allowed = f"{first.get('input')!r} (unknown key)", f"keys {', '.join(_known_keys(form, first['loc']))}"
        raise ConfigError(str(file), key, value, allowed) from error


def _known_keys(form: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    for part in loc[:-1]:
        if isinstance(part, int) or part not in form.model_fields:
            continue
        candidates = [form.model_fields[part].annotation, *getattr(form.model_fields[part].annotation, "__args__", ())]
        form = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), form)
    return sorted(field.alias or name for name, field in form.model_fields.items())
