"""The simulated bearing: captures of the shipped scenario tell its wear at the outer race's frequency hours before it breaks down."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from factolake.bus.captures import read_capture
from factolake.bus.codec import decode
from factolake.bus.port import Record
from factolake.config import load_plant
from factolake.domain.clock import ManualClock
from factolake.errors import SpoolFull
from factolake.features.vibration.capture import CaptureFigures, capture_figures
from factolake.plant.scenario import load_scenario
from factolake.plant.vibration import CaptureSender, Shaking, samples_of
from factolake.plant.wire import LineSignals

CONF = Path(__file__).parents[2] / "conf"
MODEL = load_plant(CONF / "plant.toml")
START = datetime(2026, 11, 22, 5, tzinfo=UTC)
(POINT,) = MODEL.vibration_points


def shakings(until: timedelta, period_s: float = 60.0) -> list[Shaking]:
    line = LineSignals(MODEL, "L1", load_scenario(CONF / "scenarios/default.toml", MODEL), 7, START, period_s)
    line.advance_to(START + until)
    return line.shakings()


@pytest.fixture(scope="module")
def shift() -> list[Shaking]:
    return shakings(timedelta(hours=8))


def figures(one: Shaking) -> CaptureFigures:
    return capture_figures(samples_of(one, 7), POINT.sample_rate_hz, POINT, one.rpm)


def test_a_point_shakes_every_ten_minutes_and_the_same_seed_shakes_the_same(shift: list[Shaking]) -> None:
    assert [one.ts for one in shift] == [START + timedelta(minutes=10 * n) for n in range(1, 49)]
    assert shakings(timedelta(hours=1)) == shift[:6]
    assert np.array_equal(samples_of(shift[0], 7), samples_of(shift[0], 7))
    assert not np.array_equal(samples_of(shift[0], 7), samples_of(shift[0], 8))


def test_wear_raises_the_line_of_the_outer_race_long_before_the_machine_breaks_down(shift: list[Shaking]) -> None:
    turning = [one for one in shift if one.rpm > 1000]
    new = [figures(one) for one in turning if one.wear == 0]
    worn = [figures(one) for one in turning if one.ts >= START + timedelta(hours=6)]
    assert min(len(new), len(worn)) >= 5
    assert max(one.heard.bpfo.ratio or 0 for one in new) < 4 < min(one.heard.bpfo.ratio or 0 for one in worn)
    assert all((one.heard.bpfo.ratio or 0) > 2 * max(one.heard.bpfi.ratio or 0, one.heard.bsf.ratio or 0) for one in worn)
    assert {one.zone for one in new} == {"A"}
    last = figures(turning[-1])
    assert last.zone in ("C", "D")
    assert (last.kurtosis or 0) > 4


def test_a_standing_shaft_only_hums(shift: list[Shaking]) -> None:
    resting = [figures(one) for one in shift if one.rpm < 60]
    assert resting
    assert max(one.velocity_rms_mm_s or 0 for one in resting) < 0.1


class FullLog:
    """A log that takes records when it has room."""

    def __init__(self) -> None:
        self.has_room, self.records = False, []

    def append(self, records: list[Record]) -> int:  # type: ignore[override]
        if not self.has_room:
            raise SpoolFull("full")
        self.records += records
        return len(self.records)


def test_captures_that_a_full_log_does_not_take_are_sent_later_in_order(shift: list[Shaking]) -> None:
    log = FullLog()
    sender = CaptureSender(7, log, ManualClock(START + timedelta(hours=9)))  # type: ignore[arg-type]
    with pytest.raises(SpoolFull):
        sender.send(shift[:2])
    log.has_room = True
    sender.send(shift[2:3])
    told = [row for record in log.records for row in decode(record)[1].to_pylist()]
    captures = [read_capture(row["subject"], row["payload"], row["gateway_ts"]) for row in told]
    assert [(one.machine, one.point, one.ts) for one in captures] == [("L1-M2", "drive_end", one.ts) for one in shift[:3]]
    assert [row["seq"] for row in told] == [0, 1, 2]
    assert np.array_equal(captures[1].samples, samples_of(shift[1], 7).astype(np.float32))
