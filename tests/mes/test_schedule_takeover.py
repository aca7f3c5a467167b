"""Plans of the lake become proposals through the real sync: whole, once, the newest, and never over a person's own proposal."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mes_rows import make_row, put
from record_plant import M1, M2, M3, do
from schedule_plant import accept, entry, hour, orders, planned, propose

from factolake.contracts.gold import SCHEDULE
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.audit.models import AuditEntry
from factolake.mes.scheduling.models import ScheduleVersion
from factolake.mes.scheduling.takeover import LakePlan, Step, wanted
from factolake.mes.scheduling.takeover_run import turn
from factolake.mes.sync.run import Sync

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
Tell = Callable[..., int]


@pytest.fixture
def tell(record: str, tmp_path: Path) -> Iterator[Tell]:
    """Let the lake hold exactly these rows, sync, and take them over."""
    lake, clock = Lake(tmp_path / "lake"), ManualClock(T0)
    sync = Sync(lake, record, clock)

    def now(*rows: dict[str, object]) -> int:
        put(lake, SCHEDULE, list(rows), "plan_id is not null")
        sync.step()
        clock.advance(5)
        return turn(clock.now())

    lake.ensure(SCHEDULE)
    yield now
    sync.close()


def row(plan: str, operation: str, machine: str, start: float, rows: int = 1, **more: object) -> dict[str, object]:
    times = {"planned_start_ts": hour(start), "planned_end_ts": hour(start + 1), "as_of": T0 + timedelta(minutes=int(plan.removeprefix("P")))}
    about = {"line": "L1", "plan_id": plan, "operation_id": operation, "machine": machine, "plan_why": "M1 is down", "plan_operations": rows}
    return make_row(SCHEDULE, **about, **times, **more)


def versions() -> list[tuple[str, str]]:
    return list(ScheduleVersion.objects.order_by("number").values_list("source_id", "state"))


def test_a_plan_of_the_lake_is_a_proposal_that_a_person_accepts(tell: Tell) -> None:
    orders("PO-1", "PO-2")
    assert tell(row("P1", "PO-1.10", M3, 1, 2, why="due first"), row("P1", "PO-2.10", M1, 2, 2)) == 1
    version = ScheduleVersion.objects.get()
    assert (version.state, version.made_by_id, version.why) == ("proposed", "lake", "M1 is down")
    assert version.entries.get(operation_id="PO-1.10").why == "due first"
    last = AuditEntry.objects.order_by("-number").first()
    assert last is not None
    assert (last.action, last.actor_kind, last.via) == ("schedule.create", "service", "sync")
    accept(version)
    assert planned("PO-1.10", "PO-2.10") == [(M3, 1, 1), (M1, 1, 2)]
    assert tell(row("P1", "PO-1.10", M3, 1, 2), row("P1", "PO-2.10", M1, 2, 2)) == 0
    assert versions() == [("P1", "accepted")]


def test_a_plan_that_is_not_whole_yet_waits(tell: Tell) -> None:
    orders("PO-1")
    assert tell(row("P1", "PO-1.10", M3, 1, 2)) == 0
    assert tell(row("P1", "PO-1.10", M3, 1, 2), row("P1", "PO-1.20", M2, 2, 2)) == 1


def test_a_newer_plan_takes_the_place_of_an_older_and_one_that_is_gone_is_taken_back(tell: Tell) -> None:
    orders("PO-1")
    tell(row("P1", "PO-1.10", M3, 1))
    tell(row("P1", "PO-1.10", M3, 1), row("P2", "PO-1.10", M3, 2))
    assert versions() == [("P1", "rejected"), ("P2", "proposed")]
    tell()
    assert versions() == [("P1", "rejected"), ("P2", "rejected")]
    assert ScheduleVersion.objects.get(source_id="P2").ended_why == "the plan is no longer in the lake"


def test_a_persons_proposal_is_waited_for(tell: Tell) -> None:
    orders("PO-1", "PO-2")
    own = propose(entry("PO-2.10", M1, 5))
    assert tell(row("P1", "PO-1.10", M3, 1)) == 0
    do("planner", "schedule.reject", own.pk, reason="no")
    assert tell(row("P1", "PO-1.10", M3, 1)) == 1


def test_a_plan_that_cannot_be_is_kept_with_the_reason_and_not_tried_again(tell: Tell) -> None:
    orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    told = (row("P1", "PO-1.10", M3, 1),)
    assert tell(*told) == 1
    version = ScheduleVersion.objects.get()
    assert (version.state, version.ended_by_id) == ("rejected", "lake")
    assert "PO-1.10 is running at L1-M1, and what runs never moves" in version.ended_why
    assert tell(*told) == 0


def test_one_that_no_proposal_can_be_made_of_is_told_and_the_line_goes_on(tell: Tell) -> None:
    orders("PO-1")
    assert tell(row("P77", "PO-1.10", "a/b", 1)) == 0
    assert not ScheduleVersion.objects.exists()
    assert tell(row("P77", "PO-1.10", "a/b", 1), row("P78", "PO-1.10", M3, 1)) == 1


def test_nothing_is_taken_while_the_sync_has_not_run(record: str) -> None:
    assert turn(T0) == 0


def test_only_the_newest_plan_of_a_line_counts() -> None:
    def plan(name: str, minute: int, rows: int = 1, line: str = "L1") -> LakePlan:
        return LakePlan(line, name, T0 + timedelta(minutes=minute), rows, 1)

    assert wanted([plan("A", 1), plan("B", 2)], {}, {}) == [Step("L1", "", "B")]
    assert wanted([plan("A", 1), plan("B", 2)], {"L1": {"B"}}, {}) == []
    assert wanted([plan("A", 1), plan("B", 2, rows=0)], {}, {}) == []
    assert wanted([plan("A", 1), plan("B", 2)], {"L1": {"A"}}, {"L1": ("L1.1", "A")}) == [Step("L1", "L1.1", "B")]
    assert wanted([plan("A", 1)], {"L1": {"A"}}, {"L1": ("L1.1", "A")}) == []
    assert wanted([], {}, {"L1": ("L1.1", "A")}) == [Step("L1", "L1.1", "")]
    assert wanted([plan("A", 1), plan("C", 1, line="L2")], {}, {}) == [Step("L1", "", "A"), Step("L2", "", "C")]
