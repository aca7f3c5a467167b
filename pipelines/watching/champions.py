"""Which model watches which machine: the champions of the registry, looked for anew when the ledger of promotions has changed.

Where nothing was promoted nothing is loaded, neither the registry nor the models.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from factolake.config import Settings
from factolake.domain.plant import PlantModel
from factolake.domain.signals import FEATURED
from factolake.errors import FactoLakeError
from models.registry.bundle import NAME, Bundle, Signal
from models.registry.catalogue import Models, Verified
from models.registry.ledger import FILE, champions
from models.registry.serving import Serving, Source
from models.timeseries.alerting import Channel

LEDGER = FILE
NAMED = "signals."
Stamp = tuple[int, int, int]


def model_name(machine: str) -> str:
    """What the model of a machine is called in the registry.

    >>> model_name("L1-M2")
    'signals.l1-m2'
    """
    return NAMED + machine.lower()


def ledger_stamp(registry_dir: Path) -> Stamp | None:
    """Another one whenever the ledger of promotions was written; None where there is none."""
    try:
        about = os.stat(registry_dir / LEDGER)
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Once:
    """A champion that was fetched, or why there is none; `source` knows the others."""

    source: Source
    found: Verified | FactoLakeError

    def champion(self, name: str) -> Verified:
        """The one that was fetched. Raises FactoLakeError."""
        if isinstance(self.found, FactoLakeError):
            raise self.found
        return self.found

    def last_good(self, name: str) -> Verified:
        """As the registry says."""
        return self.source.last_good(name)


class Champions:
    """What serves each machine of `plant`; `models` is the registry of `settings`, unless said."""

    def __init__(self, settings: Settings, plant: PlantModel, models: Models | None = None) -> None:
        self._folder = settings.registry_dir
        self._models = models or Models(settings.registry_dir, settings.models_key_file)
        self._units = units_of(plant)
        self._stamp: Stamp | None = None
        self.servings: Mapping[str, Serving] = {}

    def look(self) -> bool:
        """Look at the ledger; whether anything was looked up. What was refused is asked again each time.

        Raises FactoLakeError for a broken ledger.
        """
        stamp = ledger_stamp(self._folder)
        if stamp is None or (stamp == self._stamp and not any(serving.refused for serving in self.servings.values())):
            return False
        self.servings = {machine: self._renewed(machine) for machine in self._units if self._has_champion(machine)}
        self._stamp = stamp
        return True

    @property
    def lacks(self) -> tuple[str, ...]:
        """Walls that a model's trial could not have on this system."""
        return self._models.lacks

    def _has_champion(self, machine: str) -> bool:
        name = model_name(machine)
        return bool(NAME.fullmatch(name)) and bool(champions(self._models.history(name), name))

    def _renewed(self, machine: str) -> Serving:
        name, units = model_name(machine), self._units[machine]
        try:
            found: Verified | FactoLakeError = self._models.champion(name)
        except FactoLakeError as refused:
            found = refused
        serving = self.servings.get(machine, Serving(name, ()))
        best = found if isinstance(found, Verified) else self._last_good(name)
        if best is not None:
            serving = replace(serving, signals=offered_to(best.bundle, units))
        return serving.renewed(Once(self._models, found))

    def _last_good(self, name: str) -> Verified | None:
        try:
            return self._models.last_good(name)
        except FactoLakeError:
            return None


def offered_to(bundle: Bundle, units: Mapping[str, str]) -> tuple[Signal, ...]:
    """Of a machine's signals, with their `units`, those that the model knows, in its order; one that is gone is not among them."""
    return tuple(Signal(one.name, units[one.name]) for one in bundle.signals if one.name in units)


def units_of(plant: PlantModel) -> dict[str, dict[str, str]]:
    """By machine, its process and setpoint signals with their units; empty where a signal has none."""
    units: dict[str, dict[str, str]] = {machine: {} for machine in plant.machines}
    for signal in plant.signals:
        if signal.kind in FEATURED:
            units[signal.machine][signal.name] = signal.unit or ""
    return units


def channels_of(plant: PlantModel, machine: str) -> dict[str, Channel]:
    """What people call the signals of `machine` that models see, with their units."""
    mine = (signal for signal in plant.signals if signal.machine == machine and signal.kind in FEATURED)
    return {signal.name: Channel(signal.description or spoken(signal.name), signal.unit) for signal in mine}


def path_of(plant: PlantModel, machine: str) -> str:
    """The machine's ISA-95 path, as alerts name it."""
    return f"{plant.lines[plant.machines[machine].line_id].path}/{machine}"


def spoken(name: str) -> str:
    """A signal's name as people write it.

    >>> spoken("bearing_temp")
    'Bearing temp'
    """
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:]
