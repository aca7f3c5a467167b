"""FactoMES as one part: its pages and API, the jobs it does by itself and the gate, processes that live and die together."""

import os
import sys
import threading
from pathlib import Path

import structlog

from factolake.config import Settings
from pipelines.together import run_together

RUNNING = "running"
"""File in FactoMES's folder while it runs."""


def is_after_crash(settings: Settings) -> bool:
    """Whether FactoMES ran last without an end that was asked for; from now on it counts as running."""
    file = settings.mes_dir / RUNNING
    was_running = file.exists()
    file.touch()
    return was_running


def run_mes(settings: Settings, conf: Path | None, port: int, stop: threading.Event) -> None:
    """Run until `stop`. The database has to be up to date. Raises EngineUnavailable when one of them ends by itself."""
    settings_option = ("--conf", str(conf.resolve())) if conf else ()
    cli = (sys.executable, "-m", "pipelines.cli", *settings_option, "mes")
    commands = {"server": (*cli, "serve", "--port", str(port), "--supervised"), "jobs": (*cli, "jobs", "--supervised")}
    if settings.ports.gate:
        commands["gate"] = (*cli, "gate", "--mes-port", str(port), "--supervised")
    structlog.get_logger().info("FactoMES started", address=address(settings, port))
    run_together("FactoMES", commands, os.environ, Path.cwd(), stop)
    settings.mes_dir.joinpath(RUNNING).unlink(missing_ok=True)  # not when one of them ended by itself: the next start is one after a crash


def address(settings: Settings, port: int) -> str:
    """What a person types into the browser on this machine."""
    host = "localhost" if settings.mes.listen == "127.0.0.1" else settings.mes.listen
    return f"http{'s' if settings.mes.certificate else ''}://{host}:{port}"
