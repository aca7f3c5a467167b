"""The plant as a part: which scenario or recording to play, and a small file that says how far it is."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.domain.clock import SystemClock
from factolake.domain.plant import PlantModel
from factolake.plant.player import Played
from factolake.plant.run import PlantOptions, run_plant, run_recording
from factolake.plant.scenario import load_scenario
from pipelines.workspace import DEFAULT_SCENARIO, PLANT_STATE

TOLD_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Play:
    """What to play: `recording` if given, else `scenario` (None: the default one). `speed` None is as fast as the listener takes it."""

    model: PlantModel
    settings: Settings
    scenario: Path | None
    seed: int
    speed: float | None
    shift_start: dt.datetime | None
    recording: Path | None
    machine: str | None
    truth: Path


async def play(wanted: Play, stop: asyncio.Event) -> None:
    """Serve until `stop`. Raises PortInUse and ConfigError."""
    tell = _teller(wanted.settings.run_dir / PLANT_STATE)
    if wanted.recording is not None:

        def done(played: Played) -> None:
            tell(played.until, played.values, True)

        await run_recording(wanted.model, wanted.recording, stop, machine=wanted.machine, speed=wanted.speed, on_done=done)
        return
    clock = SystemClock()
    scenario = load_scenario(wanted.scenario or DEFAULT_SCENARIO, wanted.model)
    wanted.truth.parent.mkdir(parents=True, exist_ok=True)
    options = PlantOptions(seed=wanted.seed, speed=wanted.speed, shift_start=wanted.shift_start, ledger=wanted.truth)
    spool = Spool(wanted.settings.spool_file, wanted.settings.spool.max_mib << 20, clock)
    try:
        await run_plant(wanted.model, scenario, options, clock, stop, spool, lambda reached, values: tell(reached, values, False))
    finally:
        spool.close()


def _teller(file: Path) -> Callable[[dt.datetime, int, bool], None]:
    told_at = float("-inf")

    def tell(reached: dt.datetime, values: int, done: bool) -> None:
        nonlocal told_at
        if not done and time.monotonic() - told_at < TOLD_EVERY_S:
            return
        told_at = time.monotonic()
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps({"reached": reached.isoformat(), "values": values, "done": done}), encoding="utf-8")
        draft.replace(file)

    return tell
