"""What FactoMES changes reaches bronze.events: every change once under its own key, in the order of the commits, also when the sync dies between."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from record_plant import LINE, do, order

from factolake.bus.spool_bus import Spool
from factolake.config import load_plant
from factolake.config.settings import LandingSettings
from factolake.contracts.bronze import EVENTS
from factolake.domain.clock import ManualClock
from factolake.errors import SourceUnavailable, SpoolFull
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.mes.core.models import OutboxEvent, OutboxHistory
from factolake.mes.equipment.models import Equipment, Reason
from factolake.mes.equipment.seed import seed
from factolake.mes.sync.outbox import Outbox
from factolake.mes.sync.run import Sync
from factolake.mes.sync.schema import connect

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool.sqlite", 1 << 26, ManualClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def outbox(record: str) -> Iterator[Outbox]:
    engine = connect(record)
    yield Outbox(engine)
    engine.dispose()


def landed(spool: Spool, tmp_path: Path) -> list[dict[str, object]]:
    lake = Lake(tmp_path / "lake")
    tables = BronzeTables(lake, tmp_path / "run", 50)
    landing = Landing(spool, tables, LandingSettings(), ManualClock(NOW))
    landing.start()
    while landing.step().records:
        pass
    tables.close()
    rows: list[dict[str, object]] = lake.open(EVENTS).read().sort_by([("log_offset", "ascending")]).to_pylist()
    return rows


def test_every_change_reaches_bronze_once_and_in_order(outbox: Outbox, spool: Spool, tmp_path: Path) -> None:
    operation = order(quantity=10)
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=10, lot_id="LOT-1")
    assert outbox.drain(spool, NOW) == OutboxEvent.objects.count() > 8
    assert outbox.drain(spool, NOW) == 0
    rows = landed(spool, tmp_path)
    expected = list(OutboxEvent.objects.order_by("id").values_list("id", "kind", "object_id", "at_ts"))
    assert [(row["seq"], row["kind"], row["subject"], row["source_ts"]) for row in rows] == expected
    assert {(row["source_id"], row["epoch"]) for row in rows} == {("factomes", OutboxHistory.objects.get().epoch)}
    first = json.loads(str(next(row for row in rows if row["kind"] == "mes.operation")["payload"]))
    assert first["row"]["good"] == "0"
    last = json.loads(str([row for row in rows if row["kind"] == "mes.operation"][-1]["payload"]))
    assert (last["action"], last["actor"], last["row"]["good"]) == ("operation.report", "operator", "10")


def test_a_sync_that_dies_after_the_spool_sends_the_same_keys_again(
    outbox: Outbox, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: str) -> None:
        raise Killed

    order()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("factolake.mes.sync.outbox.crash_point", die)
        outbox.drain(spool, NOW)
    assert OutboxEvent.objects.exclude(sent_ts=None).count() == 0
    do("planner", "order.cancel", "PO-1", reason="no")
    outbox.drain(spool, NOW)
    rows = landed(spool, tmp_path)
    told = {(row["epoch"], row["seq"], row["payload"]) for row in rows}
    assert len(rows) > len(told) == OutboxEvent.objects.count()


def test_a_full_spool_keeps_everything_waiting(record: str, tmp_path: Path) -> None:
    full = Spool(tmp_path / "full.sqlite", 1, ManualClock(NOW))
    order()
    engine = connect(record)
    with pytest.raises(SpoolFull):
        Outbox(engine).drain(full, NOW)
    engine.dispose()
    sync = Sync(Lake(tmp_path / "lake"), record, ManualClock(NOW), full)
    assert sync.step().sent == 0
    sync.close()
    full.close()
    assert OutboxEvent.objects.exclude(sent_ts=None).count() == 0


def test_what_is_more_than_the_spool_ever_holds_goes_in_smaller_portions(record: str, tmp_path: Path) -> None:
    order()
    total, engine = OutboxEvent.objects.count(), connect(record)
    small = Spool(tmp_path / "small.sqlite", sum(map(len, OutboxEvent.objects.values_list("payload", flat=True))) // 2, ManualClock(NOW))
    for _ in range(total):
        if not Outbox(engine).drain(small, NOW):
            break
        small.release(small.last_offset())  # it has been landed
    engine.dispose()
    assert (OutboxEvent.objects.filter(sent_ts=None).count(), small.last_offset()) == (0, total)
    small.close()


def test_a_database_without_factomes_has_nothing_to_send(tmp_path: Path, spool: Spool) -> None:
    sync = Sync(Lake(tmp_path / "lake"), f"sqlite:///{tmp_path / 'other.sqlite'}", ManualClock(NOW + timedelta(hours=1)), spool)
    assert sync.step().sent == 0
    sync.close()


def test_a_database_that_another_writer_holds_is_waited_for(tmp_path: Path, spool: Spool) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'held.sqlite'}")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=50"))
    with contextlib.closing(sqlite3.connect(tmp_path / "held.sqlite", isolation_level=None)) as migration:
        migration.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceUnavailable, match="is locked"):
            Outbox(engine).drain(spool, NOW)
    engine.dispose()


def test_more_than_one_portion_is_sent_portion_by_portion(outbox: Outbox, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.drain(spool, NOW)
    monkeypatch.setattr("factolake.mes.sync.outbox.AT_ONCE", 3)
    do("planner", "material.create", material_id="G-100")
    for number in range(4):
        do("planner", "lot.create", lot_id=f"S-{number}", material_id="G-100", quantity=1, equipment_id=LINE)
    assert [outbox.drain(spool, NOW) for _ in range(3)] == [3, 2, 0]


def test_what_no_action_made_is_told_once_too(record: str) -> None:
    told = OutboxEvent.objects.filter(kind__in=("mes.equipment", "mes.reason"))
    assert {event.object_id for event in told} == {*Equipment.objects.values_list("pk", flat=True), *Reason.objects.values_list("pk", flat=True)}
    before = told.count()
    seed(load_plant(PLANT), NOW)
    assert told.count() == before
    told.all().delete()  # a record of a release that did not tell it
    seed(load_plant(PLANT), NOW)
    assert told.count() == before


def test_a_row_that_was_taken_away_is_told_as_it_was(record: str) -> None:
    grant = do("admin", "grant.create", person_id="nobody", role="viewer", scope_id="")
    do("admin", "grant.revoke", str(grant["id"]))
    last = json.loads(OutboxEvent.objects.filter(kind="mes.grant").latest("id").payload)
    assert (last["row"], last["was"]["person_id"], last["was"]["role"]) == (None, "nobody", "viewer")
