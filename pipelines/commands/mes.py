"""FactoMES as commands: up, migrate, createadmin, check, backup, restore; and the verification of its audit."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError, FactoLakeError
from pipelines.commands.invocation import Invocation, Json, Once, Supervised, invocation, print_json, print_table

if TYPE_CHECKING:
    from factolake.mes.project.archive import Archived

mes = typer.Typer(help="FactoMES, the system of record.", no_args_is_help=True)
audit = typer.Typer(help="The audit chain of FactoMES.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, migrate, createadmin, check, backup, restore):
        mes.command()(command)
    for inner in (serve, jobs, gate):
        mes.command(hidden=True)(inner)
    audit.command()(verify)
    app.add_typer(mes, name="mes")
    app.add_typer(audit, name="audit")


def up(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the pages and the API; default: ports.mes in the settings.")] = None,
    supervised: Supervised = False,
) -> None:
    """Serve FactoMES's pages and API.

    An empty database is set up first; one of an older release has to be migrated before.
    """
    from pipelines.foreground import foreground
    from pipelines.mes_part import address, is_after_crash, run_mes
    from pipelines.ports import check_port_free

    call = invocation(context)
    settings = call.settings()
    model = call.plant(settings)
    wanted = settings.ports.mes if port is None else port
    with foreground("mes", settings, supervised=supervised, debug=call.debug) as stop:
        check_port_free(wanted, "FactoMES", "ports.mes")
        check_port_free(settings.ports.gate, "FactoMES's gate", "ports.gate")
        _start(call)
        from factolake.mes.pages.setup import setup_code
        from factolake.mes.project import database
        from factolake.mes.project.server import check_listening

        check_listening(settings)
        if not database.is_empty() and (waiting := database.pending()):
            raise ConfigError("MES database", "tables", f"{len(waiting)} steps behind", "`factolake mes migrate` first; take a backup before")
        database.migrate(model, SystemClock().now())  # an empty one, or one whose first filling was cut short
        if is_after_crash(settings):
            from factolake.mes.approvals.after_crash import stop_agents

            stop_agents(SystemClock().now())
            typer.echo("FactoMES ended without being asked to: agents are stopped by the kill switch global until somebody releases it", err=True)
        typer.echo(f"FactoMES is at {address(settings, wanted)}", err=True)
        if code := setup_code():
            page = f"{address(settings, wanted)}/setup"
            typer.echo(f"there is no administrator yet: open {page} with the code {code}, or use `factolake mes createadmin`", err=True)
        run_mes(settings, call.conf, wanted, stop.event)


def serve(context: typer.Context, port: Annotated[int, typer.Option()], supervised: Supervised = False) -> None:
    """Serve the pages and the API alone."""
    from factolake.mes.project.server import serve as serve_until_stopped
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    with foreground("mes-server", settings, supervised=supervised, debug=call.debug) as stop:
        serve_until_stopped(settings, port, stop.on_request)


def jobs(context: typer.Context, once: Once = False, supervised: Supervised = False) -> None:
    """Do what FactoMES does by itself: take stops from the lake, seal the audit, deliver to the ERP."""
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    with foreground("mes-jobs", settings, supervised=supervised, debug=call.debug) as stop:
        _start(call)
        from factolake.mes.core.jobs import run_jobs

        run_jobs(SystemClock(), stop.event, once=once)


def gate(context: typer.Context, mes_port: Annotated[int, typer.Option()], supervised: Supervised = False) -> None:
    """Serve the pages of other programs behind FactoMES's login."""
    from factolake.mes.gate.server import serve as serve_gate
    from pipelines.foreground import foreground, run_async

    call = invocation(context)
    settings = call.settings()
    with foreground("mes-gate", settings, supervised=supervised, debug=call.debug) as stop:
        run_async(stop, lambda ended: serve_gate(settings, settings.ports.gate, mes_port, ended))


def migrate(context: typer.Context, as_json: Json = False) -> None:
    """Bring the tables of FactoMES up to date; an empty record is filled from the plant file."""
    call = invocation(context)
    model = call.plant(call.settings())
    _start(call)
    from factolake.mes.project import database

    steps, seeded = database.migrate(model, SystemClock().now())
    if as_json:
        print_json({"steps": steps, "equipment_seeded": seeded})
    else:
        typer.echo(f"{len(steps)} steps taken, {seeded} pieces of equipment from the plant file")


def createadmin(
    context: typer.Context,
    person_id: Annotated[str, typer.Argument(help="Id to sign in with.")],
    name: Annotated[str, typer.Option(help="Name as shown on pages.")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")] = False,
) -> None:
    """Name the first administrator."""
    call = invocation(context)
    model = call.plant(call.settings())
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    _start(call)
    from factolake.mes.pages.setup import make_first_admin
    from factolake.mes.project import database

    database.migrate(model, SystemClock().now())
    made = make_first_admin(person_id, name or person_id, password)
    typer.echo(f"{made.person_id} is administrator of the enterprise")


def backup(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="Zip file to make; it holds every secret FactoMES has.")], as_json: Json = False
) -> None:
    """Write the record, its keys and the settings to one file, while FactoMES runs."""
    call = invocation(context)
    settings = call.settings()
    _start(call)
    from factolake.mes.project import archive

    conf = {"factolake.toml": call.conf or settings.home / "conf" / "factolake.toml", "plant.toml": settings.plant_file}
    _tell_archived("written", file, archive.backup(file, settings.mes_dir, conf, SystemClock().now()), as_json)


def restore(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="A file that `factolake mes backup` made.", exists=True)], as_json: Json = False
) -> None:
    """Bring a backup into an empty database, up to date with this release, and check its audit."""
    call = invocation(context)
    _start(call)
    from factolake.mes.project import archive, database

    model, done = call.plant(call.settings()), archive.restore(file, call.settings().mes_dir)
    database.migrate(model, SystemClock().now())  # what an earlier release did not keep comes from the plant file
    _tell_archived("restored", file, done, as_json)


def check(context: typer.Context, as_json: Json = False) -> None:
    """Show roles, addresses, open permissions and the state of audit, tables and ERP.

    Exit code 1 when an address is open to nobody known, the audit is broken or tables are behind.
    """
    _start(invocation(context))
    from factolake.mes.project import database
    from factolake.mes.project.check import facts

    if database.is_empty():
        raise ConfigError("MES database", "tables", None, "`factolake mes migrate` first")
    told = facts()
    if as_json:
        print_json(told)
    else:
        print_table("", told["endpoints"], ("method", "path", "roles", "effect", "approvals"))
        typer.echo(f"{len(told['endpoints'])} addresses, {len(told['open_permissions'])} open to anybody; audit: {told['audit']}")
        typer.echo(f"ERP: {told['erp'] or 'none'}")
    if told["open_permissions"] or not told["audit"]["sound"] or told["pending_migrations"]:
        raise typer.Exit(FactoLakeError.exit_code)


def verify(context: typer.Context, as_json: Json = False) -> None:
    """Read the whole audit and say whether it is what it was.

    Exit code 1 when an entry was changed, cut, added or rewritten.
    """
    _start(invocation(context))
    from factolake.mes.audit.verify import verify as read_all
    from factolake.mes.project import database

    if database.is_empty():
        raise ConfigError("MES database", "tables", None, "`factolake mes migrate` first")
    found = read_all()
    if as_json:
        head = {"number": found.head[0], "hash": found.head[1]}
        faults = [{"number": fault.number, "fault": fault.fault} for fault in found.faults]
        print_json({"entries": found.count, "head": head, "sound": found.is_sound, "faults": faults, "unsealed": found.unsealed})
    else:
        for fault in found.faults:
            typer.echo(f"entry {fault.number}: {fault.fault}")
        typer.echo(f"{found.count} entries, {'sound' if found.is_sound else 'NOT sound'}; {found.unsealed} since the newest seal")
    if not found.is_sound:
        raise typer.Exit(FactoLakeError.exit_code)


def _tell_archived(verb: str, file: Path, done: "Archived", as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "rows": done.rows, "audit": {"number": done.audit_number, "hash": done.audit_hash}})
    else:
        typer.echo(f"{file} {verb}: {done.rows:,} rows, the audit ends with entry {done.audit_number}, {done.audit_hash[:12]}")


def _start(call: Invocation) -> None:
    from factolake.mes.project.configure import start

    start(call.settings())


def _ask_password() -> str:
    first = getpass.getpass("password: ")
    if first != getpass.getpass("again: "):
        raise ConfigError("command line", "password", "two different ones", "the same twice")
    return first
