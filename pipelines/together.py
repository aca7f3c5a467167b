"""Several processes as one part: they live and die together."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from factolake.errors import EngineUnavailable

POLL_S = 0.5
GRACE_S = 12.0


def run_together(what: str, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], folder: Path, stop: threading.Event) -> None:
    """Run `commands` (by name) until `stop`; then, or when one ends by itself, end all of them.

    They have a standard input that closes when this process is gone, however it goes. Raises EngineUnavailable when one ended by itself.
    """
    processes = {name: subprocess.Popen(command, env=dict(environment), cwd=folder, stdin=subprocess.PIPE) for name, command in commands.items()}
    try:
        while not stop.wait(POLL_S):
            for name, process in processes.items():
                if process.poll() is not None:
                    raise EngineUnavailable(f"{what}'s {name} ended with exit code {process.returncode}; its output is above")
    finally:
        _end(list(processes.values()))


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    end = time.monotonic() + GRACE_S  # for all of them: who supervises waits little longer
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
