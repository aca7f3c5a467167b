"""FactoMES as one part: its pages and API, and the jobs it does by itself, two processes that live and die together."""

import os
import sys
import threading
from pathlib import Path

import structlog

from factolake.config import Settings
from pipelines.together import run_together


def run_mes(settings: Settings, conf: Path | None, port: int, stop: threading.Event) -> None:
    """Run until `stop`. The database has to be up to date. Raises EngineUnavailable when one of the two ends by itself."""
    settings_option = ("--conf", str(conf.resolve())) if conf else ()
    cli = (sys.executable, "-m", "pipelines.cli", *settings_option, "mes")
    commands = {"server": (*cli, "serve", "--port", str(port), "--supervised"), "jobs": (*cli, "jobs", "--supervised")}
    structlog.get_logger().info("FactoMES started", address=address(settings, port))
    run_together("FactoMES", commands, os.environ, Path.cwd(), stop)


def address(settings: Settings, port: int) -> str:
    """What a person types into the browser on this machine."""
    host = "localhost" if settings.mes.listen == "127.0.0.1" else settings.mes.listen
    return f"http{'s' if settings.mes.certificate else ''}://{host}:{port}"
