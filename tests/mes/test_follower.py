"""Beside an incumbent MES: what that owns is mirrored and refused to people, in a sentence that names it; everything else works on."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from record_plant import LINE, M1, NOW, Api, do, person
from test_rights import addresses, rows  # noqa: F401 - a fixture

from factolake.config.parse import parse
from factolake.config.settings import Settings
from factolake.domain.action import ActorKind, Role
from factolake.errors import ConfigError
from factolake.mes.core.action import ACTIONS
from factolake.mes.core.api import path_of
from factolake.mes.core.refusals import OwnedElsewhere
from factolake.mes.exchange.models import ErpConfirmation, ErpImportRow, OperationClock
from factolake.mes.production.models import Operation, Order, Production

INCUMBENT = "legacy-mes"
both_databases = pytest.mark.usefixtures("record")
one_database = pytest.mark.usefixtures("sqlite_record")


@pytest.fixture
def follower() -> Iterator[None]:
    with override_settings(FACTOMES_INCUMBENT=INCUMBENT):
        yield


@pytest.fixture
def incumbent(request: pytest.FixtureRequest, follower: None) -> None:
    request.getfixturevalue("record" if "record" in request.fixturenames else "sqlite_record")
    person(INCUMBENT, Role.PLANNER, "", ActorKind.SERVICE)
    bring("materials", {"material_id": "G"})


def bring(kind: str, *told: dict[str, Any], actor: str = INCUMBENT, system: str = INCUMBENT) -> tuple[int, int, int, int]:
    done = do(actor, "erp_import.create", kind=kind, format="json", source_system=system, document=json.dumps(told, default=str))
    return tuple(done[name] for name in ("imported", "updated", "skipped", "errors"))  # type: ignore[return-value]


def an_order(order_id: str = "PO-1", **more: Any) -> dict[str, Any]:
    operations = [{"number": 10, "equipment_id": M1}, {"number": 20}]
    return {"order_id": order_id, "material_id": "G", "quantity": 10, "line_id": LINE, "operations": operations, **more}


def progress(number: int = 10, **more: Any) -> tuple[int, int, int, int]:
    return bring("progress", {"order_id": "PO-1", "number": number, **more})


def test_every_action_is_refused_exactly_where_the_incumbent_owns_the_noun(rows: None, record: str) -> None:  # noqa: F811
    refused, tried = set(), set()
    with override_settings(FACTOMES_INCUMBENT=INCUMBENT):
        for name, address, role, body in posts():
            with transaction.atomic():
                answer = Api(role.value).post(address, body)
                transaction.set_rollback(True)
            tried.add(name)
            if answer.status_code == 409 and answer.json()["title"] == "OwnedElsewhere":
                assert INCUMBENT in answer.json()["detail"]
                refused.add(name)
    assert tried == set(ACTIONS)
    owned = {name for name in ACTIONS if name.partition(".")[0] in {"order", "operation", "production"}} - {"operation.consume"}
    assert refused == owned | {"schedule.accept", "schedule.undo"}  # these two write operations


def posts() -> Iterator[tuple[str, str, Role, dict[str, Any]]]:
    """Each action with the address of a row, a role that may do it and a body that works."""
    known = {path_of(action): name for name, action in ACTIONS.items()}
    for method, address, roles, body, _ in addresses():
        if method == "post":
            parts = address.split("/")
            name = known.get(address) or known["/".join([*parts[:2], "{key}", *parts[3:]])]
            yield name, address, min(roles), body


@both_databases
def test_orders_and_their_progress_are_mirrored_and_confirmed_to_nobody(incumbent: None) -> None:
    assert bring("orders", an_order(release=True)) == (1, 0, 0, 0)
    at = NOW + timedelta(days=1)
    assert progress(state="running", actual_start_ts=at, good=3, at_ts=at + timedelta(minutes=5)) == (0, 1, 0, 0)
    order = Order.objects.get()
    assert (order.source_system, order.state) == (INCUMBENT, "running")
    assert progress(good=8, scrap=1, cause_id="leak", at_ts=at + timedelta(minutes=9)) == (0, 1, 0, 0)
    assert progress(good=8, scrap=1) == (0, 0, 1, 0)
    assert progress(good=7, at_ts=at + timedelta(minutes=12)) == (0, 1, 0, 0)  # scrap is not told and stays
    told = list(Production.objects.order_by("pk").values_list("good", "scrap", "source_system", "source_row", "cause_id"))
    row = (INCUMBENT, "operation PO-1.10")
    assert told == [
        (3, 0, *row, None), (5, 1, *row, "leak"), (-5, -1, *row, "leak"), (4, 1, *row, None),
    ]  # fmt: skip
    first = Operation.objects.get(pk="PO-1.10")
    assert (first.good, first.scrap, first.state, first.actual_start_ts) == (Decimal(7), Decimal(1), "running", at)
    assert bring(
        "progress",
        {"order_id": "PO-1", "number": 10, "state": "completed", "actual_end_ts": at + timedelta(hours=1)},
        {"order_id": "PO-1", "number": 20, "state": "completed", "actual_start_ts": at, "actual_end_ts": at + timedelta(hours=2), "good": 7},
    ) == (0, 2, 0, 0)
    order.refresh_from_db()
    assert (order.state, Operation.objects.get(pk="PO-1.20").good) == ("completed", 7)
    assert bring("orders", an_order(release=True, state="closed")) == (0, 1, 0, 0)
    assert Order.objects.get().state == "closed"
    assert not ErpConfirmation.objects.exists()
    assert not OperationClock.objects.exists()


@one_database
def test_a_cancelled_order_takes_its_operations_along(incumbent: None) -> None:
    bring("orders", an_order())
    assert bring("orders", an_order(state="cancelled")) == (0, 1, 0, 0)
    assert set(Operation.objects.values_list("state", flat=True)) == {"cancelled"}


@one_database
def test_what_cannot_be_mirrored_is_a_row_to_put_right(incumbent: None) -> None:
    bring("orders", an_order())
    assert (
        bring(
            "progress", {"order_id": "PO-9", "number": 10}, {"order_id": "PO-1", "number": 30}, {"order_id": "PO-1", "number": 10, "cause_id": "x"}
        )[3]
        == 3
    )
    assert [row.message.partition(";")[0] for row in ErpImportRow.objects.order_by("number")] == [
        "there is no order PO-9", "order PO-1 has no operation 30", "there is no reason x of scrap or rework",
    ]  # fmt: skip


@one_database
def test_only_the_incumbent_brings_what_it_owns(incumbent: None) -> None:
    for actor, system in (("planner", INCUMBENT), ("erp", "erp")):
        for kind in ("orders", "operations", "progress"):
            with pytest.raises(OwnedElsewhere, match=f"belong to {INCUMBENT} here; do the import of {kind} there"):
                bring(kind, an_order(), actor=actor, system=system)
    assert bring("materials", {"material_id": "ERP-1"}, actor="erp", system="erp") == (1, 0, 0, 0)
    assert not Order.objects.exists()


@one_database
def test_quality_and_genealogy_work_on_mirrored_orders(incumbent: None) -> None:
    bring("orders", an_order(release=True))
    progress(state="running", actual_start_ts=NOW + timedelta(days=1), good=1)
    do("operator", "lot.create", lot_id="S-1", material_id="G", quantity=10, equipment_id=LINE)
    do("operator", "operation.consume", "PO-1.10", lot_id="S-1", quantity=2)
    do("quality", "hold.create", operation_id="PO-1.10", reason="cracks", at=datetime(2026, 3, 2, 7, tzinfo=NOW.tzinfo))
    assert progress(good=5) == (0, 1, 0, 0)  # it has happened, hold or not
    with pytest.raises(OwnedElsewhere, match=r"do operation\.report there"):
        do("operator", "operation.report", "PO-1.10", good=1)


@one_database
def test_as_the_record_nobody_tells_progress_or_states() -> None:
    do("erp", "erp_import.create", kind="materials", format="json", source_system="erp", document='[{"material_id": "G"}]')
    with pytest.raises(Exception, match="progress is what an incumbent MES tells of its orders"):
        bring("progress", {"order_id": "PO-1", "number": 10}, actor="erp", system="erp")
    assert bring("orders", an_order(state="closed"), actor="erp", system="erp") == (0, 0, 0, 1)
    assert ErpImportRow.objects.get().field == "state"


@pytest.mark.parametrize("given", [{"role": "follower"}, {"incumbent": "x1"}, {"role": "record", "incumbent": "x1"}])
def test_a_follower_names_its_incumbent(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="neither without the other"):
        parse(Settings, {"mes": given}, Path("conf/factolake.toml"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"system": "sap"}, "given: none"),
        ({"system": "sap", "folder": "x", "url": "http://x"}, "given: folder and url"),
        ({"folder": "x"}, "system, the ERP's id, beside folder"),
        ({"system": "sap", "url": "ftp://x"}, "erp.url"),
    ],
)
def test_settings_name_one_door_or_no_erp(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(Settings, {"erp": given}, Path("conf/factolake.toml"))


@both_databases
def test_what_a_row_does_not_say_stays_as_the_incumbent_told_it_whoever_else_reported(incumbent: None) -> None:
    bring("orders", an_order(release=True))
    at = NOW + timedelta(days=1)
    progress(state="running", actual_start_ts=at, good=3)
    with override_settings(FACTOMES_INCUMBENT=""):  # from the time before it was the owner
        do("operator", "operation.report", "PO-1.10", good=5, at=at + timedelta(hours=1))
    for state in ("suspended", "running"):
        assert progress(state=state) == (0, 1, 0, 0)
    assert progress(scrap=1, cause_id="leak") == (0, 1, 0, 0)
    first = Operation.objects.get(pk="PO-1.10")
    assert (first.good, first.scrap, Production.objects.count()) == (8, 1, 3)
