"""Whether each machine's minutes of late still look like those its champion was fitted on, signal by signal; kept as runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factolake.config import Settings, load_plant
from factolake.domain.plant import PlantModel
from factolake.errors import ModelRefused
from factolake.lake.tables import Lake
from models.registry.catalogue import Models
from models.registry.runs import Registry, Run
from models.timeseries.input_drift import FEWEST_ROWS, Drifted, drifted
from models.timeseries.usable import without
from pipelines.signals.judged import champion_of
from pipelines.signals.learning import Lessons
from pipelines.signals.pinned import kept
from pipelines.signals.rows import rows_of
from pipelines.signals.span import Days

DRIFT = "signals-drift"
"""Experiment of the runs."""


@dataclass(frozen=True, slots=True)
class MachineDrift:
    """A machine's signals against the training of `version` of its model, the farthest first; or why they could not be compared (else empty)."""

    machine: str
    version: int | None = None
    signals: tuple[Drifted, ...] = ()
    why_not: str = ""

    @property
    def has_shifted(self) -> bool:
        """Whether any signal's values have gone so far that a person should look, and train the model anew or mend the sensor."""
        return any(one.verdict == "shifted" for one in self.signals)


@dataclass(frozen=True, slots=True)
class Drifting:
    """Looks at the input of one installation. `folder`: the registry's."""

    lake: Lake
    plant: PlantModel
    models: Models
    registry: Registry
    folder: Path

    def look(self, machines: Sequence[str], days: Days) -> list[MachineDrift]:
        """The minutes of `days`, less known stops, of each machine. Raises ModelRefused before there are windows, TableDamaged."""
        lessons = Lessons.now(self.lake, self.plant)
        found = [self._machine(lessons, machine, days) for machine in machines]
        for one in found:
            if one.signals:
                params = {"machine": one.machine, "model_version": one.version, "from_day": days.first, "to_day": days.last}
                self.registry.log(DRIFT, Run(f"{one.machine} {days.last}", params, {signal.signal: signal.index for signal in one.signals}))
        return found

    def _machine(self, lessons: Lessons, machine: str, days: Days) -> MachineDrift:
        try:
            champion = champion_of(self.models, self.plant, machine)
            then = kept(self.folder, champion.bundle.name, champion.sha256)
        except ModelRefused as refused:
            return MachineDrift(machine, why_not=str(refused))
        rows = rows_of(lessons.reader.minutes(machine, days), then.signals.names, then.products)
        now, _ = without(rows, lessons.known.stretches(machine, days))
        compared = drifted(then.signals, now)
        few = f"no product has {FEWEST_ROWS} whole minutes in {days} and in the training"
        return MachineDrift(machine, champion.version, compared, "" if compared else few)


def drifting_of(settings: Settings) -> Drifting:
    """Of an installation. Raises ConfigError."""
    folder = settings.registry_dir
    return Drifting(Lake(settings.lake_root), load_plant(settings.plant_file), Models(folder, settings.models_key_file), Registry(folder), folder)
