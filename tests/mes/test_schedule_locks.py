"""Deciding about a schedule and work on the orders beside it do not wait for each other in a circle."""

import threading
import time

import pytest
from django.db import connections, transaction
from record_plant import M1, M2, do, order
from schedule_plant import accept, entry, propose

from factolake.mes.core.call import locked
from factolake.mes.production.models import Operation, Order


@pytest.mark.postgres
@pytest.mark.parametrize("record", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", ["schedule.accept", "schedule.undo"])
@pytest.mark.usefixtures("record")
def test_a_schedule_waits_for_the_orders_beside_it_before_it_holds_their_operations(name: str) -> None:
    do("planner", "material.create", material_id="G-300")
    for number, machine in ((20, M1), (100, M2)):  # by number the first is PO-2.20, by key PO-2.100
        do("engineer", "routing_step.create", material_id="G-300", number=number, equipment_id=machine)
    for order_id in ("PO-1", "PO-2"):
        order(order_id, material="G-300")
    version = propose(entry("PO-1.20", M1, 1), entry("PO-1.100", M2, 3))
    payload: dict[str, str] = {"digest": version.digest}
    if name == "schedule.undo":
        accept(version)
        payload = {"reason": "not today"}
    failed: list[Exception] = []

    def decide() -> None:
        try:
            do("planner", name, version.pk, **payload)
        except Exception as error:  # whatever it is, it is shown
            failed.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():  # what order.hold does, in two steps
        assert locked(Order, "PO-2") is not None
        assert locked(Operation, "PO-2.20") is not None
        deciding = threading.Thread(target=decide)
        deciding.start()
        time.sleep(0.5)
        assert locked(Operation, "PO-2.100") is not None
    deciding.join(20)
    version.refresh_from_db()
    assert (failed, version.state) == ([], "accepted" if name == "schedule.accept" else "undone")
