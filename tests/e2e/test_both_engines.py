"""One played scenario, refined by Sail and by JVM Spark side by side: the same silver, gold and ops, column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from factolake.config import load_plant
from factolake.contracts.gold import SCHEDULE_ADHERENCE
from factolake.contracts.ops import MES_QUARANTINE
from factolake.contracts.silver_mes import SILVER_MES
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.lake.diff import difference
from factolake.lake.tables import Lake
from factolake.plant.scenario import load_scenario
from factolake.plant.wire import Change
from factolake.refine.plant_model import record_plant
from factolake.refine.registry import REFINEMENTS
from factolake.refine.runner import Runner
from factolake.testing.tiny_lake import PlayedLine

if TYPE_CHECKING:
    from factolake.lake.engine import Engine

CONF = Path(__file__).parents[2] / "conf"
START = datetime(2026, 11, 20, 5, tzinfo=UTC)
NOW = ManualClock(START + timedelta(hours=2))
# Only fused multiplications and the order of additions may differ between engines: a few units in the last place.
RELATIVE_ERROR = 1e-12
OF_FACTOMES = frozenset(refinement.name for refinement in REFINEMENTS if refinement.output in (*SILVER_MES, MES_QUARANTINE, SCHEDULE_ADHERENCE))
"""The scenario has no FactoMES; its tables have a comparison of their own."""
OF_ALERTS = frozenset({"alert_events", "alerts", "alert_quality", "alert_quarantine"})
"""Nor a model that raises alerts."""
OF_CAPTURES = frozenset({"features_vibration"})
"""Nor does it send captures; `test_features_vibration` has both engines judge some."""
NONSENSE = (math.nan, math.inf, -math.inf, "far too hot", "1e400", "5F", -4.0, 7.5)
"""Values that no counter can have."""


def nonsense(model: PlantModel, ts: datetime) -> list[Change]:
    """The values no counter can have, of one counter, and two it can: none at all, and one it never reached by counting."""
    (counter,) = (s for s in model.signals if s.machine == "L1-M2" and s.name == "total_count")
    values = (*NONSENSE, "", 2**62)
    return [Change(ts + timedelta(milliseconds=n), "L1-M2", "total_count", counter.tag, value, 0) for n, value in enumerate(values)]


def plant() -> PlantModel:
    """The shipped plant with two process values a machine, so that the floats of silver are compared too."""
    model = load_plant(CONF / "plant.toml")
    spare = (SignalKind.PROCESS, SignalKind.ENERGY, SignalKind.SETPOINT)
    kept: dict[str, int] = {}
    signals = []
    for signal in model.signals:
        if signal.kind in spare:
            kept[signal.machine] = kept.get(signal.machine, 0) + 1
        if signal.kind not in spare or kept[signal.machine] <= 2:
            signals.append(signal)
    return replace(model, signals=tuple(signals))


@pytest.fixture
def jvm_of_a_plant(jvm: Engine) -> Iterator[Engine]:
    """With the settings it has in a plant, where queries are compiled; `jvm` skips where there is none."""
    from factolake.lake.engine import engine

    with engine("spark") as running:
        yield running


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.timeout(900)
def test_sail_and_jvm_spark_refine_one_stream_to_the_same_tables(sail: Engine, jvm_of_a_plant: Engine, tmp_path: Path) -> None:
    model, lakes = plant(), {engine: Lake(tmp_path / name) for name, engine in (("sail", sail), ("jvm", jvm_of_a_plant))}
    scenario = load_scenario(CONF / "scenarios" / "everything.toml", model)
    lines = {engine: PlayedLine(lake, model, scenario, START, ledger=tmp_path / f"{i}.jsonl") for i, (engine, lake) in enumerate(lakes.items())}
    runners = {engine: Runner(lake, engine, model, NOW) for engine, lake in lakes.items()}
    for lake in lakes.values():
        record_plant(lake, model, NOW)
    # All that can happen does so in the first twenty minutes; the second go crosses into the next hour.
    for until in (START + timedelta(minutes=55), START + timedelta(minutes=70)):
        for engine, line in lines.items():
            line.play(until, portion=timedelta(minutes=20))
            line.land(nonsense(model, until))
            for refinement in REFINEMENTS:
                runners[engine].run(refinement)
    for line in lines.values():
        line.close()
    compared = [same_rows(refinement.output, lakes[sail], lakes[jvm_of_a_plant]) for refinement in REFINEMENTS]
    rows = dict(zip((refinement.name for refinement in REFINEMENTS), compared, strict=True))
    assert {name for name, count in rows.items() if not count} <= {"knowledge_lag", "restatements", *OF_FACTOMES, *OF_ALERTS, *OF_CAPTURES}, rows
    assert rows["quarantine"] == 2 * len(NONSENSE)
    assert rows["readings"] > 5_000


def same_rows(table: Table, left: Lake, right: Lake) -> int:
    """Rows of `table`, the same in both lakes but for `as_of`; floats to the last few units."""
    here, there = (in_order(table, lake.open(table).read()) for lake in (left, right))
    columns = [name for name in table.column_names if name != "as_of"]
    floats = [name for name in columns if pa.types.is_floating(here.schema.field(name).type)]
    exact = [name for name in columns if name not in floats]
    for a, b in ((here, there), (there, here)):
        assert difference(a, b, exact).to_pylist()[:3] == [], table.name
    for name in floats:
        pairs = zip(here[name].to_pylist(), there[name].to_pylist(), strict=True)
        apart = [(a, b) for a, b in pairs if not equal(a, b)]
        assert apart == [], f"{table.name}.{name}"
    return int(here.num_rows)


def in_order(table: Table, rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in table.key])


def equal(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=RELATIVE_ERROR) or (math.isnan(a) and math.isnan(b))
