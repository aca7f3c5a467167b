"""F72: the host's clock jumps under landing and refinement, and every event is in the lake once, judged by the source's own ledger."""

from pathlib import Path

from seeded_bugs import SmallPlant

from factolake.contracts import ops
from factolake.lake.engine import Engine

HOUR_S, DAY_S = 3600, 86_400


def test_f72_a_clock_that_jumps_ahead_and_back_by_a_day_loses_and_doubles_nothing(tmp_path: Path, sail: Engine) -> None:
    plant = SmallPlant(tmp_path, sail)
    plant.turn(portions=7)
    for jump_s in (HOUR_S, -HOUR_S, -DAY_S, DAY_S):
        plant.clock.advance(jump_s)
        plant.turn(portions=2)
    verdict = plant.judged()
    assert verdict.clean, verdict.sentences()
    assert all(table.due > 0 for table in verdict.tables), verdict.sentences()
    ticks = [row["tick_ts"] for row in plant.lake.open(ops.CLOCK).read().to_pylist()]
    assert len(set(ticks)) == len(ticks) > 1
