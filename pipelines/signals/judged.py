"""A day of a machine as rows of silver.scores: minutes read, scored in one block, and told in the words of the contract. Nothing is written here."""

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factolake.contracts.formats.arrow import fit
from factolake.contracts.silver_scores import SCORES, WHY
from factolake.domain.plant import PlantModel
from factolake.errors import ModelRefused
from models.contract import Detector
from models.registry.bundle import Bundle
from models.registry.catalogue import Models, Verified
from models.registry.ledger import champions
from models.timeseries.guarded import scores_of, unscored
from models.timeseries.leading import leading
from models.timeseries.machine.model import MachineModel
from models.timeseries.signals import Scores, Signals
from pipelines.signals.reading import Minutes, Reader
from pipelines.signals.rows import rows_of
from pipelines.signals.span import DAY, Days
from pipelines.watching.champions import model_name, offered_to, units_of

DAY_LIMIT_S = 300.0
"""For a day and the one before it, which take a model less than a second."""
_US = 1_000_000
_UTC = pa.timestamp("us", tz="UTC")


def champion_of(models: Models, plant: PlantModel, machine: str) -> Verified:
    """What scores `machine`. Raises ModelRefused where there is none, where it is none of a machine, or does not know the machine's signals.

    MLflow is not loaded where nothing was promoted.
    """
    name = model_name(machine)
    if not champions(models.history(name), name):
        raise ModelRefused(f"model {name} has no champion; train it and promote a version")
    found = models.champion(name)
    found.bundle.check_signals(offered_to(found.bundle, units_of(plant)[machine]))
    machine_model(found.bundle)
    return found


def machine_model(bundle: Bundle) -> MachineModel:
    """The model in a bundle. Raises ModelRefused where it is none of a machine."""
    if not isinstance(bundle.model, MachineModel):
        raise ModelRefused(f"{bundle.name} is a model of kind {bundle.kind}, not of a machine's minutes; train it with `factolake models train`")
    return bundle.model


def seen_by(bundle: Bundle, minutes: Minutes) -> Signals:
    """`minutes` as the rows that a machine's model sees. Raises ModelRefused where the bundle holds another kind of model."""
    return rows_of(minutes, [signal.name for signal in bundle.signals], machine_model(bundle).products)


def day_of_scores(reader: Reader, machine: str, day: date, model: Verified, now: datetime) -> pa.Table:
    """Every minute of `day` as `model` judges it, by a scorer that begins with the day before. Raises CannotScore, ModelRefused, TableDamaged."""
    minutes, scores = judged_day(model.bundle.model, seen_by(model.bundle, reader.minutes(machine, Days(day - DAY, day))), day)
    return scored_rows(machine, minutes, scores, model, now)


def judged_day(model: Detector, signals: Signals, day: date) -> tuple[Signals, Scores]:
    """The minutes of `day` among `signals`, and what a scorer says of them that begins with those of the day before. Raises CannotScore."""
    begin, first, last = (int(np.searchsorted(signals.seconds, Days(at, at).from_ts.timestamp())) for at in (day - DAY, day, day + DAY))
    minutes = signals.rows(first, last)
    if first == last:
        return minutes, unscored(minutes)
    found, before = scores_of(model.scorer(), signals.rows(begin, last), DAY_LIMIT_S), first - begin
    return minutes, Scores(found.score[before:], found.why[before:], found.parts[before:])


def day_without_scores(reader: Reader, machine: str, day: date, model: Verified, now: datetime) -> pa.Table:
    """Every minute of `day`, none of which `model` could score. Raises ModelRefused, TableDamaged."""
    signals = seen_by(model.bundle, reader.minutes(machine, Days(day, day)))
    return scored_rows(machine, signals, unscored(signals), model, now)


def scored_rows(machine: str, signals: Signals, scores: Scores, model: Verified, now: datetime) -> pa.Table:
    """`scores` of the minutes `signals` as rows of silver.scores."""
    count, led = len(signals.seconds), leading(scores)
    window_ts = pa.array(np.rint(signals.seconds * _US).astype(np.int64)).cast(_UTC)
    hour_ts = pc.floor_temporal(window_ts, unit="hour")
    leads = pa.array(led.place, mask=led.place < 0)
    columns = {
        "machine": pa.repeat(machine, count),
        "window_ts": window_ts,
        "score": pa.array(scores.score, mask=np.isnan(scores.score)),
        "why": pa.array(WHY).take(pa.array(scores.why)),
        "top_signal": pa.array(signals.names, pa.string()).take(leads),
        "top_share": pa.array(led.share, mask=led.place < 0),
        "model_name": pa.repeat(model.bundle.name, count),
        "model_version": pa.repeat(str(model.version), count),
        "hour_ts": hour_ts,
        "day": hour_ts.cast(pa.date32()),
        "as_of": pa.array([now], _UTC).take(pa.array(np.zeros(count, dtype=np.int64))),
    }
    return fit(SCORES, pa.table(columns))
