"""The plant as a part: which scenario or recording to play, its people and ERP, and a small file that says how far it is."""

import asyncio
import datetime as dt
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.domain.clock import SystemClock
from factolake.domain.plant import PlantModel
from factolake.errors import ConfigError
from factolake.plant.office.run import OfficeOptions
from factolake.plant.player import Played
from factolake.plant.run import PlantOptions, run_plant, run_recording
from factolake.plant.scenario import load_scenario
from pipelines.mes_part import address
from pipelines.workspace import DEFAULT_SCENARIO, PLANT_STATE

TOLD_EVERY_S = 0.5


class Tell(Protocol):
    """Says how far the plant is."""

    def __call__(self, reached: dt.datetime, values: int, is_office_behind: bool = False, *, done: bool = False) -> None:
        """`done`: a recording is played to its end."""


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
    has_office: bool


async def play(wanted: Play, stop: asyncio.Event) -> None:
    """Serve until `stop`. Raises PortInUse and ConfigError."""
    tell = _teller(wanted.settings.run_dir / PLANT_STATE)
    if wanted.recording is not None:

        def done(played: Played) -> None:
            tell(played.until, played.values, done=True)

        await run_recording(wanted.model, wanted.recording, stop, machine=wanted.machine, speed=wanted.speed, on_done=done)
        return
    clock = SystemClock()
    scenario = load_scenario(wanted.scenario or DEFAULT_SCENARIO, wanted.model)
    wanted.truth.parent.mkdir(parents=True, exist_ok=True)
    office = office_options(wanted.settings) if wanted.has_office else None
    options = PlantOptions(seed=wanted.seed, speed=wanted.speed, shift_start=wanted.shift_start, ledger=wanted.truth, office=office)
    spool = Spool(wanted.settings.spool_file, wanted.settings.spool.max_mib << 20, clock)
    try:
        await run_plant(wanted.model, scenario, options, clock, stop, spool, tell)
    finally:
        spool.close()


def office_options(settings: Settings) -> OfficeOptions:
    """People and ERP of the installation: they keep their papers beside the plant's. Raises ConfigError without an ERP on this machine."""
    erp = settings.erp
    parts = urlsplit(erp.url)
    if not erp.system or parts.hostname not in ("127.0.0.1", "localhost") or erp.token_file is None or not erp.token_file.is_file():
        raise ConfigError("settings", "erp", erp.url or erp.folder, "system, a url on 127.0.0.1 and a token_file: the simulated ERP listens there")
    return OfficeOptions(
        url=address(settings, settings.ports.mes),
        setup_code=settings.mes_dir / "setup_code",
        folder=settings.home / "plant" / "office",
        erp=erp.system,
        erp_port=parts.port or 80,
        erp_token=erp.token_file.read_text(encoding="utf-8").strip(),
    )


def _teller(file: Path) -> Tell:
    told_at = float("-inf")

    def tell(reached: dt.datetime, values: int, is_office_behind: bool = False, *, done: bool = False) -> None:
        nonlocal told_at
        if not done and time.monotonic() - told_at < TOLD_EVERY_S:
            return
        told_at = time.monotonic()
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_text(
            json.dumps({"reached": reached.isoformat(), "values": values, "done": done, "office_behind": is_office_behind}), encoding="utf-8"
        )
        draft.replace(file)

    return tell
