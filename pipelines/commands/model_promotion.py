"""How a version of a model becomes champion: propose it in FactoMES, promote what was approved there or in a document."""

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError
from pipelines.commands.invocation import Json, invocation, print_json
from pipelines.commands.model_registry import Name, models_of

if TYPE_CHECKING:
    from models.registry.approval import Approval
    from models.registry.approved import Promotion
    from models.registry.ledger import Entry

MOST_APPROVAL_BYTES = 65_536


def register(models: typer.Typer) -> None:
    """Add the commands of this module to `models`."""
    for command in (propose, promote):
        models.command()(command)
    models.command("promote-approved")(promote_approved)


def propose(
    context: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="The version that is to score.")],
    why: Annotated[str, typer.Option(help="Why, in your own words; the people who approve read it.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="So many last days champion and challenger are compared on.")] = 7,
    as_json: Json = False,
) -> None:
    """Ask in FactoMES that a version may become champion, with what speaks for it. Others approve it there, never who asked."""
    from pipelines.promotion.evidence import as_text, evidence_of, on_last_days
    from pipelines.promotion.factomes import factomes_of
    from pipelines.promotion.proposing import propose as ask

    settings, now, models = invocation(context).settings(), SystemClock().now(), models_of(context)
    factomes = factomes_of(settings)
    candidate = models.version(name, version)
    evidence = evidence_of(models, candidate, on_last_days(settings, now, days)) | {"typed_by": getpass.getuser()}
    proposal = ask(factomes, candidate, evidence, why or "no reason was given", now)
    told = {"proposal_id": proposal["proposal_id"], "expires_ts": proposal["expires_ts"], "sha256": candidate.sha256, "evidence": evidence}
    if as_json:
        print_json({"name": name, "version": version, **told})
    else:
        typer.echo(f"{name}: version {version} is proposed until {told['expires_ts']} as {told['proposal_id']}; FactoMES's page Approvals shows:")
        typer.echo("\n".join(f"  {line}" for line in as_text(evidence)))


def promote(
    context: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="The version that is to score.")],
    from_mes: Annotated[bool, typer.Option("--from-mes", help="As people approved it in FactoMES, by silver.model_promotions.")] = False,
    approved_by: Annotated[str | None, typer.Option(help="Id of the person who approved it; the one the approval names.")] = None,
    approval: Annotated[
        Path | None, typer.Option(help="JSON file: approval_id, approved_by, approved_ts, payload_sha256 as `models show` prints it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a version champion, as a person approved it: in FactoMES (--from-mes), or in a document (--approved-by and --approval).

    A document is taken as it is: it proves nothing about its author, and the history says that the approval was one.
    """
    given = _from_mes(context, name, version, approved_by, approval) if from_mes else _of_document(approved_by, approval)
    entry = models_of(context).promote(name, version, given, SystemClock().now())
    if as_json:
        print_json(asdict(entry))
    else:
        typer.echo(_told(entry))


def promote_approved(context: typer.Context, as_json: Json = False) -> None:
    """Make champion what people approved in FactoMES and is not yet, in the order of the approvals. Exit code 1 where one is refused."""
    from models.registry.approved import enter_all

    outcome = enter_all(models_of(context), _promotions(context), SystemClock().now())
    if as_json:
        refused = [{"name": one.name, "version": one.version, "why": why} for one, why in outcome.refused]
        overtaken = [{"name": one.name, "version": one.version} for one in outcome.overtaken]
        print_json({"entered": [asdict(entry) for entry in outcome.entered], "refused": refused, "overtaken": overtaken})
    else:
        for entry in outcome.entered:
            typer.echo(_told(entry))
        for one in outcome.overtaken:
            typer.echo(f"{one.name}: version {one.version} is left out, for the champion was changed since it was approved; propose it again")
        if not (outcome.entered or outcome.overtaken or outcome.refused):
            typer.echo("no approved promotion waits")
    for _, why in outcome.refused:
        typer.echo(why, err=True)
    if outcome.refused:
        raise typer.Exit(1)


def _told(entry: "Entry") -> str:
    return f"{entry.name}: version {entry.version} is champion, approved by {entry.by} ({entry.approval_source} {entry.approval_id})"


def _promotions(context: typer.Context) -> "list[Promotion]":
    from factolake.lake.tables import Lake
    from pipelines.promotion.approved import promotions_in

    return promotions_in(Lake(invocation(context).settings().lake_root))


def _from_mes(context: typer.Context, name: str, version: int, approved_by: str | None, approval: Path | None) -> "Approval":
    from models.registry.approved import newest

    if approved_by is not None or approval is not None:
        option, value = ("--approval", str(approval)) if approval is not None else ("--approved-by", approved_by)
        raise ConfigError("command line", option, value, "nothing beside --from-mes: the lake says who approved it")
    return newest(_promotions(context), name, version).approval


def _of_document(approved_by: str | None, approval: Path | None) -> "Approval":
    if approved_by is None or approval is None:
        missing = "--approved-by" if approved_by is None else "--approval"
        raise ConfigError("command line", missing, None, "--from-mes, or --approved-by together with --approval")
    given = _read(approval)
    if given.approved_by != approved_by:
        raise ConfigError("command line", "--approved-by", approved_by, f"{given.approved_by!r}, whom {approval} names")
    return given


def _read(file: Path) -> "Approval":
    from models.registry.approval import of_document

    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_APPROVAL_BYTES + 1)
    except OSError as cause:
        raise ConfigError("command line", "--approval", str(file), f"a file that can be read ({cause.strerror})") from cause
    if len(raw) > MOST_APPROVAL_BYTES:
        raise ConfigError("command line", "--approval", str(file), f"a file of at most {MOST_APPROVAL_BYTES} bytes")
    return of_document(raw)
