"""Dagster's web pages and daemon as one part: two child processes that live and die together."""

import os
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import structlog

import factolake
from factolake.config import Settings
from factolake.errors import EngineUnavailable, MissingDependency, PortInUse

REPOSITORY = Path(factolake.__file__).parent.parent
POLL_S = 0.5


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
        "webserver": [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *module],
        "daemon": [sys.executable, "-m", "dagster._daemon", "run", *module],
    }
    processes = {name: subprocess.Popen(command, env=environment, cwd=REPOSITORY) for name, command in commands.items()}
    structlog.get_logger().info("dagster started", address=f"http://127.0.0.1:{port}", home=str(home))
    try:
        while not stop.wait(POLL_S):
            for name, process in processes.items():
                if process.poll() is not None:
                    raise EngineUnavailable(f"Dagster's {name} ended with exit code {process.returncode}; its output is above")
    finally:
        _end(list(processes.values()))


def dagster_home(settings: Settings) -> Path:
    """Dagster's own folder inside the data folder, with the shipped `dagster.yaml` (telemetry off) beside its databases."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    shipped = REPOSITORY / "dagster_home" / "dagster.yaml"
    if shipped.exists():
        (home / "dagster.yaml").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return home


def check_port_free(port: int, what: str, key: str) -> None:
    """Raises PortInUse when another process listens on `port` of the loopback address; port 0 is always free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(f"{what}: port {port} is taken by another process; stop it or set {key} to a free one") from error


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
