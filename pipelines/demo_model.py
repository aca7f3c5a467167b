"""The demo's model of one machine: what a plant would learn from its recorded weeks, learnt from two clean ones of the same simulated line.

A plant of one's own trains with `factolake models train`; a demo has no history when it begins.
"""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from factolake import __version__
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from pipelines.workspace import CONF, Workspace

if TYPE_CHECKING:
    from models.timeseries.signals import Signals

MACHINE = "L1-M2"
"""Whose bearing wears in the scenario of the demo."""
PROMOTER = "approver"
"""The played person of FactoMES who lets it judge."""
NEEDED = ("mlflow", "scipy", "sklearn")


@dataclass(frozen=True, slots=True)
class Learnt:
    """A champion: what it is called, and the minutes it learnt from."""

    name: str
    minutes: int


def learn(workspace: Workspace, seed: int, clock: Clock) -> Learnt | None:
    """Fit, register and promote the model of `MACHINE`; None where the plant has no such machine or what models need is not installed."""
    if workspace.recording or any(find_spec(name) is None for name in NEEDED):
        return None
    from factolake.plant.scenario import load_scenario
    from models.evaluation.plant_weeks import Plant, minutes
    from models.registry.approval import Approval, payload_of
    from models.registry.bundle import Bundle
    from models.registry.catalogue import Models
    from models.timeseries.machine.fit import MachineSettings
    from pipelines.signals.reading import offered
    from pipelines.signals.train import THRESHOLD, figures_of
    from pipelines.watching.champions import model_name

    plant, settings = workspace.plant, workspace.settings
    weeks = Plant(plant, load_scenario(CONF / "scenarios" / "weeks.toml", plant), seed)
    signals, products = minutes(weeks.clean((MACHINE,), workspace.shift_start), MACHINE)
    model = MachineSettings().fit(_told_every_minute(signals, plant), products)
    name, now = model_name(MACHINE), clock.now()
    needed = tuple(signal for signal in offered(plant, MACHINE) if signal.name in model.names)
    models = Models(settings.registry_dir, settings.models_key_file)
    version = models.log_model(Bundle(name, needed, model, THRESHOLD, {}, __version__, now, PROMOTER, figures_of(model)))
    digest = models.version(name, version).sha256
    models.promote(name, version, Approval("demo", PROMOTER, payload_of(name, version, digest), now), now)
    return Learnt(name, len(signals.seconds))


def _told_every_minute(signals: "Signals", plant: PlantModel) -> "Signals":
    """Without setpoints: the line tells them when they change, and most minutes have none."""
    setpoints = {one.name for one in plant.signals if one.machine == MACHINE and one.kind is SignalKind.SETPOINT}
    kept = [place for place, name in enumerate(signals.names) if name not in setpoints]
    return replace(signals, names=tuple(signals.names[place] for place in kept), values=signals.values[:, kept])
