"""Registered models as commands: list, show, promote, rollback. They stand beside `evaluate` and `score` under `factolake models`."""

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError
from pipelines.commands.invocation import Json, invocation, print_json, print_table

if TYPE_CHECKING:
    from models.registry.approval import Approval
    from models.registry.catalogue import Models

MOST_APPROVAL_BYTES = 65_536
SHOWN = ("version", "is_champion", "aliases", "kind", "created_ts", "created_by", "metrics", "trained_on")
TOLD = ("number", "action", "version", "by", "approval_id", "approval_source", "at_ts")

Name = Annotated[str, typer.Argument(help="The model, e.g. line1.press.vibration.")]


def register(models: typer.Typer) -> None:
    """Add the commands of this module to `models`."""
    models.command("list")(list_)
    for command in (show, promote, rollback):
        models.command()(command)


def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the registered models: how many versions, which is champion, which is challenger, how many are refused."""
    models = _models(context)
    rows = [_line(name, models.overview(name)) for name in models.names()]
    if as_json:
        print_json(rows)
    else:
        print_table("", rows, ("name", "versions", "champion", "challenger", "refused"))


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show the versions of a model, what an approver approves, and who promoted what. Exit code 1 where a version is refused."""
    models = _models(context)
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


def promote(
    context: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="The version that is to score.")],
    approved_by: Annotated[str, typer.Option(help="Id of the person who approved it; the one the approval names.")],
    approval: Annotated[Path, typer.Option(help="JSON file: approval_id, approved_by, approved_ts, payload_sha256 as `models show` prints it.")],
    as_json: Json = False,
) -> None:
    """Make a version champion, as a person approved it.

    The file is taken as it is: it proves nothing about its author, and the history says that the approval was a document. FactoMES is not asked.
    """
    given = _approval(approval)
    if given.approved_by != approved_by:
        raise ConfigError("command line", "--approved-by", approved_by, f"{given.approved_by!r}, whom {approval} names")
    entry = _models(context).promote(name, version, given, SystemClock().now())
    if as_json:
        print_json(asdict(entry))
    else:
        typer.echo(f"{name}: version {entry.version} is champion, approved by {entry.by} ({entry.approval_source} {entry.approval_id})")


def rollback(
    context: typer.Context,
    name: Name,
    by: Annotated[str | None, typer.Option(help="Who does it; default: the user of this terminal.")] = None,
    as_json: Json = False,
) -> None:
    """Make the champion before champion again."""
    entry = _models(context).rollback(name, getpass.getuser() if by is None else by, SystemClock().now())
    if as_json:
        print_json(asdict(entry))
    else:
        typer.echo(f"{name}: version {entry.version} is champion again, by {entry.by}")


def _models(context: typer.Context) -> "Models":
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


def _approval(file: Path) -> "Approval":
    from models.registry.approval import of_document

    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_APPROVAL_BYTES + 1)
    except OSError as cause:
        raise ConfigError("command line", "--approval", str(file), f"a file that can be read ({cause.strerror})") from cause
    if len(raw) > MOST_APPROVAL_BYTES:
        raise ConfigError("command line", "--approval", str(file), f"a file of at most {MOST_APPROVAL_BYTES} bytes")
    return of_document(raw)
