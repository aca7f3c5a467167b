"""Models as commands: how good they are on recorded data, and their answers to data without labels."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factolake.errors import ConfigError
from pipelines.commands import model_promotion, model_registry, model_training
from pipelines.commands.invocation import Json, print_json, print_table

if TYPE_CHECKING:
    from models.evaluation.suite import Row
    from models.evaluation.table import LeftOut

models = typer.Typer(help="Models: how good they are on recorded data, and their answers.", no_args_is_help=True)

Suite = Annotated[str, typer.Option(help="Which benchmarks: timeseries.")]
Data = Annotated[Path, typer.Option(help="The folder with a folder of each data set.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (evaluate, score):
        models.command()(command)
    model_registry.register(models)
    model_promotion.register(models)
    model_training.register(models)
    app.add_typer(models, name="models")


def evaluate(
    data: Data,
    suite: Suite = "timeseries",
    only: Annotated[list[str] | None, typer.Option("--set", help="One benchmark of the suite; may be given several times. Default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Run benchmarks: our models and their peers answer the same questions, then labels are joined.

    Data sets that are not in the folder, or of which a file is damaged, are named and left out. Exit code 1 when none could be run.
    """
    from models.evaluation.suite import Row
    from models.evaluation.table import rows

    found = list(rows(suite, _chosen(suite, only), data, lambda name: typer.echo(f"{name} ...", err=True)))
    if as_json:
        print_json(
            {
                "suite": suite,
                "rows": [_row(row) for row in found if isinstance(row, Row)],
                "left_out": [_plain(row) for row in found if not isinstance(row, Row)],
            }
        )
    else:
        _print(found)
    if not any(isinstance(row, Row) for row in found):
        raise typer.Exit(1)


def score(
    name: Annotated[str, typer.Argument(metavar="SET", help="A benchmark of the suite.")],
    data: Data,
    suite: Suite = "timeseries",
) -> None:
    """Our answers to one data set as JSON, one a file or unit in the order of their names. Labels of what is asked are not read."""
    from models.evaluation.suite import DataMissing, answered
    from models.evaluation.table import benchmark

    one = benchmark(suite, _chosen(suite, [name])[0])
    try:
        answers = answered(one, data / one.folder)
    except DataMissing as missing:
        raise ConfigError("command line", "--data", str(data), str(missing)) from missing
    print_json({"set": name, "answers": [_plain(answer) for answer in answers]})


def _chosen(suite: str, names: list[str] | None) -> list[str]:
    from models.evaluation.table import SUITES

    if suite not in SUITES:
        raise ConfigError("command line", "--suite", suite, " or ".join(SUITES))
    for name in names or ():
        if name not in SUITES[suite]:
            raise ConfigError("command line", "--set", name, ", ".join(SUITES[suite]))
    return list(dict.fromkeys(names)) if names else list(SUITES[suite])


def _row(row: "Row") -> dict[str, Any]:
    bars = [{**_plain(bar), "reached": bar.is_reached} for bar in row.bars]
    return {**_plain(row), "bars": bars, "reached": row.is_reached}


def _plain(value: Any) -> Any:
    """Values and arrays as JSON has them; a number that is none is null, and so is a limit that is not there."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _print(found: "list[Row | LeftOut]") -> None:
    from models.evaluation.suite import Row

    lines = [
        {"set": row.name, "contender": name, **{key: round(value, 4) for key, value in figures.items()}, "CPU s": row.cpu_s[name]}
        for row in found
        if isinstance(row, Row)
        for name, figures in row.figures.items()
    ]
    for name in dict.fromkeys(line["set"] for line in lines):
        print_table("", [line for line in lines if line["set"] == name])
        typer.echo()
    bars = [
        {
            "set": row.name,
            "bar": bar.name,
            "value": bar.value,
            "at least": _limit(bar.at_least),
            "at most": _limit(bar.at_most),
            "reached": "yes" if bar.is_reached else "NO",
        }
        for row in found
        if isinstance(row, Row)
        for bar in row.bars
    ]
    print_table("", bars)
    for left in found:
        if not isinstance(left, Row):
            typer.echo(f"left out: {left.name}: {left.why}", err=True)


def _limit(value: float) -> float | None:
    return value if abs(value) != float("inf") else None
