"""Starts the parts of an installation as processes, restarts what dies, stops them in order.

Each part is its own process group with its output in `run/logs/<part>.log`; what the supervisor knows stands in `run/up.json`
for `status` and `doctor`. The parts watch their standard input, so they also end when the supervisor is killed.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from factolake.domain.clock import Clock
from factolake.errors import ConfigError, MissingDependency
from pipelines.part_logs import last_words, open_log, rotate

STOP_ORDER = ("plant", "planner", "edge", "mes", "watch", "land", "refine", "sync", "dagster", "engine")
"""Upstream first, so that what is on its way still lands; the engine last, because the refinery needs it to end well."""

ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""Without it glibc gives the many threads of a part (Arrow, gRPC, Python) an arena each, which keeps what the thread has freed."""

HOPELESS = frozenset({ConfigError.exit_code, MissingDependency.exit_code})
"""Exit codes a restart cannot help: the part stays down until a person acts."""

BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Wait before each restart in a row; the last repeats. A part that ran a minute starts again at the first."""

SETTLED_S = 60.0


@dataclass(frozen=True, slots=True)
class PartSpec:
    """How to run one part. `grace_s`: how long it may take to end after SIGTERM before it is killed."""

    name: str
    argv: tuple[str, ...]
    grace_s: float = 15.0


@dataclass(slots=True)
class Part:
    """One part as the supervisor sees it. `state` is starting a life, waiting for the next, given up, or ended on request."""

    spec: PartSpec
    process: subprocess.Popen[bytes] | None = None
    state: Literal["running", "backoff", "failed", "stopped"] = "stopped"
    since: datetime | None = None
    restarts: int = 0
    failures_in_row: int = 0
    last_exit: int | None = None
    cause: str = ""
    retry_at: datetime | None = None

    def document(self) -> dict[str, object]:
        """What `up.json` says about it."""
        return {
            "pid": self.process.pid if self.process and self.state == "running" else None,
            "state": self.state,
            "since": self.since.isoformat() if self.since else None,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "cause": self.cause,
        }


@dataclass
class Supervisor:
    """Runs `specs`; call `tick` a few times a second, and `stop` in the end.

    `tell` gets one sentence per event worth a person's notice; `drained` says per part whether it may be stopped yet (at most `drain_s` later it is).
    """

    specs: Sequence[PartSpec]
    run_dir: Path
    clock: Clock
    tell: Callable[[str], None]
    drained: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    drain_s: float = 10.0
    parts: dict[str, Part] = field(default_factory=dict)

    def start(self) -> None:
        """Start every part, in the order given."""
        self.parts = {spec.name: Part(spec) for spec in self.specs}
        for part in self.parts.values():
            self._start(part)
        self._publish()

    def tick(self) -> None:
        """Notice what died, restart what is due, keep the logs small."""
        changed = False
        for part in self.parts.values():
            if part.state == "running" and part.process is not None and part.process.poll() is not None:
                self._died(part, part.process.returncode)
                changed = True
            elif part.state == "backoff" and part.retry_at is not None and self.clock.now() >= part.retry_at:
                part.restarts += 1
                self._start(part)
                changed = True
            rotate(self.run_dir, part.spec.name)
        if changed:
            self._publish()

    def stop(self, only: Sequence[str] | None = None) -> None:
        """End the parts (those named in `only`, else all) in stop order; each gets SIGTERM, then its grace, then SIGKILL."""
        for name in sorted(self.parts, key=lambda name: STOP_ORDER.index(name) if name in STOP_ORDER else len(STOP_ORDER)):
            if only is None or name in only:
                self._stop(self.parts[name])
        self._publish()

    def _start(self, part: Part) -> None:
        with open_log(self.run_dir, part.spec.name) as log:
            # A pipe nobody writes to: its end tells the part that we are gone, even after kill -9.
            environment = {**ALLOCATOR, **os.environ}
            part.process = subprocess.Popen(part.spec.argv, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=environment)
        part.state, part.since, part.retry_at = "running", self.clock.now(), None

    def _died(self, part: Part, exit_code: int) -> None:
        now = self.clock.now()
        ran_s = (now - part.since).total_seconds() if part.since else 0.0
        part.failures_in_row = 1 if ran_s >= SETTLED_S else part.failures_in_row + 1
        part.last_exit, part.since = exit_code, now
        part.cause = f"{ending(exit_code)}; it last said: {last_words(self.run_dir, part.spec.name)}"
        if exit_code in HOPELESS:
            part.state = "failed"
            self.tell(f"{part.spec.name} ended and stays down, a restart cannot help ({part.cause})")
            return
        wait_s = BACKOFF_S[min(part.failures_in_row, len(BACKOFF_S)) - 1]
        part.state = "backoff"
        part.retry_at = datetime.fromtimestamp(now.timestamp() + wait_s, tz=now.tzinfo)
        capped = ", as long as the wait gets" if part.failures_in_row >= len(BACKOFF_S) else ""
        self.tell(f"{part.spec.name} died ({part.cause}); restart {part.restarts + 1} in {wait_s:g} s{capped}")

    def _stop(self, part: Part) -> None:
        process = part.process
        if process is not None and process.poll() is None:
            self._wait_until_drained(part.spec.name)
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(part.spec.grace_s)
            except subprocess.TimeoutExpired:
                self.tell(f"{part.spec.name} did not end within {part.spec.grace_s:g} s and was killed")
            _kill_group(process)
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if part.state != "failed":
            part.state, part.since, part.cause = "stopped", self.clock.now(), "stopped on request"

    def _wait_until_drained(self, name: str) -> None:
        ready, deadline = self.drained.get(name), time.monotonic() + self.drain_s
        while ready is not None and time.monotonic() < deadline and not ready():
            time.sleep(0.1)

    def _publish(self) -> None:
        document = {
            "pid": os.getpid(),
            "written": self.clock.now().isoformat(),
            "parts": {name: part.document() for name, part in self.parts.items()},
        }
        self.run_dir.mkdir(parents=True, exist_ok=True)
        draft = self.run_dir / "up.json.new"
        draft.write_text(json.dumps(document, indent=1), encoding="utf-8")
        draft.replace(self.run_dir / "up.json")


def ending(exit_code: int) -> str:
    """How a process ended, in words."""
    if exit_code < 0:
        try:
            return f"killed by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"killed by signal {-exit_code}"
    return f"exit code {exit_code}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Also the part's own children (Dagster's servers, the JVM) that outlived it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
