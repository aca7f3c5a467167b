"""The parts of an installation as commands: plant, edge, land, refine, sync, planner, watch, engine, dagster. Each runs until Ctrl-C or SIGTERM."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError
from pipelines.commands.invocation import Once, Supervised, invocation


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (plant, edge, land, refine, sync, planner, watch, engine, dagster):
        app.command()(command)


def plant(
    context: typer.Context,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file of the simulated line; the default is an ordinary early shift.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same plant.")] = 7,
    speed: Annotated[str, typer.Option(help="How fast history plays: a factor, or max.")] = "max",
    shift_start: Annotated[str | None, typer.Option(help="Where history begins, ISO 8601 with offset; default: the last shift that ended.")] = None,
    recording: Annotated[Path | None, typer.Option(help="Play this recorded machine-day (SHDR, plain or gzip) instead of simulating.")] = None,
    machine: Annotated[str | None, typer.Option(help="Machine the recording is of; default: the file name's beginning.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Where the plant notes what really happened; FactoLake never reads it.")] = None,
    office: Annotated[bool, typer.Option("--office", help="Play the people and the ERP too: they work in FactoMES over its API.")] = False,
    supervised: Supervised = False,
) -> None:
    """Play a simulated line or a recording."""
    from pipelines.foreground import foreground, run_async
    from pipelines.plant_part import Play, play

    call = invocation(context)
    settings = call.settings()
    wanted = Play(
        model=call.plant(settings),
        settings=settings,
        scenario=scenario,
        seed=seed,
        speed=parse_speed(speed),
        shift_start=parse_stamp(shift_start, "--shift-start"),
        recording=recording,
        machine=machine,
        truth=truth or settings.home / "plant" / "truth.jsonl",
        has_office=office,
    )
    with foreground("plant", settings, supervised=supervised, debug=call.debug) as stop:
        run_async(stop, lambda ended: play(wanted, ended))


def edge(context: typer.Context, supervised: Supervised = False) -> None:
    """Read the plant's sources into the spool."""
    from pipelines.foreground import foreground, run_async

    call = invocation(context)
    settings = call.settings()
    model = call.plant(settings)
    with foreground("edge", settings, supervised=supervised, debug=call.debug) as stop:
        from factolake.edge.gateway import run_gateway

        run_async(stop, lambda ended: run_gateway(settings, model, SystemClock(), ended))


def land(context: typer.Context, once: Once = False, supervised: Supervised = False) -> None:
    """Move records from the spool into bronze."""
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    with foreground("land", settings, supervised=supervised, debug=call.debug) as stop:
        from factolake.landing.run import run_landing

        run_landing(settings, SystemClock(), stop.event, once=once)


def refine(context: typer.Context, once: Once = False, supervised: Supervised = False) -> None:
    """Keep silver and gold up to date with bronze."""
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    call.plant(settings)
    with foreground("refine", settings, supervised=supervised, debug=call.debug) as stop:
        from pipelines.refinery import run_refinery
        from pipelines.renewal import outgrown

        weary = outgrown(settings.refinery.max_memory_mib)
        run_refinery(settings, SystemClock(), stop.event, once=once, weary=weary)
        is_over = once or stop.event.is_set()
    if not is_over:
        from pipelines.renewal import renew

        renew()


def sync(context: typer.Context, once: Once = False, supervised: Supervised = False) -> None:
    """Copy gold into the MES database."""
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    with foreground("sync", settings, supervised=supervised, debug=call.debug) as stop:
        from factolake.mes.sync.run import run_sync

        run_sync(settings, SystemClock(), stop.event, once=once)


def planner(context: typer.Context, once: Once = False, supervised: Supervised = False) -> None:
    """Propose a new plan of a line when something happened that asks for one, and every night."""
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    call.plant(settings)
    with foreground("planner", settings, supervised=supervised, debug=call.debug) as stop:
        from pipelines.planning.part import run_planner

        run_planner(settings, SystemClock(), stop.event, once=once)


def watch(context: typer.Context, once: Once = False, supervised: Supervised = False) -> None:
    """Let the promoted models judge readings as they arrive, and tell alerts."""
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    call.plant(settings)
    with foreground("watch", settings, supervised=supervised, debug=call.debug) as stop:
        from pipelines.watching.part import run_watch

        run_watch(settings, SystemClock(), stop.event, once=once)


def engine(context: typer.Context, supervised: Supervised = False) -> None:
    """Serve JVM Spark over Spark Connect.

    Only for engine = "spark"; the default engine runs inside the refinery.
    """
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    if settings.engine != "spark":
        raise ConfigError("settings", "engine", settings.engine, 'engine = "spark" for this command; the other engines need no process of ours')
    with foreground("engine", settings, supervised=supervised, debug=call.debug) as stop:
        from factolake.lake.engine import serve_engine

        serve_engine(settings, stop.event)


def dagster(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the web pages; default: ports.dagster in the settings.")] = None,
    supervised: Supervised = False,
) -> None:
    """Serve Dagster's pages and run its daemon."""
    from pipelines.dagster_part import run_dagster
    from pipelines.foreground import foreground

    call = invocation(context)
    settings = call.settings()
    with foreground("dagster", settings, supervised=supervised, debug=call.debug) as stop:
        run_dagster(settings, call.conf, settings.ports.dagster if port is None else port, stop.event)


def parse_speed(text: str) -> float | None:
    """A factor above zero, or None for `max`. Raises ConfigError."""
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ConfigError("command line", "--speed", text, "a number above 0, or max")
    return factor


def parse_stamp(text: str | None, option: str) -> dt.datetime | None:
    """A time with its offset, as UTC. Raises ConfigError."""
    try:
        stamp = dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        stamp = dt.datetime.min
    if stamp is not None and stamp.tzinfo is None:
        raise ConfigError("command line", option, text, "an ISO 8601 time with its offset, e.g. 2026-11-22T06:00:00+01:00")
    return stamp.astimezone(dt.UTC) if stamp else None
