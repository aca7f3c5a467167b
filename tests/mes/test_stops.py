"""Stops come from the lake through the real sync; people give reasons, split and merge: no minutes are made, and nobody's word is lost."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mes_rows import make_row, put
from record_plant import M1, M2, Api, do

from factolake.contracts.silver import DOWNTIME
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.audit.models import AuditEntry
from factolake.mes.downtime.models import Stop, StopConflict
from factolake.mes.downtime.takeover_run import turn
from factolake.mes.equipment.models import Reason
from factolake.mes.sync.run import Sync

T0 = datetime(2026, 3, 2, 5, tzinfo=UTC)
NOW = T0 + timedelta(hours=10)
MINUTE = timedelta(minutes=1)


def stop(machine: str, minute: float, minutes: float, *, is_open: bool = False, state: str = "fault", asks: bool = True) -> dict[str, object]:
    start = T0 + minute * MINUTE
    ends = {"from_ts": start, "to_ts": start + minutes * MINUTE, "duration_us": int(minutes * 60e6), "from_day": start.date()}
    asked = {"asks_reason": asks, "reason": "unclassified" if asks else None, "is_open": is_open}
    return make_row(DOWNTIME, machine=machine, line="L1", state=state, **ends, **asked)


Tell = Callable[..., bool]


@pytest.fixture
def tell(record: str, tmp_path: Path) -> Iterator[Tell]:
    """Let the lake hold exactly these stops, sync, and take them over."""
    lake, clock = Lake(tmp_path / "lake"), ManualClock(NOW)
    sync = Sync(lake, record, clock)

    def now(*stops: dict[str, object]) -> bool:
        put(lake, DOWNTIME, list(stops), "machine is not null")
        sync.step()
        clock.advance(5)
        return turn(clock.now())

    lake.ensure(DOWNTIME)
    yield now
    sync.close()


def stops(machine: str = M1) -> list[tuple[float, float, str]]:
    """Beginning and end in minutes, and the state, of a machine's stops."""
    found = Stop.objects.filter(equipment_id=machine).order_by("from_ts")
    return [((one.from_ts - T0) / MINUTE, (one.to_ts - T0) / MINUTE, one.state) for one in found]


def the_stop(machine: str = M1) -> Stop:
    return Stop.objects.get(equipment_id=machine)


def test_stops_of_the_lake_are_in_the_record_and_taken_once(tell: Tell) -> None:
    assert tell(stop(M1, 10, 20), stop(M2, 15.5, 10, state="starved", asks=False), stop("elsewhere", 1, 1))
    assert stops(M1) == [(10, 30, "current")]
    assert [(one.machine_state, one.asks_reason) for one in Stop.objects.filter(equipment_id=M2)] == [("starved", False)]
    before = AuditEntry.objects.count()
    assert not turn(NOW + timedelta(hours=1))
    assert AuditEntry.objects.count() == before


def test_an_open_stop_that_grows_is_no_news_and_its_end_is(tell: Tell) -> None:
    tell(stop(M1, 10, 1, is_open=True))
    version = the_stop().version
    for minutes in (2, 3, 4):
        tell(stop(M1, 10, minutes, is_open=True))
    assert the_stop().version == version
    tell(stop(M1, 10, 7))
    assert (stops(), the_stop().is_open) == ([(10, 17, "current")], False)


def test_a_reason_stays_when_the_lake_restates_the_end(tell: Tell) -> None:
    tell(stop(M1, 10, 20))
    do("operator", "stop.classify", the_stop().stop_id, reason_id="mechanical", comment="belt")
    tell(stop(M1, 10, 25))
    assert (stops(), the_stop().reason_id, the_stop().comment) == ([(10, 35, "current")], "mechanical", "belt")


def test_a_stop_the_lake_takes_back_is_withdrawn_unless_somebody_said_something_of_it(tell: Tell) -> None:
    tell(stop(M1, 10, 20), stop(M2, 10, 20))
    do("operator", "stop.classify", the_stop(M2).stop_id, reason_id="tool")
    tell()
    assert stops(M1) == [(10, 30, "withdrawn")]
    assert stops(M2) == [(10, 30, "current")]
    conflict = StopConflict.objects.get()
    assert (conflict.stop.equipment_id, conflict.lake_from_ts) == (M2, None)
    tell(stop(M1, 10, 20))
    assert stops(M1) == [(10, 30, "current")]


def test_a_split_makes_neither_minutes_nor_gaps(tell: Tell) -> None:
    tell(stop(M1, 10, 20))
    do("operator", "stop.classify", the_stop().stop_id, reason_id="mechanical")
    second = do("operator", "stop.split", the_stop().stop_id, at_ts=(T0 + 18 * MINUTE).isoformat())
    assert stops() == [(10, 18, "current"), (18, 30, "current")]
    do("operator", "stop.classify", str(second["stop_id"]), reason_id="no_material")
    assert list(Stop.objects.order_by("from_ts").values_list("reason_id", flat=True)) == ["mechanical", "no_material"]
    tell(stop(M1, 10, 20))
    assert stops() == [(10, 18, "current"), (18, 30, "current")]
    assert not StopConflict.objects.exists()


def test_the_end_of_a_split_open_stop_is_still_the_lakes(tell: Tell) -> None:
    tell(stop(M1, 10, 5, is_open=True))
    do("operator", "stop.split", the_stop().stop_id, at=NOW, at_ts=(T0 + 100 * MINUTE).isoformat())
    tell(stop(M1, 10, 200))
    assert stops() == [(10, 100, "current"), (100, 210, "current")]
    assert not Stop.objects.filter(is_open=True).exists()
    assert not StopConflict.objects.exists()


def test_an_end_that_contradicts_a_split_is_shown_and_not_overwritten(tell: Tell) -> None:
    tell(stop(M1, 10, 20))
    do("operator", "stop.split", the_stop().stop_id, at_ts=(T0 + 18 * MINUTE).isoformat())
    tell(stop(M1, 10, 12))
    assert stops() == [(10, 18, "current"), (18, 30, "current")]
    conflict = StopConflict.objects.get()
    assert conflict.lake_to_ts == T0 + 22 * MINUTE
    do("operator", "stop_conflict.settle", str(conflict.pk))
    assert StopConflict.objects.get().settled_ts is not None


def test_two_stops_become_one_and_what_lies_between_comes_first(tell: Tell) -> None:
    tell(stop(M1, 10, 5), stop(M1, 16, 4), stop(M1, 30, 5))
    first, second, third = Stop.objects.order_by("from_ts")
    with pytest.raises(Exception, match="lies between the two; merge it first"):
        do("operator", "stop.merge", first.stop_id, with_stop_id=third.stop_id)
    do("operator", "stop.merge", first.stop_id, with_stop_id=second.stop_id)
    assert stops() == [(10, 20, "current"), (16, 20, "merged"), (30, 35, "current")]
    with pytest.raises(Exception, match="is merged and no longer counts"):
        do("operator", "stop.classify", second.stop_id, reason_id="tool")
    with pytest.raises(Exception, match="does not come after"):
        do("operator", "stop.merge", third.stop_id, with_stop_id=first.stop_id)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("technical", "reason technical is a branch; choose one below it"),
        ("surface", "there is no reason with reason_id 'surface'"),
        ("elsewhere", "reason elsewhere is not for L1-M1; it is for acme/bremen/painting"),
    ],
)
def test_only_a_leaf_of_the_tree_that_belongs_there_is_a_reason(tell: Tell, reason: str, said: str) -> None:
    Reason.objects.create(reason_id="elsewhere", kind="downtime", name="Elsewhere", scope="acme/bremen/painting", changed_ts=NOW)
    tell(stop(M1, 10, 20))
    with pytest.raises(Exception, match=said):
        do("operator", "stop.classify", the_stop().stop_id, reason_id=reason)


def test_stops_are_read_over_the_api_and_the_takeover_is_the_lakes_own(tell: Tell) -> None:
    tell(stop(M1, 10, 20))
    assert [row["machine_state"] for row in Api("viewer").all(f"/stops?equipment_id={M1}")] == ["fault"]
    last = AuditEntry.objects.order_by("-number").first()
    assert last is not None
    assert (last.actor, last.actor_kind, last.via) == ("lake", "service", "sync")


def test_nothing_is_taken_while_the_sync_has_not_run(record: str) -> None:
    assert not turn(NOW)
    assert not Stop.objects.exists()
