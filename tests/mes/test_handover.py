"""Handover: reports beside machine counts, disagreements only where both count, counts only as far as the lake can tell, and where all is now."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from mes_rows import T0, hour_row, shift_row
from record_plant import LINE, M1, M2, Api, do, order, person

from factolake.domain.action import Role
from factolake.mes.production import answers
from factolake.mes.production.models import Lot, Order
from factolake.mes.sync.schema import VERSION, connect, prepare, table_of
from factolake.mes.sync.targets import FEEDS

both_databases = pytest.mark.usefixtures("record")
one_database = pytest.mark.usefixtures("sqlite_record")
SHIFT_FEED, HOUR_FEED = FEEDS[0], FEEDS[1]
END = T0 + timedelta(hours=8)
NOON = T0 + timedelta(hours=4)
Sync = Callable[..., None]


@pytest.fixture
def sync(request: pytest.FixtureRequest) -> Sync:
    """Brings rows of the lake to `lake_oee`, as the sync does."""
    url = request.getfixturevalue("record" if "record" in request.fixturenames else "sqlite_record")

    def bring(*rows: Mapping[str, Any]) -> None:
        engine = connect(url)
        with engine.begin() as connection:
            prepare(connection)
            for row in rows:
                feed = SHIFT_FEED if "production_day" in row else HOUR_FEED
                target = table_of(feed)
                values = {name: value for name, value in feed.project(dict(row)).items() if name in target.columns}
                connection.execute(sa.insert(target).values({**values, VERSION: 1}))
        engine.dispose()

    return bring


def work(order_id: str, machine: str, counted_by: str = "both", unit: str = "C62", **reported: Any) -> str:
    """An order whose only operation is on `machine` and has reported so much at noon."""
    material = f"G-{order_id}"
    do("planner", "material.create", material_id=material, base_unit=unit)
    do("engineer", "routing_step.create", material_id=material, number=10, equipment_id=machine)
    operation = order(order_id, material=material)
    do("operator", "operation.start", operation, at=NOON - timedelta(hours=1))
    if reported:
        cause = {"cause_id": "leak"} if reported.get("scrap") else {}
        do("operator", "operation.report", operation, at=NOON, **cause, **reported)
    Order.objects.filter(pk=order_id).update(counted_by=counted_by)  # its owner may have said so before anybody reported
    do("operator", "operation.suspend", operation, at=NOON)
    return operation


def handed_over(equipment: str = LINE, begin: datetime = T0, end: datetime = END) -> dict[str, Any]:
    answer = Api("operator").get(f"/equipment/{equipment}/handover?from_ts={begin:%Y-%m-%dT%H:%M:%SZ}&to_ts={end:%Y-%m-%dT%H:%M:%SZ}")
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    assert answers.Handover.model_validate(told).model_dump(mode="json") == told
    return told


def texts(told: dict[str, Any]) -> list[str]:
    return [one["text"] for one in told["disagreements"]]


@both_databases
def test_reports_and_counts_of_a_shift_are_compared(sync: Sync) -> None:
    operation = work("PO-1", M1, good=40, scrap=2)
    sync(shift_row(M1, gq=43, sq=1, pq=44), shift_row(M2, gq=9))
    told = handed_over()
    (one,) = told["operations"]
    assert (one["operation_id"], one["good"], one["scrap"], one["counted"]["good"], one["counted"]["scrap"]) == (operation, "40", "2", 43, 1)
    (machine,) = told["machines"]
    assert machine["difference"] == {"good": "-3", "scrap": "1", "rework": "0", "produced": "-2"}
    assert texts(told) == [
        f"good: 40 reported, 43 counted on {M1}",
        f"scrap: 2 reported, 1 counted on {M1}",
        f"produced: 42 reported, 44 counted on {M1}",
    ]
    assert told["disagreements"][0]["operation_ids"] == [operation]


@one_database
def test_equal_numbers_are_no_disagreement(sync: Sync) -> None:
    work("PO-1", M1, good=40, scrap=2)
    sync(shift_row(M1, gq=40, sq=2, pq=42))
    assert texts(handed_over()) == []


@one_database
@pytest.mark.parametrize(("counted_by", "disagree"), [("operator", 0), ("machine", 0), ("both", 2)])
def test_only_an_order_that_both_count_can_disagree(sync: Sync, counted_by: str, disagree: int) -> None:
    work("PO-1", M1, counted_by, good=40)
    sync(shift_row(M1, gq=41))
    told = handed_over()
    assert len(told["disagreements"]) == disagree
    assert told["machines"][0]["difference"]["good"] == "-1"


@one_database
def test_a_machine_with_two_orders_is_compared_as_a_whole(sync: Sync) -> None:
    operations = [work("PO-1", M1, good=30), work("PO-2", M1, good=10)]
    sync(shift_row(M1, gq=40))
    told = handed_over()
    assert [one["counted"]["good"] for one in told["operations"]] == [None, None]
    assert told["operations"][0]["counted"]["reason"] == f"2 operations were at work on {M1}, and it is counted by machine"
    assert (told["machines"][0]["operation_ids"], told["machines"][0]["difference"]["good"], texts(told)) == (operations, "0", [])


@both_databases
def test_a_part_of_a_shift_is_the_sum_of_its_hours(sync: Sync) -> None:
    work("PO-1", M1, good=12)
    counts = [hour_row(M1, hour, pq=3, gq=3) for hour in range(4)]
    counts[1]["quality_ratio_reason"] = "no_parts"
    sync(*counts, hour_row(M1, 4, pq=99, gq=99), shift_row(M1, gq=500))
    told = handed_over(end=NOON)
    assert texts(told)[0] == f"good: 0 reported, 12 counted on {M1}"  # it began in this time and reported at its end, which is the next
    told = handed_over(begin=T0 + timedelta(hours=1), end=NOON + timedelta(hours=1))
    assert told["machines"][0]["counted"]["good"] == 3 * 3 + 99


@one_database
@pytest.mark.parametrize(
    ("hours", "begin", "said"),
    [
        (range(3, 8), T0 + timedelta(hours=2), "the lake has counts of 5 of the 6 hours"),
        (range(8), T0 + timedelta(minutes=30), "the time is no shift of the lake and not made of whole hours; ask for a shift or for whole hours"),
    ],
)
def test_counts_that_do_not_cover_the_time_are_not_compared(sync: Sync, hours: range, begin: datetime, said: str) -> None:
    work("PO-1", M1, good=12)
    sync(*(hour_row(M1, hour, pq=3, gq=3) for hour in hours))
    told = handed_over(begin=begin)
    assert (told["machines"][0]["counted"]["reason"], told["machines"][0]["difference"]["good"]) == (said, None)
    assert texts(told) == [f"{M1} did not count: {said}"]


@one_database
@pytest.mark.parametrize(("produced", "difference"), [(44, "-2"), (0, None)])
def test_a_machine_that_cannot_tell_good_from_scrap_is_compared_in_all_or_not_at_all(sync: Sync, produced: int, difference: str | None) -> None:
    work("PO-1", M1, good=40, scrap=2)
    sync(shift_row(M1, gq=produced, quality_ratio_reason="no_counter"))
    assert handed_over()["machines"][0]["difference"] == {"good": None, "scrap": None, "rework": None, "produced": difference}


@both_databases
def test_before_the_first_sync_the_reports_stand_alone() -> None:
    work("PO-1", M1, "operator", good=40)
    work("PO-2", M2, good=1)
    told = handed_over()
    assert [one["good"] for one in told["operations"]] == ["40", "1"]
    assert texts(told) == [f"{M2} did not count: nothing has come from the lake yet: the table lake_oee is not there"]


@one_database
def test_kilograms_are_not_compared_with_parts(sync: Sync) -> None:
    work("PO-1", M1, unit="KGM", good=40)
    sync(shift_row(M1, gq=2))
    told = handed_over()
    assert told["machines"][0]["difference"]["good"] is None
    assert texts(told) == [f"{M1} did not count: the machine counts parts, and its orders are not in pieces"]


@both_databases
def test_a_reversed_report_is_not_handed_over(sync: Sync) -> None:
    operation = work("PO-1", M1, good=40)
    report = do("operator", "operation.report", operation, at=NOON, good=5)
    do("operator", "production.reverse", str(report["id"]), at=END, reason="twice")
    assert handed_over()["operations"][0]["good"] == "40"


@both_databases
def test_what_was_made_is_left_consumed_shipped_or_written_off() -> None:
    first = work("PO-1", M1, "operator", good=20, scrap=1, lot_id="LOT-1")
    do("operator", "operation.report", first, at=NOON, good=3, lot_id="LOT-2")
    second = work("PO-2", M1, "operator")
    do("operator", "operation.consume", second, at=NOON, lot_id="LOT-1", quantity=5)
    do("operator", "lot.ship", "LOT-1", quantity=8, customer="Acme")
    told = handed_over()
    balance = {row["order_id"]: row for row in told["balances"]}["PO-1"]
    wanted = {"good": "23", "scrap": "1", "in_lots": "23", "remaining": "10", "consumed": "5", "shipped": "8", "written_off": "0", "unexplained": "0"}
    assert {name: balance[name] for name in wanted} == wanted
    assert texts(told) == []
    Lot.objects.filter(pk="LOT-2").update(status="scrapped", remaining=0)
    assert {row["order_id"]: row["written_off"] for row in handed_over()["balances"]}["PO-1"] == "3"
    Lot.objects.filter(pk="LOT-1").update(remaining=9)
    assert texts(handed_over()) == ["PO-1: 2 of its lots is neither left, consumed nor shipped"]


@one_database
def test_a_machine_hands_over_its_own_and_a_stranger_sees_nothing() -> None:
    work("PO-1", M1, "operator", good=1)
    work("PO-2", M2, "operator", good=2)
    assert [one["order_id"] for one in handed_over(M2)["operations"]] == ["PO-2"]
    person("far", Role.OPERATOR, "acme/bremen/painting")
    assert Api("far").get(f"/equipment/{LINE}/handover?from_ts=2026-03-02T05:00:00Z&to_ts=2026-03-02T13:00:00Z").status_code == 404


@one_database
def test_a_time_that_is_none_is_refused() -> None:
    begin, end = "2026-03-02T05:00:00Z", "2026-03-02T13:00:00Z"
    for asked in (
        f"from_ts={begin}",
        f"from_ts={begin}&to_ts={end[:-1]}",
        f"from_ts={end}&to_ts={begin}",
        f"from_ts={begin}&to_ts=2026-05-02T00:00:00Z",
    ):
        assert Api("operator").get(f"/equipment/{LINE}/handover?from_ts={asked}").status_code == 422
    assert Api("operator").get(f"/equipment/{LINE}/handover?from_ts={begin}&to_ts={end}").status_code == 200
