"""What a model must not take for usual: stops of the machine itself, planned ones, alerts that people called true, and days that a person names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from factolake.contracts.formats.sql import listed, literal
from factolake.contracts.silver import DOWNTIME
from factolake.contracts.silver_mes import MACHINE_ALERTS
from factolake.contracts.table import Table
from factolake.domain.plant import PlantModel
from factolake.domain.states import NEVER_ASK
from factolake.lake.tables import Handle, Lake
from models.timeseries.usable import Stretch
from pipelines.signals.span import Days

STOP, PLANNED_STOP, TRUE_ALERT, NAMED_DAY = "stop", "planned stop", "alert that was true", "day left out by name"


@dataclass(frozen=True, slots=True)
class Known:
    """What the lake knows of stops and alerts, as it was when this was made."""

    plant: PlantModel
    handles: Mapping[str, Handle]

    @classmethod
    def now(cls, lake: Lake, plant: PlantModel) -> "Known":
        """At the newest versions; a table that is not there yet says nothing. Raises TableDamaged."""
        return cls(plant, {table.name: lake.open(table) for table in (DOWNTIME, MACHINE_ALERTS.table) if lake.exists(table)})

    @property
    def versions(self) -> dict[str, int]:
        """Of the tables that are read."""
        return {name: handle.version for name, handle in self.handles.items()}

    def stretches(self, machine: str, days: Days, named: Iterable[date] = ()) -> list[Stretch]:
        """The stretches of `days` that are left out. Raises TableDamaged."""
        found = [*self._stops(machine, days), *self._planned(machine), *self._alerts(machine, days)]
        whole = (Days(day, day) for day in named)
        return [*found, *(_stretch(one.from_ts, one.to_ts, NAMED_DAY) for one in whole)]

    def _stops(self, machine: str, days: Days) -> Iterator[Stretch]:
        # A station of a line waits for its neighbours a few seconds at a time (the second one of the simulated line 517 times in a shift): so it
        # usually runs. With these stops left out, too, three of four of its minutes were lost.
        here = f"machine = {literal(machine)} AND state NOT IN ({listed(sorted(NEVER_ASK))})"
        for row in self._rows(DOWNTIME, ("from_ts", "to_ts"), f"{here} AND {_meets('from_ts', 'to_ts', days)}"):
            yield _stretch(row["from_ts"], row["to_ts"], STOP)

    def _planned(self, machine: str) -> Iterator[Stretch]:
        scopes = self.plant.scopes(machine)
        return (_stretch(one.from_ts, one.to_ts, PLANNED_STOP) for one in self.plant.calendar.planned_stops if one.scope in scopes)

    def _alerts(self, machine: str, days: Days) -> Iterator[Stretch]:
        """One that nobody saw end lasts to the end of the days."""
        judged = f"equipment = {literal(machine)} AND verdict = 'true' AND removed_ts IS NULL"
        for row in self._rows(MACHINE_ALERTS.table, ("onset_ts", "ended_ts"), judged):
            yield _stretch(row["onset_ts"], row["ended_ts"] or days.to_ts, TRUE_ALERT)

    def _rows(self, table: Table, columns: tuple[str, ...], predicate: str) -> list[dict[str, datetime]]:
        handle = self.handles.get(table.name)
        return handle.read(columns, predicate).to_pylist() if handle else []


def _meets(begin: str, end: str, days: Days) -> str:
    return f"{begin} < {literal(days.to_ts)} AND {end} > {literal(days.from_ts)}"


def _stretch(from_ts: datetime, to_ts: datetime, why: str) -> Stretch:
    return Stretch(from_ts.timestamp(), to_ts.timestamp(), why)
