"""What every command shares: the global options, the settings they lead to, and printing data as a table or as JSON."""

import datetime as dt
import decimal
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factolake.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from factolake.config import Settings
    from factolake.domain.plant import PlantModel

Json = Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout; everything else goes to stderr.")]
Once = Annotated[bool, typer.Option("--once", help="Do what waits now, then end.")]
Supervised = Annotated[bool, typer.Option("--supervised", hidden=True, help="End when standard input closes, that is when the supervisor is gone.")]


@dataclass
class Invocation:
    """The options before the command's name, filled in by the root command."""

    conf: Path | None = None
    debug: bool = False

    def settings(self) -> "Settings":
        """The installation's settings. Raises ConfigError."""
        from factolake.config import load_settings

        return load_settings(self.conf)

    def plant(self, settings: "Settings") -> "PlantModel":
        """The plant the settings name. Raises ConfigError."""
        from factolake.config import load_plant

        return load_plant(settings.plant_file)


def invocation(context: typer.Context) -> Invocation:
    """The invocation a command runs in."""
    found = context.find_object(Invocation)
    return found if found is not None else Invocation()


def print_json(value: object) -> None:
    """`value` as JSON on stdout: times ISO 8601 in UTC, bytes in hex, decimals as numbers."""
    sys.stdout.write(json.dumps(value, default=plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def plain(value: object) -> object:
    """A value JSON has no word for, in words JSON has. Raises TypeError for what no table holds."""
    if isinstance(value, dt.datetime):
        return (value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)).isoformat(timespec="microseconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"no JSON form for {type(value).__name__}")


def print_table(title: str, rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None, *, to_stderr: bool = False) -> None:
    """`rows` as a plain table; numbers right, nothing wrapped away when stdout is no terminal."""
    from rich.table import Table

    names = list(columns or (rows[0] if rows else ()))
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in names:
        numeric = any(isinstance(row.get(name), (int, float)) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    print_rich(table, to_stderr=to_stderr)


def print_rich(what: "RenderableType", *, to_stderr: bool = False) -> None:
    """Something rich can print, at the terminal's width, or wide enough for any table where there is none."""
    from rich.console import Console

    stream = sys.stderr if to_stderr else sys.stdout
    Console(file=stream, width=None if stream.isatty() else 200, soft_wrap=not stream.isatty()).print(what)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dt.datetime):
        return str(plain(value)).replace("+00:00", "Z")
    return str(plain(value)) if isinstance(value, (dt.date, bytes, decimal.Decimal)) else str(value)


def day(text: str | None) -> dt.date | None:
    """A day given as YYYY-MM-DD. Raises ConfigError for anything else."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError("command line", "--day", text, "a day as YYYY-MM-DD") from error
