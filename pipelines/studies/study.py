"""One installation's machines to try models on: what there is to learn from, a model fitted, days judged by it, and what is kept of it.

Only `keep` writes: it registers the model as challenger, as `factolake models train` does. How days are judged is in `judging.py`.
"""

import getpass
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, tzinfo

import pandas as pd

from factolake.config import Settings, load_settings
from factolake.contracts.formats.sql import literal
from factolake.domain.calendar import plant_zone
from factolake.domain.clock import SystemClock
from factolake.errors import ModelRefused
from factolake.lake.sql import query
from factolake.notebook_score_plot import Scored
from models.registry.catalogue import Verified
from models.registry.ledger import champions
from models.timeseries.machine.fit import MachineSettings
from models.timeseries.machine.model import MachineModel
from models.timeseries.signals import CannotLearn
from pipelines.signals.judged import champion_of, machine_model
from pipelines.signals.learning import Lessons
from pipelines.signals.reading import learnable
from pipelines.signals.span import DAY, Days
from pipelines.signals.train import Candidate, Trained, Trainer, figures_of, trainer_of
from pipelines.studies.judging import judged
from pipelines.watching.champions import channels_of, model_name, path_of

FEWEST_DAYS = 3
"""With fewer there are none to hold back."""
JUDGED_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Tried:
    """A model of `machine` under a name of its own, and what it is: one that was fitted here, or a version of the registry."""

    label: str
    machine: str
    model: MachineModel
    told: str
    origin: Candidate | Verified


@dataclass(frozen=True, slots=True)
class Study:
    """The tables as they were when this was made; what is kept goes through `trainer`."""

    trainer: Trainer
    lessons: Lessons
    zone: tzinfo

    @classmethod
    def here(cls, settings: Settings | None = None) -> "Study":
        """Of this installation. Raises ModelRefused before there are minutes in the lake, ConfigError, TableDamaged."""
        trainer = trainer_of(settings or load_settings(), SystemClock())
        return cls(trainer, Lessons.now(trainer.lake, trainer.plant), plant_zone(trainer.plant.time_zone))

    @property
    def machines(self) -> tuple[str, ...]:
        """Those that have signals to learn from."""
        return tuple(learnable(self.trainer.plant))

    def days(self, machine: str) -> pd.DataFrame:
        """By UTC day: minutes in the lake, hours in which `machine` ran, and on which products."""
        asked = "SELECT day, count(*) AS minutes, sum(running_s) / 3600 AS ran_h, string_agg(DISTINCT product, ', ' ORDER BY product) AS products"
        where = f"FROM silver.window_regimes WHERE machine = {literal(machine)} GROUP BY day ORDER BY day"
        found: pd.DataFrame = query(self.trainer.lake, f"{asked} {where}").to_pandas()
        return found.assign(day=pd.to_datetime(found["day"]).dt.date).set_index("day")

    def grades(self, days: Days, machines: Iterable[str] = ()) -> pd.DataFrame:
        """Each signal of `machines` (all, unless named): the share of the minutes to learn from that have a value, and its grade."""
        rows = []
        for machine in tuple(machines) or self.machines:
            lesson = self.lessons.found(machine, days)
            rows += [(machine, one.name, one.share, one.grade.value, lesson.rows / 60) for one in lesson.grades]
        return pd.DataFrame(rows, columns=["machine", "signal", "share", "grade", "learn_h"])

    def fit(
        self,
        machine: str,
        days: Days,
        settings: MachineSettings | None = None,
        *,
        label: str = "",
        named: Iterable[date] = (),
        otherwise: Tried | None = None,
    ) -> Tried:
        """A model of `machine` from `days`, less those `named`; nothing is kept of it.

        Raises CannotLearn where there is too little; with `otherwise`, a version of the registry, its rows are learnt from then, and `told` says so.
        """
        trainer = replace(self.trainer, settings=settings or MachineSettings())
        try:
            found, why = trainer.learnt(self.lessons, machine, days, named), ""
        except CannotLearn as cause:
            if otherwise is None or not isinstance(otherwise.origin, Verified):
                raise
            found, why = trainer.learnt_again(machine, otherwise.origin), f"{cause}. So it is "
        return Tried(label or f"fitted on {days}", machine, found.model, why + _told(found), found)

    def champion(self, machine: str) -> Tried | None:
        """What scores `machine` now; None where nothing was promoted. Raises ModelRefused for one that cannot be read."""
        models, name = self.trainer.models, model_name(machine)
        if not champions(models.history(name), name):
            return None
        found = champion_of(models, self.trainer.plant, machine)
        bundle = found.bundle
        told = f"{bundle.name} {found.version}, made by {bundle.created_by} at {bundle.created_ts:%Y-%m-%d %H:%M} UTC"
        return Tried(f"champion, version {found.version}", machine, machine_model(bundle), told, found)

    def score(self, tried: Tried, days: Days) -> Scored:
        """`days` as the watch would judge them with this model. Raises CannotLearn where there is no minute."""
        minutes = self.lessons.reader.minutes(tried.machine, Days(days.first - DAY, days.last))
        plant = self.trainer.plant
        return judged(tried.label, tried.model, minutes, days, channels_of(plant, tried.machine), path_of(plant, tried.machine), self.zone)

    def keep(self, tried: Tried, by: str | None = None) -> Trained:
        """Register it as challenger, with its run in MLflow and a copy of its rows; made by you, unless said.

        Raises ModelRefused for one that is in the registry already, RegistryUnavailable.
        """
        if isinstance(tried.origin, Verified):
            raise ModelRefused(f"{tried.label} of {tried.machine} is in the registry already; keep one that was fitted here")
        return self.trainer.register(tried.origin, by or getpass.getuser())


def split(days: Iterable[date]) -> tuple[Days, Days]:
    """Days to learn from, and the last third to judge by; of fewer than three, all are both.

    >>> from datetime import date
    >>> [str(part) for part in split([date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 5)])]
    ['2026-03-02 to 2026-03-03', '2026-03-05 to 2026-03-05']
    """
    known = sorted(days)
    if not known:
        raise CannotLearn("there is no day to learn from; let the refinery make minutes")
    if len(known) < FEWEST_DAYS:
        return Days(known[0], known[-1]), Days(known[0], known[-1])
    held_back = round(len(known) * JUDGED_SHARE)
    return Days(known[0], known[-held_back - 1]), Days(known[-held_back], known[-1])


def proposal(kept: Trained, why: str) -> str:
    """The command that asks in FactoMES that the model may become champion.

    >>> proposal(Trained("L1-M2", "signals.l1-m2", 3, "", {}, "", None), "half the alerts")
    "factolake models propose signals.l1-m2 3 --why 'half the alerts'"
    """
    return shlex.join(("factolake", "models", "propose", kept.name, str(kept.version), "--why", why))


def _told(found: Candidate) -> str:
    model, figures = found.model, figures_of(found.model)
    signals = f"{len(model.names)} signals, {len(model.regimes)} of {len(model.products)} products"
    return f"learnt from {found.rows} minutes: {signals}; {figures['alerts_a_week']:.2g} alerts expected in a healthy week; {found.told}"
