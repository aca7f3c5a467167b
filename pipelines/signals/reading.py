"""Minutes of one machine from silver.features_window and silver.window_regimes, of one version of each, with the columns and days that are needed.

How minutes become rows of signals is in `models/timeseries/machine/rows.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from factolake.contracts.formats.sql import literal
from factolake.contracts.silver_features import FEATURES_WINDOW, WINDOW_REGIMES
from factolake.contracts.table import Table
from factolake.domain.plant import PlantModel
from factolake.errors import ModelRefused
from factolake.lake.tables import Handle, Lake
from models.registry.bundle import Signal
from pipelines.signals.span import Days
from pipelines.watching.champions import units_of


@dataclass(frozen=True, slots=True)
class Minutes:
    """`windows`: signal, window_ts, mean. `regimes`: window_ts, running_s, product. Both by time."""

    machine: str
    windows: pa.Table
    regimes: pa.Table


@dataclass(frozen=True, slots=True)
class Reader:
    """The tables as they were when this was made, or at the versions that were asked for."""

    lake: Lake
    handles: Mapping[str, Handle]
    versions: Mapping[str, int]

    @classmethod
    def now(cls, lake: Lake, versions: Mapping[str, int] | None = None) -> "Reader":
        """At `versions` by table, where given, else the newest. Raises ModelRefused before they are there, TableDamaged."""
        missing = [table.name for table in (FEATURES_WINDOW, WINDOW_REGIMES) if not lake.exists(table)]
        if missing:
            raise ModelRefused(f"no machine can be learnt or scored: {' and '.join(missing)} not there yet; let the refinery make them")
        handles = {table.name: lake.open(table) for table in (FEATURES_WINDOW, WINDOW_REGIMES)}
        return cls(lake, handles, {name: (versions or {}).get(name, handle.version) for name, handle in handles.items()})

    def minutes(self, machine: str, days: Days) -> Minutes:
        """The minutes of `machine` in `days`. Raises TableDamaged."""
        windows = self._read(FEATURES_WINDOW, ("window_ts", "signal", "mean"), machine, days)
        return Minutes(machine, windows, self._read(WINDOW_REGIMES, ("window_ts", "running_s", "product"), machine, days))

    def _read(self, table: Table, columns: tuple[str, ...], machine: str, days: Days) -> pa.Table:
        wanted = f"machine = {literal(machine)} AND day >= {literal(days.first)} AND day <= {literal(days.last)}"
        found = self.handles[table.name].read(columns, wanted, self.versions[table.name])
        return found.sort_by([(name, "ascending") for name in columns[:2] if name in table.key])


def offered(plant: PlantModel, machine: str) -> tuple[Signal, ...]:
    """The signals that `machine` has windows of, by name."""
    return tuple(Signal(name, unit) for name, unit in sorted(units_of(plant)[machine].items()))


def learnable(plant: PlantModel) -> Iterator[str]:
    """The machines that have such signals, in the order of the plant file."""
    return (machine for machine, units in units_of(plant).items() if units)
