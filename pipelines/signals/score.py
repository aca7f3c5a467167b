"""Days of a machine through its champion into silver.scores: every minute that has a window is there, with a score or with why it has none.

A day is scored whole, by one version, after the day before, so that the same windows and the same version give the same bits whenever and however
often it is done; a day whose rows come out as they are is not written again. How far windows were taken up is in the commits of silver.scores.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path

import pyarrow as pa

from factolake.config import Settings, load_plant
from factolake.contracts.silver_scores import SCORES
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.errors import ModelRefused, TableDamaged
from factolake.lake.durable import make_durable
from factolake.lake.leases import Lease
from factolake.lake.positions import refine_position
from factolake.lake.tables import Handle, Lake
from factolake.refine.feed import news
from factolake.refine.putting import put_changed
from models.registry.catalogue import Models, Verified
from models.timeseries.guarded import CannotScore
from pipelines.signals import SCORED_TABLES
from pipelines.signals.judged import champion_of, day_of_scores, day_without_scores
from pipelines.signals.reading import Reader, learnable
from pipelines.signals.span import DAY, Days
from pipelines.tending import mend

AT_ONCE_DAYS = 8
"""So many days of a machine go into one commit."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of a machine: days scored, those of them that were written, rows written; or why no model scores (empty: one does).

    `failed`: days that its model could not score, whose rows are there without a score, and why.
    """

    machine: str
    version: int | None = None
    days: int = 0
    changed_days: int = 0
    rows: int = 0
    why_not: str = ""
    failed: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """In a sentence."""
        if self.why_not:
            return f"{self.machine}: not scored; {self.why_not}"
        told = (
            f"{self.machine}: {self.days} days scored by version {self.version}, {self.changed_days} of them new or other, {self.rows} rows written"
        )
        return "; ".join((told, *self.failed))


@dataclass(frozen=True, slots=True)
class Scoring:
    """Scores of one installation. Who holds the lease of `lease_file` writes silver.scores."""

    lake: Lake
    plant: PlantModel
    models: Models
    clock: Clock
    lease_file: Path

    def rescore(self, machines: Sequence[str], days: Days) -> list[Scored]:
        """Score `days` with each machine's champion. Raises ModelRefused before there are windows, LeaseHeld, and what lake and registry raise."""
        reader = Reader.now(self.lake)
        with self._table() as scores:
            return [self._machine(scores, reader, machine, list(days)) for machine in machines]

    def score_news(self) -> list[Scored]:
        """Score yesterday and today, and each day whose windows, or those of the day before, changed since the last time. Raises as `rescore`."""
        reader = Reader.now(self.lake)
        today = self.clock.now().astimezone(UTC).date()
        with self._table() as scores:
            positions = {handle: _position(handle) for handle in reader.handles.values()}
            changed = {(machine, day + later) for machine, day in _changed(positions, scores) for later in (timedelta(), DAY)}
            found = []
            for machine in learnable(self.plant):
                days = {day for other, day in changed if other == machine} | {today - DAY, today}
                found.append(self._machine(scores, reader, machine, sorted(days)))
            # Only now: a run that ends before has scored days that the next one scores again, and finds as they are.
            moved = {app_id: handle.version for handle, app_id in positions.items() if handle.version != scores.position(app_id)}
            if moved:
                scores.commit_positions(moved)
            return found

    @contextmanager
    def _table(self) -> Iterator[Handle]:
        """silver.scores, ours alone to write."""
        self.lake.ensure(SCORES)
        with Lease(self.lease_file) as lease:
            mend(self.lake, SCORED_TABLES)
            lease.raise_above(self.lake.lease_epoch(SCORED_TABLES))
            handle = self.lake.open(SCORES, lease)
            yield handle
            make_durable(handle.path, handle.version)

    def _machine(self, scores: Handle, reader: Reader, machine: str, days: Sequence[date]) -> Scored:
        try:
            champion = champion_of(self.models, self.plant, machine)
        except ModelRefused as refused:
            return Scored(machine, why_not=str(refused))
        changed = rows = 0
        failed: list[str] = []
        for first in range(0, len(days), AT_ONCE_DAYS):
            group = days[first : first + AT_ONCE_DAYS]
            found = pa.concat_tables([self._day(reader, machine, day, champion, failed) for day in group])
            put = put_changed(scores, [(machine, day) for day in group], found, {})
            changed, rows = changed + put.slices, rows + put.rows
        return Scored(machine, champion.version, len(days) - len(failed), changed, rows, failed=tuple(failed))

    def _day(self, reader: Reader, machine: str, day: date, champion: Verified, failed: list[str]) -> pa.Table:
        """One that the model cannot score is there without scores, and goes to `failed`; other days and machines go on."""
        try:
            return day_of_scores(reader, machine, day, champion, self.clock.now())
        except CannotScore as cause:
            failed.append(f"version {champion.version} cannot score {day}: {cause}")
            return day_without_scores(reader, machine, day, champion, self.clock.now())


def scoring_of(settings: Settings, clock: Clock) -> Scoring:
    """Of an installation. Raises ConfigError."""
    models = Models(settings.registry_dir, settings.models_key_file)
    return Scoring(Lake(settings.lake_root), load_plant(settings.plant_file), models, clock, settings.run_dir / "scoring.lease")


def _position(handle: Handle) -> str:
    return refine_position(SCORES.short_name, handle.table.name, handle.history)


def _changed(positions: dict[Handle, str], scores: Handle) -> Iterable[tuple[str, date]]:
    """Machine and day of every window that changed since its table's position; of all of them where that is not known."""
    found: set[tuple[str, date]] = set()
    for handle, app_id in positions.items():
        try:
            rows = news(handle, ("machine", "day"), scores.position(app_id))
        except TableDamaged:  # a hole in the feed: nobody knows what changed
            rows = news(handle, ("machine", "day"), None)
        found |= {(row["machine"], row["day"]) for row in rows.group_by(["machine", "day"]).aggregate([]).to_pylist()}
    return found
