"""`factolake demo`: from nothing to an explained KPI, with one command."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.invocation import Json, print_json
from pipelines.commands.parts import parse_speed


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the KPI table; the lake stays for sql, explain and the rest.")] = False,
    as_json: Json = False,
    speed: Annotated[str, typer.Option(help="How fast history plays: a factor, or max.")] = "max",
    seed: Annotated[int, typer.Option(help="Same seed, same shift.")] = 7,
    recording: Annotated[Path | None, typer.Option(help="Play a recorded machine-day (NIST SHDR file) instead of the simulated line.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the lake of the last demo instead of a fresh one.")] = False,
) -> None:
    """See a production line become a KPI, start here.

    Runs a simulated line (or a recording) over OPC UA through bronze, silver and gold to its first KPI, and keeps running.
    """
    from factolake.config import data_folder
    from pipelines.demo import Wishes, run_demo

    parse_speed(speed)
    wishes = Wishes(once=once, speed=speed, seed=seed, recording=recording, keep=keep, quiet=as_json)
    run_demo(data_folder(), wishes, print_json if as_json else lambda _: None)
