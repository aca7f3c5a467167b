"""`factolake demo`: an installation of its own, its parts under one supervisor, and a look at the lake until the first KPI stands.

With --json everything for people goes to stderr and stdout gets exactly one object, as soon as the first KPI stands.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from factolake.config import Settings
from factolake.domain.clock import SystemClock
from factolake.errors import SourceUnavailable
from factolake.lake.sql import query
from factolake.lake.tables import Lake
from factolake.plant.office.people import ADMIN
from pipelines.commands.invocation import print_table
from pipelines.demo_model import MACHINE, learn
from pipelines.demo_progress import RecordingWatch, Sight, look, shares
from pipelines.first_screen import Screen, alert_sentences, clock_sentences, kpi_rows, loss_rows, read_screen
from pipelines.foreground import Stop, stop_on_signals
from pipelines.observe import read_document
from pipelines.part_lock import holder, part_lock
from pipelines.part_logs import log_file, open_log
from pipelines.plant_part import office_options
from pipelines.supervisor import STOP_ORDER, PartSpec, Supervisor
from pipelines.up import part_command, part_spec, spool_drained
from pipelines.workspace import PLANT_STATE, Workspace, check_home, prepare

TICK_S = 0.2
LOOK_EVERY_S = 1.0
CLOCKS_WITHIN_S = 20.0
"""How long the first screen waits for the other system's record of the breakdown once the KPI itself stands."""

REST_WITHIN_S = 180.0
OFFICE_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The command's options. `speed` is a factor or `max`; `quiet` leaves stdout to the JSON object."""

    once: bool = False
    speed: str = "max"
    seed: int = 7
    recording: Path | None = None
    keep: bool = False
    quiet: bool = False


@dataclass(slots=True)
class Demo:
    """A running demo: its installation, supervisor and lake."""

    workspace: Workspace
    supervisor: Supervisor
    stop: Stop
    lake: Lake
    console: Console
    started: float

    def screen(self) -> Screen:
        """The first screen as the lake has it now."""
        return read_screen(self.lake, lambda sql: query(self.lake, sql), self.workspace.plant)

    def wait(self, ready: Callable[[], bool], within_s: float | None = None) -> bool:
        """Supervise until `ready` (looked at once a second), the stop request, or `within_s`; whether it became ready."""
        begun = looked = time.monotonic()
        while not self.stop.event.wait(TICK_S):
            self.supervisor.tick()
            self._give_up_on_failed()
            if time.monotonic() - looked >= LOOK_EVERY_S:
                if ready():
                    return True
                looked = time.monotonic()
            if within_s is not None and looked - begun > within_s:
                return False
        return False

    def _give_up_on_failed(self) -> None:
        for part in self.supervisor.parts.values():
            if part.state == "failed" or part.failures_in_row >= 5:
                raise SourceUnavailable(f"the demo cannot go on without '{part.spec.name}': {part.cause}")


def run_demo(home: Path, wishes: Wishes, publish: Callable[[dict[str, object]], None]) -> None:
    """Run the demo in `home`; `publish` gets the JSON object. Raises ConfigError, LeaseHeld, SourceUnavailable; KeyboardInterrupt on Ctrl-C."""
    started = time.monotonic()
    clock, console = SystemClock(), Console(stderr=True)
    check_home(home)
    with part_lock(home / "run", "up", clock), stop_on_signals() as stop:
        _require_quiet(home)
        workspace = prepare(home, clock.now(), recording=wishes.recording, keep=wishes.keep)
        settings = workspace.settings
        specs = [_spec(name, workspace, wishes) for name in settings.parts]
        supervisor = Supervisor(
            specs,
            settings.run_dir,
            clock,
            lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True),
            {"land": spool_drained(settings)},
        )
        demo = Demo(workspace, supervisor, stop, Lake(settings.lake_root), console, started)
        with console.status(f"learning from two weeks how {MACHINE} usually runs"):
            learn(workspace, wishes.seed, clock)
        supervisor.start()
        try:
            _show(demo, wishes, publish)
        finally:
            with console.status("stopping in order"):
                supervisor.stop()


def _show(demo: Demo, wishes: Wishes, publish: Callable[[dict[str, object]], None]) -> None:
    seconds = _until_first_kpi(demo)
    if demo.stop.event.is_set():
        if demo.stop.interrupted:
            raise KeyboardInterrupt
        raise SourceUnavailable("the demo was stopped before its first KPI; the lake stays as it was")
    if wishes.once:
        _settle(demo)
    screen = demo.screen()
    _print(demo, screen, seconds, wishes)
    publish(screen.document(demo.workspace.plant, seconds))
    if not wishes.once:
        demo.wait(lambda: False)


def _until_first_kpi(demo: Demo) -> float:
    """Seconds from the command to the first complete, well covered shift (a recording: to its end, refined)."""
    workspace, model, watch = demo.workspace, demo.workspace.plant, RecordingWatch()
    with _bars(demo.console) as update:

        def ready() -> bool:
            sight = look(workspace, demo.lake)
            update(sight)
            return watch.arrived(sight) if workspace.recording else demo.screen().is_ready(model)

        demo.wait(ready)
        seconds = time.monotonic() - demo.started
        if not workspace.recording:
            demo.wait(lambda: bool(clock_sentences(demo.screen(), model)), CLOCKS_WITHIN_S)
    return seconds


def _settle(demo: Demo) -> None:
    """Stop what sends, let the rest come to rest and end it, so that the lake that stays is whole."""
    with demo.console.status("waiting until everything sent is landed and refined"):
        told = demo.workspace.settings.run_dir / PLANT_STATE
        if not demo.wait(lambda: not read_document(told).get("office_behind"), OFFICE_WITHIN_S):
            demo.console.print("the people were not done with the shift; what they had left to do is not in FactoMES")
        demo.supervisor.stop(("plant", "planner", "edge", "mes", "watch", "sync"))
        _sync_once(demo)  # what FactoMES recorded last goes the same way as everything else
        demo.supervisor.stop(("land",))
        demo.wait(lambda: look(demo.workspace, demo.lake).at_rest, REST_WITHIN_S)
        demo.supervisor.stop()
        _sync_once(demo)  # what gold has learned last


def _sync_once(demo: Demo) -> None:
    with open_log(demo.workspace.settings.run_dir, "sync") as log:
        done = subprocess.run(part_command("sync", demo.workspace.settings_file, "--once"), stdout=log, stderr=log, check=False)
    if done.returncode:
        raise SourceUnavailable(f"what FactoMES recorded last did not reach the lake; see {log_file(demo.workspace.settings.run_dir, 'sync')}")


def _print(demo: Demo, screen: Screen, seconds: float, wishes: Wishes) -> None:
    model, settings = demo.workspace.plant, demo.workspace.settings
    out = not wishes.quiet
    for sentence in clock_sentences(screen, model):
        demo.console.print(sentence, style="bold", highlight=False, soft_wrap=True)
    for sentence in alert_sentences(screen):
        demo.console.print(sentence, style="bold", highlight=False, markup=False, soft_wrap=True)
    what = "recorded shifts" if demo.workspace.recording else "first complete shift"
    print_table(f"{what}, after {seconds:.0f} s", kpi_rows(screen), to_stderr=not out)
    bottleneck = next(iter(model.lines.values())).bottleneck
    print_table(f"where the planned time of {bottleneck} went", loss_rows(screen), to_stderr=not out)
    shift = str(screen.shifts[-1]["shift"]) if screen.shifts else "early"
    line = next(iter(model.lines))
    for text in (
        *(_way_into_mes(settings) if "mes" in settings.parts else ()),
        f"OPC UA   {next(iter(model.sources.values())).url}",
        f"logs     {settings.run_dir / 'logs'}",
        "try next:",
        f"  factolake explain oee_shift {line} {shift}",
        '  factolake sql "select machine, state, from_ts, to_ts from silver.machine_states order by from_ts desc limit 20"',
        "  factolake doctor",
        f"  factolake dagster        then open http://127.0.0.1:{settings.ports.dagster}",
        "ended; the lake stays" if wishes.once else "the line runs live; Ctrl-C stops everything in order",
    ):
        demo.console.print(text, highlight=False, markup=False, soft_wrap=True)


def _way_into_mes(settings: Settings) -> tuple[str, ...]:
    office = office_options(settings)
    return (
        f"FactoMES {office.url}   as {ADMIN} or approver, planner, quality, quality2, maintenance; password {office.password}",
        "         an order runs, a stop waits for its reason, a blocked pallet for two people to let it go",
    )


def _spec(name: str, workspace: Workspace, wishes: Wishes) -> PartSpec:
    arguments: tuple[str, ...] = ()
    if name == "plant" and workspace.recording:
        arguments = ("--recording", str(workspace.recording), "--machine", str(workspace.machine), "--speed", wishes.speed)
    elif name == "plant":
        arguments = ("--seed", str(wishes.seed), "--speed", wishes.speed, "--shift-start", workspace.shift_start.isoformat())
        arguments += ("--office",) if "mes" in workspace.settings.parts else ()
    return part_spec(name, workspace.settings_file, *arguments)


def _require_quiet(home: Path) -> None:
    # A part of an earlier demo may still be ending: clearing its files under it would look like damage.
    deadline = time.monotonic() + 15.0
    running = [name for name in STOP_ORDER if holder(home / "run", name)]
    while running and time.monotonic() < deadline:
        time.sleep(0.2)
        running = [name for name in running if holder(home / "run", name)]
    if running:
        raise SourceUnavailable(f"{', '.join(running)} still runs on {home}; stop it before a demo starts there")


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[Sight], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        tasks: dict[str, TaskID] = {}

        def update(sight: Sight) -> None:
            for key, label, share in shares(sight):
                if key not in tasks:
                    tasks[key] = progress.add_task(label, total=1.0)
                progress.update(tasks[key], completed=share, description=label)

        yield update
