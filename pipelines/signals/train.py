"""A challenger for a machine: fitted on its minutes, registered with its figures, kept as a run, with a copy of the rows beside it.

Who promotes it is a person; nothing here makes a champion.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from factolake import __version__
from factolake.config import Settings, load_plant
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.errors import ModelRefused
from factolake.lake.tables import Lake
from models.contract import Detector
from models.registry.bundle import Bundle, as_bytes
from models.registry.catalogue import Models, Verified
from models.registry.comparison import ScoreTable, compared
from models.registry.folders import FILE, digest_of
from models.registry.runs import Registry, Run
from models.timeseries.machine.fit import MachineSettings, learnt_rows
from models.timeseries.machine.model import MachineModel
from models.timeseries.signals import CannotLearn, Signals
from pipelines.signals.judged import champion_of
from pipelines.signals.learning import Lesson, Lessons
from pipelines.signals.pinned import Fitted, keep, kept
from pipelines.signals.reading import offered
from pipelines.signals.span import Days
from pipelines.watching.champions import model_name

SIGNALS = "signals"
"""Experiment of the runs."""
THRESHOLD = 1.0
"""Scores of a machine's model are scaled to it."""
AGAINST = ("agreement", "champion_alerts_a_week", "challenger_alerts_a_week")
"""Figures of a comparison that are kept."""
FEWEST_COMPARED = 60
"""Rows; below, two models are not compared."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of `machine` and the rows it was fitted on.

    `data`: versions of the tables they are from. `params`, `told`: what its run says of them. `lesson`: None where they are not from the lake of now.
    """

    machine: str
    model: MachineModel
    fitted: Fitted
    data: Mapping[str, int]
    params: Mapping[str, object]
    told: str
    lesson: Lesson | None = None

    @property
    def rows(self) -> int:
        """Minutes that it was fitted on."""
        return self.fitted.rows


@dataclass(frozen=True, slots=True)
class Trained:
    """A new challenger: its version and hash, its figures, what was left out in words, and the run it is kept as (None: it could not be kept)."""

    machine: str
    name: str
    version: int
    sha256: str
    metrics: Mapping[str, float]
    left_out: str
    run: str | None

    @property
    def told(self) -> str:
        """In a sentence."""
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        return f"{self.machine}: {self.name} {self.version} is challenger ({figures}); {self.left_out}"


@dataclass(frozen=True, slots=True)
class Trainer:
    """Makes challengers of one installation. `folder`: the registry's."""

    lake: Lake
    plant: PlantModel
    models: Models
    registry: Registry
    folder: Path
    clock: Clock
    settings: MachineSettings = field(default_factory=MachineSettings)

    def train_all(self, machines: Sequence[str], days: Days, by: str, named: Iterable[date] = ()) -> tuple[list[Trained], dict[str, str]]:
        """Train each from the same versions of the tables; of those that are refused, why. Raises ModelRefused before there are windows."""
        lessons, named = Lessons.now(self.lake, self.plant), tuple(named)
        trained, refused = [], dict[str, str]()
        for machine in machines:
            try:
                trained.append(self.train(lessons, machine, days, by, named))
            except (CannotLearn, ModelRefused) as cause:
                refused[machine] = str(cause)
        return trained, refused

    def train(self, lessons: Lessons, machine: str, days: Days, by: str, named: Iterable[date] = ()) -> Trained:
        """Fit the model of `machine` on `days`, less those `named`, and register it as challenger, made by the person or service `by`.

        Raises CannotLearn where there is too little, ModelRefused, RegistryUnavailable, TableDamaged.
        """
        return self.register(self.learnt(lessons, machine, days, named), by)

    def learnt(self, lessons: Lessons, machine: str, days: Days, named: Iterable[date] = ()) -> Candidate:
        """A model fitted on `days`, less those `named`; nothing is kept of it. Raises CannotLearn where there is too little, TableDamaged."""
        named = tuple(named)
        lesson = lessons.of(machine, days, named)
        params = {"machine": machine, "from_day": days.first, "to_day": days.last, "days_left_out": ", ".join(map(str, named)) or "none"}
        model = self._fit(lesson.fitted, f"{machine} in {days}")
        return Candidate(machine, model, lesson.fitted, lessons.versions, params, lesson.told, lesson)

    def learnt_again(self, machine: str, of: Verified) -> Candidate:
        """A model fitted on the rows that a version of the registry was fitted on. Raises ModelRefused where they are gone, CannotLearn."""
        name = f"{of.bundle.name} {of.version}"
        rows = kept(self.folder, of.bundle.name, of.sha256)
        model = self._fit(rows, f"rows of {name}")
        return Candidate(machine, model, rows, of.bundle.trained_on, {"machine": machine, "rows_of": name}, f"the rows that {name} learnt from")

    def register(self, candidate: Candidate, by: str) -> Trained:
        """Register a fitted model as challenger, with its run and a copy of its rows. Raises ModelRefused, RegistryUnavailable."""
        model, name = candidate.model, model_name(candidate.machine)
        metrics = {"rows": float(candidate.rows), **figures_of(model), **self._against_champion(candidate)}
        bundle = bundled(self.plant, candidate.machine, model, candidate.data, metrics, by, self.clock.now())
        digest = digest_of({FILE: as_bytes(bundle)})
        rows = keep(self.folder, name, digest, candidate.fitted)  # before the version: there is none without its rows
        version = self.models.log_model(bundle)
        data = {f"version_of_{table}": number for table, number in candidate.data.items()}
        tags = {"model": name, "model_version": str(version), "model_sha256": digest, "rows_sha256": rows, "created_by": by}
        run = Run(f"{name} {version}", {**candidate.params, **data}, metrics, tags, {"left_out.txt": candidate.told})
        return Trained(candidate.machine, name, version, digest, metrics, candidate.told, self.registry.log(SIGNALS, run))

    def _fit(self, fitted: Fitted, what: str) -> MachineModel:
        try:
            return self.settings.fit(fitted.signals, fitted.products)
        except ValueError as cause:
            raise CannotLearn(f"{what}, {fitted.rows} minutes: {cause}") from cause

    def _against_champion(self, candidate: Candidate) -> dict[str, float]:
        """Both on those of the same days that the challenger was not fitted on; nothing without a champion that knows these signals."""
        lesson = candidate.lesson
        if lesson is None:
            return {}
        try:
            champion = champion_of(self.models, self.plant, lesson.machine)
        except ModelRefused:
            return {}
        first = learnt_rows(lesson.fitted.signals.regimes)
        seen = lesson.seen_by(champion.bundle)
        tables = [scored_from(first, champion.bundle.model, seen), scored_from(first, candidate.model, lesson.fitted.signals)]
        if len(tables[0].seconds) < FEWEST_COMPARED:
            return {}
        found = compared(tables[0], tables[1], cost_an_alert=0.0)
        figures = {"champion_version": float(champion.version), **{name: float(getattr(found, name)) for name in AGAINST}}
        return {name: value for name, value in figures.items() if math.isfinite(value)}


def trainer_of(settings: Settings, clock: Clock) -> Trainer:
    """Of an installation. Raises ConfigError."""
    folder = settings.registry_dir
    models = Models(folder, settings.models_key_file)
    return Trainer(Lake(settings.lake_root), load_plant(settings.plant_file), models, Registry(folder), folder, clock)


def bundled(
    plant: PlantModel, machine: str, model: MachineModel, data: Mapping[str, int], metrics: Mapping[str, float], by: str, now: datetime
) -> Bundle:
    """The model of `machine`, made by `by` from these versions of tables, as the registry takes it. Raises ModelRefused."""
    signals = tuple(signal for signal in offered(plant, machine) if signal.name in model.names)
    return Bundle(model_name(machine), signals, model, THRESHOLD, data, __version__, now, by, metrics)


def figures_of(model: MachineModel) -> dict[str, float]:
    """What is known of a fitted model: its threshold, and how many alerts of a healthy week the rows beside the fit let expect."""
    sure = model.clean.sureness(1.0)
    return {"threshold": model.threshold, "clean_weeks": sure.clean_weeks, "alerts_a_week": sure.as_strong / sure.clean_weeks}


def scored_from(first: int, model: Detector, signals: Signals) -> ScoreTable:
    """What `model` says of the rows from `first` on, after it has seen those before."""
    return ScoreTable(signals.seconds[first:], model.scorer().score(signals).score[first:], THRESHOLD)
