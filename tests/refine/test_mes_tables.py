"""FactoMES's changes become its tables: the newest change of a row counts, whatever came late, twice, out of order or from a restored backup."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from mes_story import T0, Bench, Row, event, order, told
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from factolake.contracts import TABLES, gold, ops, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.silver_mes import MES_CHANGES, MES_TABLES
from factolake.contracts.table import Column, Type
from factolake.kpi.downtime_pareto import DOWNTIME_PARETO
from factolake.lake.engine import Engine
from factolake.lake.positions import refine_position
from factolake.lake.tables import Handle
from factolake.refine.mes_rows import form
from factolake.refine.mes_tables import MES_ROWS
from factolake.refine.refinement import Inputs, Refinement
from factolake.refine.result import RunResult

ORDERS = TABLES["silver.orders"]
CONSUMPTION = TABLES["silver.consumption"]
(REFINE_ORDERS,) = (one for one in MES_ROWS if one.output is ORDERS)


@pytest.fixture
def bench(running_engine: Engine, tmp_path: Path) -> Bench:
    return Bench(running_engine, tmp_path)


@pytest.fixture
def quick(sail: Engine, tmp_path: Path) -> Iterator[Bench]:
    """On the default engine alone: what the runner does, not what the transform computes."""
    return Bench(sail, tmp_path)


def states(bench: Bench) -> dict[object, object]:
    return {row["order_id"]: row["state"] for row in bench.rows(ORDERS)}


def test_a_row_is_as_its_newest_change_says_with_types_names_and_who_changed_it(bench: Bench) -> None:
    due = "2026-04-03T05:06:07.000008Z"
    bench.land(
        event(1, "order", "PO-1", told(order("PO-1"), "order.create", "erp")),
        event(2, "order", "PO-1", told(order("PO-1", version=2, state="released", quantity="100.25", due_ts=due, priority=-3), "order.release")),
        event(3, "order", "Bö\"'\\;\n-😀", told(order("Bö\"'\\;\n-😀", customer="naïve 😀 </script> \u0001", source_system="sap"))),
        event(4, "person", "somebody", told({"person_id": "somebody"})),
        event(5, "order", "PO-9", told(order("PO-9")), source_id="another"),
    )
    assert bench.refine() == {"mes_changes": 4, "orders": 2}
    strange, first = bench.rows(ORDERS)
    assert (strange["order_id"], strange["customer"], strange["source_system"]) == ("Bö\"'\\;\n-😀", "naïve 😀 </script> \u0001", "sap")
    assert first == {
        "order_id": "PO-1", "material_id": "G-100", "quantity": Decimal("100.2500"), "due_ts": datetime(2026, 4, 3, 5, 6, 7, 8, tzinfo=UTC),
        "priority": -3, "line": "L1", "state": "released", "counted_by": "both", "customer": None, "sales_order": None, "source_system": None,
        "version": 2, "changed_ts": T0 + timedelta(minutes=2), "changed_by": "planner", "last_action": "order.release",
        "created_ts": T0 + timedelta(minutes=1), "removed_ts": None, "source_id": "factomes", "epoch": 1, "seq": 2, "idx": 0,
        "created_month": date(2026, 3, 1),
    }  # fmt: skip
    bench.restart()
    assert bench.refine() == {}


def test_a_row_taken_away_stays_with_the_time_and_comes_back_when_it_is_made_again(bench: Bench) -> None:
    gone = told(None, "order.remove", "admin", was=order("PO-1", version=1, state="cancelled"))
    bench.land(event(1, "order", "PO-1", told(order("PO-1"))), event(2, "order", "PO-1", gone))
    bench.refine()
    (row,) = bench.rows(ORDERS)
    assert (row["removed_ts"], row["state"], row["changed_by"]) == (T0 + timedelta(minutes=2), "cancelled", "admin")
    bench.land(event(3, "order", "PO-1", told(order("PO-1", state="released"))))
    bench.refine()
    (row,) = bench.rows(ORDERS)
    assert (row["removed_ts"], row["state"], row["created_ts"]) == (None, "released", T0 + timedelta(minutes=1))


BAD = {
    "not json": ("undecodable", "payload is no change"),
    '{"action": "a", "actor": "b", "row": [1]}': ("undecodable", "payload is no change"),
    '{"action": "a", "actor": "b", "row": null}': ("undecodable", "payload is no change"),
    '{"row": {"order_id": "PO-1"}}': ("undecodable", "payload is no change"),
}
WRONG = {
    "quantity": ("1.23456", "quantity is 1.23456, expected decimal(15,4)"),
    "priority": (None, "priority is not told, expected int32"),
    "due_ts": ("2026-02-31T00:00:00Z", "due_ts is 2026-02-31T00:00:00Z, expected timestamp"),
    "state": ("lost", "state is lost, expected one of planned, released"),
    "line_id": (None, "line_id is not told, expected string"),
    "order_id": ("PO-2", "order_id is PO-2, expected the key that the event names"),
    "version": (0, "version is 0, expected int32 of at least 1"),
}


def test_what_cannot_be_read_or_breaks_the_contract_is_refused_in_words_and_the_row_stays_as_it_was(bench: Bench) -> None:
    bench.land(event(1, "order", "PO-1", told(order("PO-1"))))
    broken = [event(10 + place, "order", "PO-1", told({**order("PO-1"), name: value})) for place, (name, (value, _)) in enumerate(WRONG.items())]
    unread = [event(30 + place, "order", "PO-1", payload) for place, payload in enumerate(BAD)]
    bench.land(*broken, *unread)
    assert bench.refine() == {"mes_changes": 1 + len(WRONG), "orders": 1, "mes_quarantine": len(WRONG) + len(BAD)}
    refused = {row["seq"]: (row["rule"], row["detail"]) for row in bench.rows(ops.MES_QUARANTINE)}
    for place, (_, words) in enumerate(WRONG.values()):
        assert refused[10 + place][0] == "wrong_row" and str(refused[10 + place][1]).startswith(f"order PO-1: {words}")
    for place, (rule, words) in enumerate(BAD.values()):
        assert refused[30 + place][0] == rule and str(refused[30 + place][1]).startswith(f"order PO-1: {words}")
    assert [row["seq"] for row in bench.rows(ORDERS)] == [1]


def test_a_restored_backup_hides_no_row_and_its_numbers_are_those_that_count(quick: Bench) -> None:
    consumed = {"operation_id": "PO-1.10", "into_lot_id": None, "at_ts": "2026-03-31T23:00:00Z", "reported_by_id": "operator", "reverses_id": None}
    used = lambda lot: told({"id": 7, "lot_id": lot, "quantity": "1", "version": 1, **consumed}, "operation.consume")  # noqa: E731
    lost = [event(seq, "order", "PO-1", told(order("PO-1", version=seq, state=state))) for seq, state in ((5, "planned"), (9, "completed"))]
    quick.land(*lost, event(8, "consumption", 7, used("LOT-LOST")), event(6, "order", "PO-2", told(order("PO-2"))))
    quick.refine()
    quick.land(
        event(6, "order", "PO-1", told(order("PO-1", version=6, state="cancelled")), epoch=2),
        event(7, "consumption", 7, used("LOT-KEPT"), epoch=2),
        event(8, "order", "PO-3", told(order("PO-3")), epoch=2),
        event(10, "order", "PO-1", told(order("PO-1", version=10, state="closed"))),
    )
    quick.refine()
    assert states(quick) == {"PO-1": "cancelled", "PO-2": "planned", "PO-3": "planned"}
    assert [row["lot_id"] for row in quick.rows(CONSUMPTION)] == ["LOT-KEPT"]


def history(chance: random.Random) -> list[Row]:
    """Changes of a few orders over two histories of the outbox; an order may go and come back."""
    events = []
    for epoch in (1, 2):
        for seq in range(1, 26):
            key = f"PO-{chance.randrange(5)}"
            row = order(key, version=seq, state=chance.choice(["planned", "released", "running", "closed"]), quantity=str(chance.randrange(1, 99)))
            payload = told(None, was=row) if chance.random() < 0.15 else told(row, actor=chance.choice(["ann", "bo"]))
            events.append(event(seq, "order", key, payload, epoch=epoch, minutes=chance.randrange(1, 90_000)))
    return events


def in_words(events: list[Row]) -> dict[object, tuple[object, ...]]:
    """The last event of each order by (epoch, seq), and when its first one happened: the same fold, written down independently."""
    found: dict[object, tuple[object, ...]] = {}
    for one in sorted(events, key=lambda e: (e["epoch"], e["seq"])):
        since = min(e["source_ts"] for e in events if e["subject"] == one["subject"])  # type: ignore[type-var]
        found[one["subject"]] = (one["epoch"], one["seq"], '"row": null' in str(one["payload"]), since)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_repetition_of_the_events_gives_the_same_table(quick: Bench, seed: int) -> None:
    chance = random.Random(seed)
    events = history(chance)
    arriving = events + chance.choices(events, k=20)
    chance.shuffle(arriving)
    cuts = sorted(chance.sample(range(len(arriving)), 4))
    for start, end in zip([0, *cuts], [*cuts, len(arriving)], strict=True):
        quick.land(*arriving[start:end])
        if chance.random() < 0.7:
            quick.refine(["orders"])
        if chance.random() < 0.3:
            quick.restart()
    quick.refine(["orders"])
    found = {row["order_id"]: (row["epoch"], row["seq"], row["removed_ts"] is not None, row["created_ts"]) for row in quick.rows(ORDERS)}
    assert found == in_words(events)
    assert len(quick.rows(MES_CHANGES)) == len(events)


def test_a_change_rewrites_its_own_row_alone_and_a_repeated_one_nothing(quick: Bench) -> None:
    quick.land(*(event(seq, "order", f"PO-{seq}", told(order(f"PO-{seq}"))) for seq in range(1, 9)))
    quick.refine()
    before = quick.lake.open(ORDERS).version
    quick.land(event(9, "order", "PO-3", told(order("PO-3", version=2, state="released"))), event(1, "order", "PO-1", told(order("PO-1"))))
    assert quick.refine() == {"mes_changes": 1, "orders": 1}
    feed = quick.lake.open(ORDERS).changes(before + 1, quick.lake.open(ORDERS).version, ["order_id", "state"])
    assert {(row["_change_type"], row["order_id"], row["state"]) for row in feed.to_pylist()} == {
        ("delete", "PO-3", "planned"),
        ("insert", "PO-3", "released"),
    }


def test_a_pass_without_a_change_of_factomes_commits_nothing(quick: Bench) -> None:
    quick.land(event(1, "order", "PO-1", told(order("PO-1"))))
    quick.refine()
    versions = {one.name: quick.lake.open(one.output).version for one in MES_ROWS}
    quick.land(event(1, "order", "PO-1", "{}", source_id="line1-opcua", kind="session"))
    assert quick.refine() == {}
    assert {one.name: quick.lake.open(one.output).version for one in MES_ROWS} == versions


def test_a_kill_between_two_groups_of_rows_repeats_and_loses_nothing(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    small, keys = replace(REFINE_ORDERS, group_size=100), [f"PO-{seq:03}" for seq in range(1, 281)]
    quick.land(*(event(seq, "order", key, told(order(key))) for seq, key in enumerate(keys[:250], 1)))
    quick.refine(["lots"])
    assert quick.runner.run(small).rows_written == 250
    quick.land(*(event(300 + seq, "order", key, told(order(key, version=2, state="released"))) for seq, key in enumerate(keys)))
    quick.refine(["lots"])
    commit, done = Handle.replace, list[int]()

    def die_at_the_second(handle: Handle, data: pa.Table, *more: object, **named: object) -> int:
        if done:
            raise KeyboardInterrupt
        done.append(data.num_rows)
        return commit(handle, data, *more, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Handle, "replace", die_at_the_second)
        quick.runner.run(small)
    assert (done, sorted(states(quick).values()).count("released")) == ([100], 100)
    quick.restart()
    assert quick.runner.run(small).rows_written == 180
    assert states(quick) == dict.fromkeys(keys, "released")
    assert not quick.runner.run(small).changed


def test_a_new_transform_makes_every_row_anew(quick: Bench) -> None:
    quick.land(*(event(seq, "order", f"PO-{seq}", told(order(f"PO-{seq}", quantity=str(seq)))) for seq in range(1, 4)))
    quick.refine()
    changed = replace(REFINE_ORDERS, version=2, transform=_shouting(REFINE_ORDERS))
    quick.restart()
    assert quick.runner.run(changed).rows_written == 3
    assert {row["changed_by"] for row in quick.rows(ORDERS)} == {"PLANNER"}
    assert not quick.runner.run(changed).changed


def _shouting(refinement: Refinement) -> Callable[[Inputs], DataFrame]:
    return lambda inputs: refinement.transform(inputs).withColumn("changed_by", F.upper("changed_by"))


def test_every_table_is_one_that_can_be_judged_and_names_its_key_first() -> None:
    for mes in MES_TABLES:
        assert mes.table.key == mes.table.slice_by == (mes.columns[0].name,)
        assert set(mes.sources) <= {column.name for column in mes.columns}
        assert all(form(column) is not None for column in mes.columns if column.type is not Type.STRING or column.values)
    with pytest.raises(ValueError, match="have no form"):
        form(Column("share", Type.FLOAT64, "A share.", high=1.0))


def test_the_pareto_follows_what_people_say_and_what_they_call_it(quick: Bench) -> None:
    def pareto() -> list[tuple[object, ...]]:
        rows = quick.rows(gold.DOWNTIME_PARETO)
        return [(row["machine"], row["reason_id"], row["reason_path"], row["duration_us"]) for row in rows]

    def runs() -> RunResult:
        quick.refine(["stops", "reasons"])
        return quick.runner.run(DOWNTIME_PARETO)

    begin = datetime(2026, 4, 1, 9, tzinfo=UTC)
    stop = {"machine": "L1-M1", "line": "L1", "from_ts": begin, "to_ts": begin + timedelta(minutes=10), "state": "fault", "duration_us": 600_000_000}
    stop |= {"is_open": False, "asks_reason": True, "reason": "unclassified", "from_day": begin.date(), "as_of": begin}
    quick.lake.ensure(silver.DOWNTIME)
    quick.lake.open(silver.DOWNTIME).append(pa.Table.from_pylist([stop], arrow_schema(silver.DOWNTIME)), {})
    assert runs().rows_written == 1
    assert pareto() == [("L1-M1", "unclassified", None, 600_000_000)]
    reason = {
        "reason_id": "tool",
        "kind": "downtime",
        "name": "Tool",
        "parent_id": "",
        "scope": "",
        "planned": False,
        "is_active": True,
        "version": 1,
    }
    said = {"stop_id": "s", "equipment_id": "L1-M1", "from_ts": "2026-04-01T09:00:00Z", "to_ts": "2026-04-01T09:10:00Z", "is_open": False}
    said |= {"machine_state": "fault", "state_raw": "", "causing_machine": "", "asks_reason": True, "reason_id": "tool", "comment": "", "version": 2}
    said |= {"classified_by_id": "ann", "classified_ts": None, "state": "current", "merged_into_id": None, "is_edited": False}
    said |= {"lake_from_ts": "2026-04-01T09:00:00Z"}
    quick.land(event(1, "reason", "tool", told(reason)), event(2, "stop", "s", told(said, "stop.classify", "ann")))
    assert runs().changed_slices == 1
    assert pareto() == [("L1-M1", "tool", "Tool", 600_000_000)]
    quick.land(event(3, "reason", "tool", told({**reason, "name": "Broken tool", "version": 2})))
    assert runs().changed_slices == 1
    assert pareto() == [("L1-M1", "tool", "Broken tool", 600_000_000)]
    quick.lake.open(TABLES["silver.reasons"]).commit_positions({"somebody": 1})
    assert (runs().slices, quick.runner.run(DOWNTIME_PARETO).slices) == (0, 0)


def test_a_place_only_remembered_is_committed_in_time_also_when_nothing_comes_any_more(quick: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else upkeep keeps what lies behind it, and sounds an alarm for a table that is up to date."""

    def is_committed() -> bool:
        changes = quick.lake.open(MES_CHANGES)
        place = refine_position("orders", MES_CHANGES.name, changes.history)
        return quick.lake.open(ORDERS).position(place) == changes.version

    quick.land(event(1, "order", "PO-1", told(order("PO-1"))))
    quick.refine(["orders"])
    quick.land(event(2, "grant", "1", told({"id": 1})))
    quick.refine(["orders"])
    assert not is_committed()
    monkeypatch.setattr("factolake.refine.runner.LAZY_S", 0.0)
    quick.refine(["orders"])
    assert is_committed()
