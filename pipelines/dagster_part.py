"""Dagster's web pages and daemon as one part: two child processes that live and die together."""

import os
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import structlog

import factolake
from factolake.config import Settings
from factolake.errors import MissingDependency
from pipelines.ports import check_port_free
from pipelines.together import run_together

PREFIX = "/dagster"
"""Path of the pages, the same at their own port and behind FactoMES's gate."""
REPOSITORY = Path(factolake.__file__).parent.parent


def run_dagster(settings: Settings, conf: Path | None, port: int, stop: threading.Event) -> None:
    """Run until `stop`. Raises MissingDependency without Dagster, PortInUse, and EngineUnavailable when one of the two dies."""
    if find_spec("dagster_webserver") is None:
        raise MissingDependency("Dagster is not installed; install the extra with: pip install 'factolake[orchestration]'")
    check_port_free(port, "Dagster's pages", "ports.dagster")
    home = dagster_home(settings)
    environment = dict(os.environ, DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="1", FACTOLAKE_HOME=str(settings.home.resolve()))
    if conf is not None:
        environment["FACTOLAKE_CONF"] = str(conf.resolve())
    module = ["-m", "pipelines.definitions"]
    commands = {
        "webserver": [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "--path-prefix", PREFIX, *module],
        "daemon": [sys.executable, "-m", "dagster._daemon", "run", *module],
    }
    structlog.get_logger().info("dagster started", address=f"http://127.0.0.1:{port}{PREFIX}", home=str(home))
    run_together("Dagster", commands, environment, REPOSITORY, stop)


def dagster_home(settings: Settings) -> Path:
    """Dagster's own folder inside the data folder, with the shipped `dagster.yaml` (telemetry off) beside its databases."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    shipped = REPOSITORY / "dagster_home" / "dagster.yaml"
    if shipped.exists():
        (home / "dagster.yaml").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return home
