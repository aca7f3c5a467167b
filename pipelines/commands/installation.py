"""The installation as a whole: up, doctor, status."""

from dataclasses import asdict
from typing import Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import FactoLakeError
from pipelines.commands.invocation import Json, invocation, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, doctor, status):
        app.command()(command)


def up(
    context: typer.Context,
    parts: Annotated[str | None, typer.Option(help="Comma-separated parts instead of those in the settings.")] = None,
) -> None:
    """Start all parts and keep them running.

    Starts those named in the settings, restarts what dies, stops them in order on Ctrl-C.
    """
    from pipelines.up import run_up

    call = invocation(context)
    run_up(call.settings(), call.conf, parts.split(",") if parts is not None else None)


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Say what is healthy, what is not, and why.

    Per source and per part: state, since when, cause in words. Exit code 1 when something is not healthy.
    """
    from pipelines.doctor import diagnose
    from pipelines.observe import observe

    report = diagnose(observe(invocation(context).settings(), SystemClock()))
    if as_json:
        print_json(report.document())
    else:
        print_table("", [asdict(finding) for finding in report.findings], ("kind", "name", "state", "since", "cause"))
        typer.echo(f"{report.state}")
    if report.state != "healthy":
        raise typer.Exit(FactoLakeError.exit_code)


def status(context: typer.Context, as_json: Json = False) -> None:
    """Show parts, tables and latest shifts in short."""
    from pipelines.status import picture

    now = picture(invocation(context).settings(), SystemClock())
    if as_json:
        print_json(now)
        return
    typer.echo(f"{now['home']}: {now['state']}")
    for title in ("parts", "tables", "shifts"):
        rows = now[title]
        if isinstance(rows, list) and rows:
            print_table(title, rows)
