"""Orders counted by machine: the lake's counts are booked once, a restatement is a reversal and never an edit, and the ERP is told the same sums."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from mes_rows import make_row, put
from record_plant import M1, M2, M3, NOW, do, order

from factolake.contracts.silver import COUNTS
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.mes.audit import chain
from factolake.mes.audit.models import AuditEntry, AuditHead
from factolake.mes.exchange.models import ErpConfirmation
from factolake.mes.production import count_turn
from factolake.mes.production.count_turn import CountTurn
from factolake.mes.production.machine_counts import HourCount, amounts
from factolake.mes.production.models import Operation, Order, Production
from factolake.mes.sync.run import Sync
from factolake.mes.sync.schema import TABLES, VERSION, connect, prepare

both_databases = pytest.mark.usefixtures("record")
one_database = pytest.mark.usefixtures("sqlite_record")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = NOW + timedelta(days=1)
Counts = Mapping[tuple[str, str, int], Mapping[str, int]]
"""By machine, order and hour of the day: parts by kind of counter."""
Says = Callable[[Counts], None]


@pytest.fixture
def lake_says(request: pytest.FixtureRequest) -> Says:
    """The lake holds exactly these counts, as the sync brings them; what is new or different has a new version."""
    url = request.getfixturevalue("record" if "record" in request.fixturenames else "sqlite_record")
    version, held = count(1), {}

    def say(counts: Counts) -> None:
        table, now = TABLES["lake_order_count"], next(version)
        engine = connect(url)
        with engine.begin() as connection:
            prepare(connection)
            connection.execute(sa.delete(table))
            for (machine, order_id, hour), parts in counts.items():
                key = (machine, order_id, hour)
                same = held.get(key, (None, 0))
                held[key] = same if same[0] == dict(parts) else (dict(parts), now)
                start = DAY.replace(hour=0) + hour * HOUR
                values = {"machine": machine, "order_id": order_id, "hour_ts": start, "last_ts": start + 59 * MINUTE, "as_of": DAY}
                connection.execute(sa.insert(table).values({**values, **parts, VERSION: held[key][1]}))
        engine.dispose()

    return say


def begun(order_id: str, *machines: str, counted_by: str = "machine", erp: bool = True) -> None:
    """A started order of the ERP that goes over these machines, or the line."""
    material = f"G-{order_id}"
    do("planner", "material.create", material_id=material)
    for number, machine in enumerate(machines, start=1):
        do("engineer", "routing_step.create", material_id=material, number=10 * number, equipment_id=machine, overlaps=True)
    order(order_id, material=material, counted_by=counted_by)
    if erp:
        Order.objects.filter(pk=order_id).update(source_system="erp")
    for operation in Operation.objects.filter(order=order_id).order_by("number"):
        do("operator", "operation.start", operation.pk, at=DAY)


def booked(operation: str = "PO-1.10") -> tuple[int, int, int]:
    """Good, scrap and rework of all reports; the operation's own sums are the same."""
    sums = Production.objects.filter(operation=operation).aggregate(Sum("good"), Sum("scrap"), Sum("rework"))
    made = tuple(int(sums[f"{kind}__sum"] or 0) for kind in ("good", "scrap", "rework"))
    own = Operation.objects.get(pk=operation)
    assert made == (own.good, own.scrap, own.rework)
    return made  # type: ignore[return-value]


def confirmed() -> tuple[int, int]:
    """What the ERP is told in all: yield, and goods received less those taken back."""
    rows = ErpConfirmation.objects.all()
    moved = {m: rows.filter(movement=m).aggregate(s=Sum("quantity"))["s"] or 0 for m in ("101", "102")}
    return int(rows.aggregate(s=Sum("good"))["s"] or 0), int(moved["101"] - moved["102"])


@both_databases
def test_counts_are_booked_once_with_where_they_are_from_and_the_erp_is_told(lake_says: Says) -> None:
    begun("PO-1", M1)
    lake_says(
        {(M1, "PO-1", 8): {"good": 5, "scrap": 1, "total": 6}, (M1, "", 7): {"good": 9}, (M1, "PO-9", 8): {"good": 3}, (M2, "PO-1", 8): {"good": 4}}
    )
    turn = CountTurn().turn
    assert turn(DAY + 4 * HOUR) == 1
    row = Production.objects.get()
    assert (row.counted_by, row.source_system, row.source_row, row.reported_by_id) == ("machine", "lake", f"{M1} 2026-03-03T08:00Z", "lake")
    assert (row.good, row.scrap, row.at_ts) == (5, 1, DAY.replace(hour=8, minute=59))
    assert (booked(), confirmed()) == ((5, 1, 0), (5, 5))
    before = AuditEntry.objects.count()
    assert (turn(DAY + 4 * HOUR + MINUTE), CountTurn().turn(DAY + 5 * HOUR)) == (0, 0)
    assert AuditEntry.objects.count() == before


@both_databases
def test_a_restatement_down_is_a_reversal_and_up_a_report_of_the_difference(lake_says: Says) -> None:
    begun("PO-1", M1)
    turn = CountTurn().turn
    told = [(10, 2), (14, 2), (9, 2), (9, 0), (9, 4)]
    for number, (good, scrap) in enumerate(told):
        lake_says({(M1, "PO-1", 8): {"good": good, "scrap": scrap}, (M1, "PO-1", 9): {"good": 7, "scrap": 0}})
        assert turn(DAY + (5 + number) * HOUR) == 1
        assert booked() == (good + 7, scrap, 0)
        assert confirmed() == (good + 7, good + 7)
    rows = list(Production.objects.order_by("pk").values_list("good", "scrap", "reverses__good", "version"))
    assert [(int(good), int(scrap)) for good, scrap, _, _ in rows] == [
        (10, 2), (7, 0), (4, 0), (-4, 0), (-10, -2), (9, 2), (-9, -2), (9, 0), (0, 4),
    ]  # fmt: skip
    assert [reverses for *_, reverses, _ in rows if reverses] == [4, 10, 9]
    assert {version for *_, version in rows} == {1}
    assert ErpConfirmation.objects.filter(kind="operation", good__lt=0, reverses=None).count() == 0


@both_databases
def test_counts_that_turn_out_to_be_of_another_order_move_there(lake_says: Says) -> None:
    begun("PO-1", M1)
    do("operator", "operation.suspend", "PO-1.10", at=DAY + HOUR)
    begun("PO-2", M1)
    turn = CountTurn().turn
    lake_says({(M1, "PO-1", 8): {"good": 5}, (M1, "PO-2", 9): {"good": 2}})
    turn(DAY + 4 * HOUR)
    lake_says({(M1, "PO-2", 8): {"good": 5}, (M1, "PO-2", 9): {"good": 2}})
    turn(DAY + 5 * HOUR)
    assert (booked("PO-1.10"), booked("PO-2.10"), confirmed()) == ((0, 0, 0), (7, 0, 0), (7, 7))


@one_database
def test_the_hour_under_way_is_booked_every_ten_minutes_and_at_once_when_the_operation_rests(lake_says: Says) -> None:
    begun("PO-1", M1)
    turn, at_nine = CountTurn().turn, DAY.replace(hour=8)
    for minute, good, wanted in ((0, 1, 1), (5, 2, 1), (10, 3, 3), (12, 4, 3)):
        lake_says({(M1, "PO-1", 8): {"good": good}})
        turn(at_nine + minute * MINUTE)
        assert booked()[0] == wanted
    do("operator", "operation.complete", "PO-1.10", at=at_nine + 13 * MINUTE)
    turn(at_nine + 14 * MINUTE)
    assert booked()[0] == 4
    lake_says({(M1, "PO-1", 8): {"good": 6}})
    turn(at_nine + timedelta(days=20))
    assert booked()[0] == 6


class PowerCut(BaseException):
    """Nothing after it happens."""


@both_databases
def test_cut_off_in_the_middle_every_operation_is_booked_once(lake_says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    begun("PO-1", M1, M2, M3)
    lake_says({(machine, "PO-1", 8): {"good": 5, "scrap": 0} for machine in (M1, M2, M3)})
    append, left = chain.append, [2]

    def cut(entry: AuditEntry, head: AuditHead) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise PowerCut
        append(entry, head)

    monkeypatch.setattr(chain, "append", cut)
    with pytest.raises(PowerCut):
        CountTurn().turn(DAY + 4 * HOUR)
    assert Production.objects.count() == 1
    assert CountTurn().turn(DAY + 4 * HOUR) == 2
    assert [booked(f"PO-1.{number}") for number in (10, 20, 30)] == [(5, 0, 0)] * 3
    assert confirmed() == (15, 5)


@one_database
def test_an_operation_on_the_line_has_the_good_of_its_last_machine_and_the_scrap_of_all(lake_says: Says) -> None:
    begun("PO-1")
    last = Operation.objects.get(pk="PO-1.10").equipment.children.order_by("position").last()
    assert last is not None
    lake_says({(M1, "PO-1", 8): {"good": 9, "scrap": 1}, (M2, "PO-1", 8): {"good": 8, "scrap": 1}, (last.pk, "PO-1", 8): {"good": 6, "scrap": 2}})
    CountTurn().turn(DAY + 4 * HOUR)
    assert booked() == (6, 4, 0)


@one_database
def test_people_report_what_the_machine_does_not_see_and_reverse_only_their_own(lake_says: Says) -> None:
    begun("PO-1", M1)
    lake_says({(M1, "PO-1", 8): {"good": 5}})
    CountTurn().turn(DAY + 4 * HOUR)
    with pytest.raises(Exception, match="order PO-1 is counted by its machine: report the scrap and rework it does not see"):
        do("operator", "operation.report", "PO-1.10", good=1)
    do("operator", "operation.report", "PO-1.10", scrap=1, cause_id="leak")
    with pytest.raises(Exception, match="is what lake told of L1-M1 2026-03-03T08:00Z; it is put right there"):
        do("operator", "production.reverse", str(Production.objects.order_by("pk").values_list("pk", flat=True)[0]), reason="x")
    do("planner", "order.edit", "PO-1", counted_by="operator")
    do("operator", "operation.report", "PO-1.10", good=1)
    assert booked() == (6, 1, 0)


@one_database
def test_what_nobody_may_report_on_now_waits_and_comes_later(lake_says: Says) -> None:
    begun("PO-1", M1)
    for counted_by in ("operator", "both"):
        begun(f"PO-{counted_by}", M2 if counted_by == "both" else M3, counted_by=counted_by)
    lake_says({(machine, one, 8): {"good": 5} for machine, one in ((M1, "PO-1"), (M2, "PO-both"), (M3, "PO-operator"))})
    do("planner", "order.hold", "PO-1", reason="wrong steel")
    turn = CountTurn().turn
    assert turn(DAY + 4 * HOUR) == 0
    do("planner", "order.resume", "PO-1")
    held = do("quality", "hold.create", operation_id="PO-1.10", reason="cracks", at=DAY)
    assert turn(DAY + 4 * HOUR) == 0
    do("quality", "hold.release", str(held["id"]), reason="none found", approval="a" * 32)
    assert turn(DAY + 4 * HOUR) == 1
    assert set(Production.objects.values_list("operation_id", flat=True)) == {"PO-1.10"}
    for operation, message in (("PO-both.10", "is counted by both"), ("PO-operator.10", "is counted by operator")):
        with pytest.raises(Exception, match=message):
            do("planner", "operation.take_counts", operation)


@both_databases
def test_from_the_lakes_steps_to_the_reports(record: str, tmp_path: Path) -> None:
    """The whole way, with the sync: two steps of one counter, then one of them turns out to be another order's."""
    lake = Lake(tmp_path / "lake")
    lake.ensure(COUNTS)
    sync = Sync(lake, record, ManualClock(DAY))
    begun("PO-1", M1)

    def steps(*told: tuple[str, int, int]) -> list[dict[str, object]]:
        hour = DAY.replace(hour=8)
        common = {"machine": M1, "signal": "good_count", "counts": "good", "hour_ts": hour, "day": hour.date(), "from_ts": hour, "event": "step"}
        return [make_row(COUNTS, **common, order_id=one, parts=parts, to_ts=hour + minute * MINUTE, seq=minute) for one, parts, minute in told]

    turn = CountTurn().turn
    for number, (told, wanted) in enumerate(
        (([("PO-1", 3, 1), ("PO-1", 4, 2)], (7, 0, 0)), ([("PO-1", 3, 1), ("PO-2", 4, 2)], (3, 0, 0))),
    ):
        put(lake, COUNTS, steps(*told), "machine is not null")
        sync.step()
        turn(DAY + (4 + number) * HOUR)
        assert booked() == wanted
    sync.close()


def hours(*parts: dict[str, int]) -> list[HourCount]:
    start = datetime(2026, 3, 2, 8)
    return [HourCount(M1, start + n * HOUR, start + n * HOUR, **one) for n, one in enumerate(parts)]


@pytest.mark.parametrize(
    ("counters", "parts", "resting", "wanted"),
    [
        ("total good scrap rework", [{"total": 10, "good": 7, "scrap": 2, "rework": 1}], False, [(7, 2, 1)]),
        ("total scrap", [{"total": 10}, {"scrap": 1}], False, [(9, 0, 0), (0, 1, 0)]),
        ("total good", [{"total": 10, "good": 9}], False, [(9, 0, 0)]),
        ("total good", [{"total": 10, "good": 9}, {"total": 5, "good": 5}], True, [(9, 1, 0), (5, 0, 0)]),
        ("total good", [{"total": 10, "good": 9}, {"good": 1}], True, [(9, 0, 0), (1, 0, 0)]),
        ("total good", [{"total": 4}], True, [(0, 4, 0)]),
        ("total", [{"total": 4}], True, [(4, 0, 0)]),
        ("good", [{"good": 4}], True, [(4, 0, 0)]),
        ("scrap", [{"scrap": 4}], True, [(0, 4, 0)]),
    ],
)  # fmt: skip
def test_good_and_scrap_are_what_the_counters_tell(
    counters: str, parts: list[dict[str, int]], resting: bool, wanted: list[tuple[int, int, int]]
) -> None:
    found = amounts(hours(*parts), frozenset(counters.split()), is_resting=resting)
    assert [(int(one.good), int(one.scrap), int(one.rework)) for one in found] == wanted


@given(st.lists(st.fixed_dictionaries({"total": st.integers(0, 9), "good": st.integers(0, 9)}), max_size=6))
def test_what_is_left_over_is_scrap_in_the_sum_and_never_below_0_in_an_hour(parts: list[dict[str, int]]) -> None:
    found = amounts(hours(*parts), frozenset({"total", "good"}), is_resting=True)
    assert all(one.scrap >= 0 for one in found)
    assert sum((one.scrap for one in found), Decimal(0)) == max(sum(one["total"] - one["good"] for one in parts), 0)


@one_database
def test_without_anything_from_the_lake_nothing_is_booked() -> None:
    begun("PO-1", M1)
    assert CountTurn().turn(DAY) == 0
    assert do("planner", "operation.take_counts", "PO-1.10")["good"] == "0"


@both_databases
def test_what_people_have_counted_is_reversed_before_the_machine_counts_it(lake_says: Says) -> None:
    begun("PO-1", M1, counted_by="operator")
    report = do("operator", "operation.report", "PO-1.10", good=40)
    lake_says({(M1, "PO-1", 8): {"good": 40}})
    with pytest.raises(Exception, match="people have reported good parts of order PO-1; reverse these before its machine counts it"):
        do("planner", "order.edit", "PO-1", counted_by="machine")
    do("planner", "order.edit", "PO-1", counted_by="both")
    do("operator", "production.reverse", str(report["id"]), reason="the machine counts")
    do("operator", "operation.report", "PO-1.10", scrap=1, cause_id="leak")
    do("planner", "order.edit", "PO-1", counted_by="machine")
    CountTurn().turn(DAY + 4 * HOUR)
    assert booked() == (40, 1, 0)


@both_databases
def test_what_is_counted_after_the_rest_has_moved_is_taken_off_the_rest(lake_says: Says) -> None:
    begun("PO-1", M1)
    lake_says({(M1, "PO-1", 8): {"good": 30}})
    turn = CountTurn().turn
    turn(DAY + 2 * HOUR)
    do("operator", "operation.suspend", "PO-1.10", at=DAY + 2 * HOUR)
    do("planner", "operation.move_rest", "PO-1.10", equipment_id=M3, reason="worn", at=DAY + 2 * HOUR + MINUTE)
    assert parts_of() == [30, 70]
    lake_says({(M1, "PO-1", 8): {"good": 40}})
    turn(DAY + 3 * HOUR)
    assert (booked(), parts_of()) == ((40, 0, 0), [40, 60])


def parts_of(order_id: str = "PO-1") -> list[int]:
    """What each part of the order's step is to make."""
    return [int(part.planned_quantity) for part in Operation.objects.filter(order=order_id).order_by("part")]


@one_database
def test_an_hour_of_a_line_with_two_steps_on_it_is_booked_once(lake_says: Says) -> None:
    begun("PO-1", "L1", "L1")
    last = Operation.objects.get(pk="PO-1.10").equipment.children.order_by("position").last()
    assert last is not None
    lake_says({(M1, "PO-1", 8): {"good": 9, "scrap": 3}, (last.pk, "PO-1", 8): {"good": 6, "scrap": 1}})
    CountTurn().turn(DAY + 4 * HOUR)
    assert [booked("PO-1.10"), booked("PO-1.20")] == [(0, 0, 0), (6, 4, 0)]


@one_database
def test_what_a_line_counted_stays_with_it_when_the_rest_goes_on_at_its_last_machine(lake_says: Says) -> None:
    begun("PO-1", "L1")
    last = Operation.objects.get(pk="PO-1.10").equipment.children.order_by("position").last()
    assert last is not None
    counts = {(M1, "PO-1", 8): {"good": 31, "scrap": 1}, (last.pk, "PO-1", 8): {"good": 30, "scrap": 0}}
    lake_says(counts)
    turn = CountTurn().turn
    turn(DAY + 2 * HOUR)
    do("operator", "operation.suspend", "PO-1.10", at=DAY + 2 * HOUR)
    rest = do("planner", "operation.move_rest", "PO-1.10", equipment_id=last.pk, reason="worn", at=DAY + 2 * HOUR + MINUTE)["operation_id"]
    do("operator", "operation.start", rest, at=DAY + 2 * HOUR + 2 * MINUTE)
    lake_says({**counts, (last.pk, "PO-1", 9): {"good": 5, "scrap": 2}})
    turn(DAY + 4 * HOUR)
    assert [booked("PO-1.10"), booked(rest)] == [(30, 1, 0), (5, 2, 0)]


@one_database
def test_a_turn_ends_in_time_and_the_next_one_goes_on_where_it_ended(lake_says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    begun("PO-1", M1, M2, M3)
    lake_says({(machine, "PO-1", 8): {"good": 5, "scrap": 0} for machine in (M1, M2, M3)})
    monkeypatch.setattr(count_turn, "TURN_S", 0.0)
    turn = CountTurn().turn
    assert [turn(DAY + 4 * HOUR) for _ in range(3)] == [1, 1, 1]
    assert [booked(f"PO-1.{number}") for number in (10, 20, 30)] == [(5, 0, 0)] * 3
    lake_says({(machine, "PO-1", 8): {"good": 6, "scrap": 0} for machine in (M1, M2, M3)})
    assert [turn(DAY + 4 * HOUR) for _ in range(3)] == [1, 1, 1]


@one_database
def test_the_counters_of_a_machine_are_read_once_a_turn(lake_says: Says) -> None:
    for number in range(3):
        begun(f"PO-{number}", M1)
        do("operator", "operation.suspend", f"PO-{number}.10", at=DAY)
    lake_says({(M1, f"PO-{number}", 8): {"good": 5} for number in range(3)})
    turn = CountTurn().turn
    assert turn(DAY + 4 * HOUR) == 3
    with CaptureQueriesContext(connection) as asked:
        assert turn(DAY + 5 * HOUR) == 0
    assert len([one for one in asked if "IS NOT NULL LIMIT 1" in one["sql"]]) == 4  # one a kind
