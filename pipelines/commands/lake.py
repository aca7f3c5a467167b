"""Looking into the lake: sql, explain, recompute, scrub."""

from typing import TYPE_CHECKING, Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import ContractViolation, FactoLakeError
from pipelines.commands.invocation import Json, day, invocation, print_json, print_rich, print_table

if TYPE_CHECKING:
    import pyarrow as pa

MAX_TABLE_ROWS = 200
EXPLAINED = ("oee_shift",)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (sql, explain, recompute, scrub):
        app.command()(command)


def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help='SQL over the tables, e.g. "select * from gold.oee_shift".')],
    as_json: Json = False,
) -> None:
    """Ask the lake in SQL (read only, DuckDB)."""
    from factolake.lake import sql as lake_sql
    from factolake.lake.tables import Lake

    result = lake_sql.query(Lake(invocation(context).settings().lake_root), query)
    rows = [dict(zip(result.column_names, row, strict=True)) for row in zip(*map(_values, result.columns), strict=True)]
    if as_json:
        print_json(rows)
        return
    print_table("", rows[:MAX_TABLE_ROWS], result.column_names)
    if len(rows) > MAX_TABLE_ROWS:
        typer.echo(f"{len(rows)} rows, the first {MAX_TABLE_ROWS} shown; --json prints all", err=True)


def _values(column: "pa.ChunkedArray") -> list[object]:
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        # Bronze keeps what arrived: a stamp in the wrong unit may lie outside the years 1 to 9999, which are all that Python has.
        return [_value(one) for one in column]


def _value(one: "pa.Scalar") -> object:
    try:
        return one.as_py()
    except (OverflowError, ValueError):
        return f"{one.value} {one.type.unit} since 1970"


def explain(
    context: typer.Context,
    kpi: Annotated[str, typer.Argument(help="oee_shift")],
    equipment: Annotated[str, typer.Argument(help="A line or machine id.")],
    shift: Annotated[str, typer.Argument(help="The shift's name.")],
    production_day: Annotated[str | None, typer.Option("--day", help="Production day, YYYY-MM-DD; default: the latest with this shift.")] = None,
    as_json: Json = False,
) -> None:
    """Show how a KPI came about.

    Value, formula, minutes, counter steps, and the source messages behind them.
    """
    from pipelines.explanation import explanation

    call = invocation(context)
    if kpi not in EXPLAINED:
        raise ContractViolation(f"no explanation for {kpi!r}; allowed: {', '.join(EXPLAINED)}")
    settings = call.settings()
    told = explanation(settings, call.plant(settings), equipment, shift, day(production_day))
    if as_json:
        print_json(told.document)
    else:
        print_rich(told.text)


def recompute(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Compare only; nothing is written to the published tables.")] = False,
    as_json: Json = False,
) -> None:
    """Check the KPIs by making them again.

    Recomputes silver and gold from bronze beside the published tables and shows the difference. Exit code 1 when there is one.
    """
    from pipelines import recompute as recomputation

    call = invocation(context)
    if not check:
        raise ContractViolation("recompute only compares; say `factolake recompute --check` (late data restates by itself)")
    differences = recomputation.check(call.settings(), SystemClock(), lambda step: typer.echo(step, err=True))
    tables = [
        {
            "table": found.table,
            "rows": found.published_rows,
            "difference": found.rows,
            "only_published": found.only_published,
            "only_recomputed": found.only_recomputed,
        }
        for found in differences
    ]
    total = sum(found.rows for found in differences)
    if as_json:
        samples = {found.table: found.sample for found in differences if found.rows}
        print_json({"difference": total, "tables": tables, "samples": samples})
    else:
        print_table("Difference to a recomputation from bronze", tables)
    if total:
        raise typer.Exit(FactoLakeError.exit_code)


def scrub(context: typer.Context, as_json: Json = False) -> None:
    """Look for damaged data files.

    Reads every data file of the lake and compares it with the checksum it had when it was new. Exit code 1 when one differs or is missing.
    """
    from pipelines.scrubbing import scrub_all

    done = scrub_all(invocation(context).settings(), SystemClock(), lambda step: typer.echo(step, err=True))
    damages = [damage for table in done for damage in table.damages()]
    if as_json:
        print_json({"damaged": len(damages), "tables": [table.row() for table in done], "damages": damages})
    else:
        print_table("Data files compared with their checksums", [table.row() for table in done])
        for damage in damages:
            typer.echo(f"{damage['table']}: {damage['cause']}{'; ' + str(damage['remedy']) if 'remedy' in damage else ''}")
    if damages:
        raise typer.Exit(FactoLakeError.exit_code)
