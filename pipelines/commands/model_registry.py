"""Registered models as commands: list, show, rollback. How a version becomes champion is in `model_promotion`."""

import getpass
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from factolake.domain.clock import SystemClock
from pipelines.commands.invocation import Json, invocation, print_json, print_table

if TYPE_CHECKING:
    from models.registry.catalogue import Models

SHOWN = ("version", "is_champion", "aliases", "kind", "created_ts", "created_by", "metrics", "trained_on")
TOLD = ("number", "action", "version", "by", "approval_id", "approval_source", "at_ts")

Name = Annotated[str, typer.Argument(help="The model, e.g. line1.press.vibration.")]


def register(models: typer.Typer) -> None:
    """Add the commands of this module to `models`."""
    models.command("list")(list_)
    for command in (show, rollback):
        models.command()(command)


def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the registered models: how many versions, which is champion, which is challenger, how many are refused."""
    models = models_of(context)
    rows = [_line(name, models.overview(name)) for name in models.names()]
    if as_json:
        print_json(rows)
    else:
        print_table("", rows, ("name", "versions", "champion", "challenger", "refused"))


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show the versions of a model, what an approver approves, and who promoted what. Exit code 1 where a version is refused."""
    models = models_of(context)
    versions, history = models.overview(name), [asdict(entry) for entry in models.history(name)]
    refused = [version for version in versions if version["refused"]]
    if as_json:
        print_json({"name": name, "versions": versions, "history": history})
    else:
        print_table(name, versions, SHOWN)
        for version in versions:
            typer.echo(f"{version['version']}: {version['refused'] or 'to be approved as payload_sha256 ' + str(version['payload_sha256'])}")
        print_table("Champions so far", history, TOLD)
    if refused:
        raise typer.Exit(1)


def rollback(
    context: typer.Context,
    name: Name,
    by: Annotated[str | None, typer.Option(help="Who does it; default: the user of this terminal.")] = None,
    as_json: Json = False,
) -> None:
    """Make the champion before champion again."""
    entry = models_of(context).rollback(name, getpass.getuser() if by is None else by, SystemClock().now())
    if as_json:
        print_json(asdict(entry))
    else:
        typer.echo(f"{name}: version {entry.version} is champion again, by {entry.by}")


def models_of(context: typer.Context) -> "Models":
    """The registry of this installation. Raises ConfigError."""
    from models.registry.catalogue import Models

    settings = invocation(context).settings()
    return Models(settings.registry_dir, settings.models_key_file)


def _line(name: str, versions: list[dict[str, object]]) -> dict[str, object]:
    from models.registry.catalogue import CHALLENGER

    champion = [version["version"] for version in versions if version["is_champion"]]
    challenger = [version["version"] for version in versions if CHALLENGER in str(version["aliases"])]
    return {
        "name": name,
        "versions": len(versions),
        "champion": champion[0] if champion else None,
        "challenger": challenger[0] if challenger else None,
        "refused": sum(bool(version["refused"]) for version in versions),
    }
