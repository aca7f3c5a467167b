"""Models of machines as commands under `factolake models`: train makes challengers, rescore writes what champions say."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError
from pipelines.commands.invocation import Json, invocation, print_json, print_table

if TYPE_CHECKING:
    from factolake.domain.plant import PlantModel
    from pipelines.signals.span import Days

Machines = Annotated[list[str] | None, typer.Argument(metavar="[MACHINE]...", help="Ids of machines; default: all with process signals.")]
From = Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD, UTC.")]
To = Annotated[str, typer.Option("--to", help="Last day, inclusive.")]


def register(models: typer.Typer) -> None:
    """Add the commands of this module to `models`."""
    for command in (train, rescore):
        models.command()(command)


def train(
    context: typer.Context,
    first: From,
    last: To,
    by: Annotated[str, typer.Option(help="Who has the models made: your id.")],
    machines: Machines = None,
    without: Annotated[list[str] | None, typer.Option(help="A day that was not usual, YYYY-MM-DD; may be given several times.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a model of each machine to days on which it was usual, and register it as challenger. It scores once somebody promotes it.

    Stops, planned stops and alerts that people called true are left out. Exit code 1 where a machine has too little to learn from.
    """
    from pipelines.signals.train import trainer_of

    days, named = _days(first, last), [_day("--without", text) for text in without or ()]
    trainer = trainer_of(invocation(context).settings(), SystemClock())
    trained, refused = trainer.train_all(_chosen(trainer.plant, machines), days, by, named)
    if as_json:
        print_json({"trained": [asdict(one) for one in trained], "refused": refused})
    else:
        for one in trained:
            typer.echo(one.told)
    for machine, why in refused.items():
        typer.echo(f"{machine}: not trained; {why}", err=True)
    if refused:
        raise typer.Exit(1)


def rescore(context: typer.Context, first: From, last: To, machines: Machines = None, as_json: Json = False) -> None:
    """Score days with each machine's champion into silver.scores. Days that come out as they are are not written again.

    Exit code 1 where no champion scores a machine, or one cannot score a day.
    """
    from pipelines.signals.score import scoring_of

    scoring = scoring_of(invocation(context).settings(), SystemClock())
    found = scoring.rescore(_chosen(scoring.plant, machines), _days(first, last))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        print_table("", [asdict(one) for one in found])
    if any(one.why_not or one.failed for one in found):
        raise typer.Exit(1)


def _chosen(plant: "PlantModel", machines: list[str] | None) -> Sequence[str]:
    from pipelines.signals.reading import learnable

    known = list(learnable(plant))
    for machine in machines or ():
        if machine not in known:
            raise ConfigError("command line", "MACHINE", machine, ", ".join(known) or "none: the plant has no process signals")
    return list(dict.fromkeys(machines)) if machines else known


def _days(first: str, last: str) -> "Days":
    from pipelines.signals.span import Days

    try:
        return Days(_day("--from", first), _day("--to", last))
    except ValueError as cause:
        raise ConfigError("command line", "--to", last, f"{first} or later") from cause


def _day(option: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as cause:
        raise ConfigError("command line", option, text, "a day as YYYY-MM-DD") from cause
