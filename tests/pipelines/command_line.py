"""The real command as a process, on a data folder of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def environment(home: Path, **extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTOLAKE_")}
    return {**kept, "FACTOLAKE_HOME": str(home), "PYTHONPATH": str(REPOSITORY), **extra}


def factolake(home: Path, *arguments: str, under: Sequence[str] = (), **extra: str) -> subprocess.CompletedProcess[str]:
    """The command run in the folder of `home`; `under` is a program to run it under."""
    return subprocess.run(
        [*under, sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=home.parent,
        env=environment(home, **extra),
        capture_output=True,
        text=True,
        timeout=120,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr; fails when there is a traceback or more."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("factolake: ")
    return lines[0]


def wait_for(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)
