"""`factolake up`: the parts named in the settings under one supervisor, until Ctrl-C or SIGTERM."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import structlog

from factolake.config import Settings
from factolake.domain.clock import SystemClock
from factolake.errors import ConfigError
from pipelines.foreground import stop_on_signals
from pipelines.logs import set_up_logs
from pipelines.part_lock import part_lock
from pipelines.ports import check_port_free
from pipelines.supervisor import STOP_ORDER, PartSpec, Supervisor

TICK_S = 0.2
COMMANDS = {"mes": ("mes", "up")}
"""Commands of parts that are not called like the part."""
GRACE_S = {"edge": 12.0, "land": 20.0, "refine": 45.0, "dagster": 20.0, "mes": 15.0, "planner": 5.0, "watch": 10.0}
"""The gateway drains within 10 s; a refinement finishes the slice group it is in. The planner waits for no search: what set it off is seen again."""


def run_up(settings: Settings, conf: Path | None, names: Sequence[str] | None) -> None:
    """Supervise the parts `names` (default: those of the settings). Raises ConfigError, LeaseHeld, PortInUse before anything starts."""
    wanted = known_parts(names if names is not None else settings.wanted_parts)
    set_up_logs("up")
    log = structlog.get_logger()
    clock = SystemClock()
    with part_lock(settings.run_dir, "up", clock), stop_on_signals() as stop:
        if "dagster" in wanted:
            check_port_free(settings.ports.dagster, "Dagster's pages", "ports.dagster")
        if "mes" in wanted:
            check_port_free(settings.ports.mes, "FactoMES", "ports.mes")
        specs = [part_spec(name, conf) for name in wanted]
        supervisor = Supervisor(specs, settings.run_dir, clock, log.warning, {"land": spool_drained(settings)})
        log.info("starting", parts=wanted, logs=str(settings.run_dir / "logs"))
        supervisor.start()
        try:
            while not stop.event.wait(TICK_S):
                supervisor.tick()
        finally:
            log.info("stopping", order=[name for name in STOP_ORDER if name in wanted])
            supervisor.stop()


def known_parts(names: Sequence[str]) -> list[str]:
    """`names` in the order parts start (the reverse of their stop order does not matter: each waits for its inputs). Raises ConfigError."""
    allowed = get_args(get_args(Settings.model_fields["parts"].annotation)[0])
    for name in names:
        if name not in allowed:
            raise ConfigError("command line", "--parts", name, ", ".join(allowed))
    return [name for name in ("engine", *STOP_ORDER[:-1]) if name in names]


def part_spec(name: str, conf: Path | None, *arguments: str) -> PartSpec:
    """How to run the part called `name` under a supervisor."""
    return PartSpec(name, part_command(name, conf, "--supervised", *arguments), GRACE_S.get(name, 15.0))


def part_command(name: str, conf: Path | None, *arguments: str) -> tuple[str, ...]:
    """The command line of the part called `name`, by this very interpreter."""
    settings = ("--conf", str(conf.resolve())) if conf else ()
    return (sys.executable, "-m", "pipelines.cli", *settings, *COMMANDS.get(name, (name,)), *arguments)


def spool_drained(settings: Settings) -> Callable[[], bool]:
    """Whether nothing waits in the spool any more (also when there is none)."""
    from pipelines.observe import spool_facts

    def drained() -> bool:
        facts = spool_facts(settings, SystemClock())
        return facts is None or (facts.landed_offset or 0) >= facts.last_offset

    return drained
