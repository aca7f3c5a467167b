"""The demo's model of one machine: what a plant would learn from its recorded weeks, learnt from two clean ones of the same simulated line.

A plant of one's own trains with `factolake models train`; a demo has no history when it begins.
"""

from importlib.util import find_spec

from factolake.domain.clock import Clock
from factolake.domain.signals import SignalKind
from pipelines.workspace import CONF, Workspace

MACHINE = "L1-M2"
"""Whose bearing wears in the scenario of the demo."""
PROMOTER = "approver"
"""The played person of FactoMES who lets it judge."""
NEEDED = ("mlflow", "numba", "scipy", "sklearn")


def learn(workspace: Workspace, seed: int, clock: Clock) -> None:
    """Fit, register and promote the model of `MACHINE`; nothing where the plant is a recorded one or what models need is not installed."""
    if workspace.recording or any(find_spec(name) is None for name in NEEDED):
        return
    from factolake.plant.scenario import load_scenario
    from models.evaluation.plant_weeks import Plant, minutes
    from models.registry.approval import Approval, payload_of
    from models.registry.catalogue import Models
    from models.timeseries.machine.fit import MachineSettings
    from models.timeseries.usable import of_signals
    from pipelines.signals.pinned import Fitted, keep
    from pipelines.signals.train import bundled, figures_of

    plant, settings, now = workspace.plant, workspace.settings, clock.now()
    weeks = Plant(plant, load_scenario(CONF / "scenarios" / "weeks.toml", plant), seed)
    signals, products = minutes(weeks.clean((MACHINE,), workspace.shift_start), MACHINE)
    # The line tells setpoints when they change, and most of its minutes have none.
    setpoints = {one.name for one in plant.signals if one.machine == MACHINE and one.kind is SignalKind.SETPOINT}
    fitted = Fitted(of_signals(signals, [name for name in signals.names if name not in setpoints]), products)
    model = MachineSettings().fit(fitted.signals, fitted.products)
    bundle = bundled(plant, MACHINE, model, {}, figures_of(model), PROMOTER, now)
    models = Models(settings.registry_dir, settings.models_key_file)
    version = models.log_model(bundle)
    digest = models.version(bundle.name, version).sha256
    keep(settings.registry_dir, bundle.name, digest, fitted)  # what a notebook or the look at drift begins with
    models.promote(bundle.name, version, Approval("demo", PROMOTER, payload_of(bundle.name, version, digest), now), now)
