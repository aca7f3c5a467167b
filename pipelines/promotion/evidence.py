"""What the people who approve a model see of it: how it was made, how good it was, and how it and the champion judge the same last minutes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from factolake.config import Settings, load_plant
from factolake.errors import ModelRefused, TableDamaged
from factolake.lake.tables import Lake
from models.registry.catalogue import Models, Verified
from models.registry.comparison import Comparison, ScoreTable, compared
from models.timeseries.guarded import scores_of
from models.timeseries.machine.model import MachineModel
from models.timeseries.signals import CannotLearn
from pipelines.signals.reading import Minutes, Reader, learnable
from pipelines.signals.rows import rows_of
from pipelines.signals.span import Days
from pipelines.watching.champions import model_name

Compare = Callable[[Verified, Verified], Comparison]
"""Champion against challenger. Raises CannotLearn or ModelRefused where there are no rows to compare them on."""
LIMIT_S = 300.0
"""For the minutes of some days, which take a model seconds."""
_MONEY = ("champion_cost", "challenger_cost")


def evidence_of(models: Models, candidate: Verified, compare: Compare) -> dict[str, object]:
    """Names and values for a page. Raises ModelRefused where the candidate is champion already."""
    bundle = candidate.bundle
    told: dict[str, object] = {
        "kind": bundle.kind,
        "signals": f"{len(bundle.signals)}: {', '.join(signal.name for signal in bundle.signals)[:500]}",
        "made_by": f"{bundle.created_by} at {bundle.created_ts.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "trained_on": ", ".join(f"{table} version {version}" for table, version in bundle.trained_on.items()) or "not told",
        "metrics": ", ".join(f"{name} {value:.4g}" for name, value in bundle.metrics.items()) or "none",
    }
    try:
        champion = models.champion(bundle.name)
    except ModelRefused as cause:
        return told | {"champion": f"none to compare with: {cause}"}
    if champion.version == candidate.version:
        raise ModelRefused(f"{bundle.name} {candidate.version} is champion already; nothing is proposed")
    told["champion"] = f"version {champion.version}, hash {champion.sha256[:12]}"
    try:
        return told | {name: _shown(value) for name, value in asdict(compare(champion, candidate)).items() if name not in _MONEY}
    except (CannotLearn, ModelRefused, TableDamaged) as cause:
        return told | {"comparison": f"not made: {cause}"}


def on_last_days(settings: Settings, now: datetime, count: int) -> Compare:
    """A comparison on the minutes of the last `count` whole days of the machine that the model is of."""

    def compare(champion: Verified, challenger: Verified) -> Comparison:
        machines = {model_name(machine): machine for machine in learnable(load_plant(settings.plant_file))}
        machine = machines.get(challenger.bundle.name)
        if machine is None:
            raise CannotLearn(f"{challenger.bundle.name} is the model of no machine of this plant")
        minutes = Reader.now(Lake(settings.lake_root)).minutes(machine, Days.before(now.astimezone(UTC).date(), count))
        try:
            return compared(table_of(champion, minutes), table_of(challenger, minutes), cost_an_alert=0.0)
        except ValueError as cause:
            raise CannotLearn(f"{cause}; the lake holds {minutes.regimes.num_rows} minutes of {machine} of the last {count} days") from cause

    return compare


def table_of(model: Verified, minutes: Minutes) -> ScoreTable:
    """What a model says of minutes."""
    bundle = model.bundle
    products = bundle.model.products if isinstance(bundle.model, MachineModel) else ()
    signals = rows_of(minutes, [signal.name for signal in bundle.signals], products)
    return ScoreTable(signals.seconds, scores_of(bundle.model.scorer(), signals, LIMIT_S).score, bundle.threshold)


def as_text(evidence: Mapping[str, object]) -> list[str]:
    """Evidence as lines."""
    return [f"{name.replace('_', ' ')}: {value}" for name, value in evidence.items()]


def _shown(value: float) -> object:
    """A figure as JSON has it and people read it."""
    if isinstance(value, int):
        return value
    return round(value, 4) if math.isfinite(value) else "not known"
