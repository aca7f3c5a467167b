"""How long an order was worked on and how long it waited: what FactoMES answers, and a law that its pure part keeps."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_plant import LINE, NOW, Api, do

from factolake.mes.production import answers
from factolake.mes.production.flow_times import Work, flow

MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("record")
def test_an_order_tells_its_touch_and_waiting_times() -> None:
    operations = [{"number": number, "description": f"step {number}", "overlaps": number == 2} for number in (1, 2, 3, 4)]
    row = {"order_id": "PO-1", "material_id": "G", "quantity": 1, "line_id": LINE, "release": True, "operations": operations}
    for kind, one in (("materials", {"material_id": "G"}), ("orders", row)):
        answer = Api("erp").post("/erp-imports", {"kind": kind, "format": "json", "source_system": "erp", "document": f"[{json.dumps(one)}]"})
        assert (answer.status_code, answer.json()["errors"]) == (201, 0)
    day = NOW + timedelta(days=1)
    for minute, verb, number in (
        (0, "start", 1),
        (10, "start", 2),
        (30, "complete", 1),
        (40, "complete", 2),
        (100, "start", 3),
        (105, "complete", 3),
    ):
        do("operator", f"operation.{verb}", f"PO-1.{number}", at=day + minute * MINUTE)
    told = Api("viewer").get("/orders/PO-1/flow").json()
    assert answers.OrderFlow.model_validate(told).model_dump() == told
    assert (told["cycle_s"], told["touch_s"], told["waiting_s"], told["open_operations"]) == (105 * 60, 65 * 60, 60 * 60, 1)
    assert [(one["description"], one["touch_s"], one["waited_s"]) for one in told["operations"]] == [
        ("step 1", 1800, 0), ("step 2", 1800, 0), ("step 3", 300, 3600),
    ]  # fmt: skip


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8)


@given(spans)
def test_the_time_under_way_and_the_waiting_make_the_cycle(given_spans: list[tuple[int, int]]) -> None:
    told = flow(Work(str(n), "", NOW + start * MINUTE, NOW + (start + length) * MINUTE) for n, (start, length) in enumerate(given_spans))
    under_way = {minute for start, length in given_spans for minute in range(start, start + length)}
    assert told.cycle_s - told.waiting_s == len(under_way) * 60
    assert told.touch_s == sum(length for _, length in given_spans) * 60
