"""Confirmations to the ERP: written with what they tell, sent once and in order, refusals put right and sent again, corrections as reversals."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from http_erp import Answer, http_erp
from record_plant import LINE, NOW, do, order

from factolake.mes.core.models import OutboxEvent
from factolake.mes.exchange.deliver import Delivered, deliver_once, waiting_since
from factolake.mes.exchange.file_drop import FileDrop
from factolake.mes.exchange.models import ErpConfirmation, ErpDelivery, OperationClock
from factolake.mes.exchange.ports import Accepted, Message, Refused, SendResult, Unavailable
from factolake.mes.people.models import Person
from factolake.mes.production.models import Operation

pytestmark = pytest.mark.usefixtures("record")


class Erp:
    """An ERP in this process: answers as it is told by order, and remembers what it was sent."""

    source_system = "erp"

    def __init__(self, **answers: SendResult) -> None:
        self.answers = answers
        self.got: list[Message] = []

    def send(self, message: Message) -> SendResult:
        self.got.append(message)
        return self.answers.get(str(message.body["order_id"]).replace("-", ""), Accepted(f"5000{message.number}"))

    @property
    def told(self) -> list[tuple[object, ...]]:
        return [(m.body["operation_id"], m.body["kind"], m.body["movement"], m.body["good"], m.body["quantity"]) for m in self.got]


def erp_orders(*order_ids: str, operations: tuple[int, ...] = (10,)) -> None:
    """Released orders that the ERP owns, and a lot of steel."""
    rows = [{"order_id": one, "material_id": "G", "quantity": 10, "line_id": LINE, "release": True} for one in order_ids]
    for row in rows:
        row["operations"] = [{"number": number} for number in operations]
    for kind, wanted in (("materials", [{"material_id": "G"}, {"material_id": "STEEL", "base_unit": "KGM"}]), ("orders", rows)):
        done = do("erp", "erp_import.create", kind=kind, format="json", source_system="erp", document=json.dumps(wanted))
        assert done["errors"] == 0
    do("planner", "lot.create", lot_id="S-1", material_id="STEEL", quantity=100, equipment_id=LINE)


def deliver(port: Any, after_s: float = 0) -> Delivered:
    return deliver_once(port, Person.objects.get(pk="erp"), NOW + timedelta(days=1, seconds=after_s))


def states() -> list[tuple[str, str]]:
    return list(ErpConfirmation.objects.order_by("pk").values_list("order_id", "state"))


def test_an_operation_is_confirmed_from_first_report_to_last() -> None:
    erp_orders("PO-1", operations=(10, 20))
    at = NOW + timedelta(days=1)
    do("operator", "operation.start", "PO-1.10", at=at)
    do("operator", "operation.consume", "PO-1.10", lot_id="S-1", quantity="2.5")
    do("operator", "operation.report", "PO-1.10", good=8, scrap=1, rework=1, cause_id="leak", lot_id="LOT-1")
    do("operator", "operation.suspend", "PO-1.10", at=at + timedelta(minutes=10))
    do("operator", "operation.start", "PO-1.10", at=at + timedelta(minutes=30))
    do("operator", "operation.complete", "PO-1.10", at=at + timedelta(minutes=35))
    do("operator", "operation.start", "PO-1.20", at=at + timedelta(minutes=40))
    do("operator", "operation.report", "PO-1.20", good=8, lot_id="LOT-1")
    erp = Erp()
    assert deliver(erp) == Delivered(5, 0)
    assert erp.told == [
        ("PO-1.10", "goods_issue", "261", "0", "2.5"),
        ("PO-1.10", "operation", "", "8", "0"),
        ("PO-1.10", "operation", "", "0", "0"),
        ("PO-1.20", "operation", "", "8", "0"),
        ("PO-1.20", "goods_receipt", "101", "0", "8"),  # only the last operation brings the order's material into stock
    ]
    assert [m.body["unit"] for m in erp.got] == ["KGM", "C62", "C62", "C62", "C62"]
    report, final = erp.got[1].body, erp.got[2].body
    assert (report["scrap"], report["rework"], report["cause_id"], report["is_final"], report["run_s"]) == ("1", "1", "leak", False, None)
    assert (final["is_final"], final["run_s"], final["setup_s"]) == (True, 15 * 60.0, None)
    assert ErpConfirmation.objects.filter(pk=erp.got[0].number).get().erp_document == f"5000{erp.got[0].number}"
    assert deliver(erp) == Delivered(0, 0)


def machine_states(start: datetime, *spans: tuple[int, int, str]) -> None:
    """What the lake tells of L1-M1: from and to in minutes after `start`, and the state."""
    with connection.cursor() as cursor:
        kind = "timestamptz" if connection.vendor == "postgresql" else "text"
        cursor.execute(f"CREATE TABLE lake_machine_state (machine text, from_ts {kind}, to_ts {kind}, state text, from_day date)")
        for from_min, to_min, state in spans:
            times = [start + timedelta(minutes=minutes) for minutes in (from_min, to_min)]
            texts = [f"{moment:%Y-%m-%d %H:%M:%S.%f}" + ("+00" if kind != "text" else "") for moment in times]
            cursor.execute("INSERT INTO lake_machine_state VALUES ('L1-M1', %s, %s, %s, %s)", [*texts, state, str(times[0].date())])


@pytest.mark.parametrize(
    ("known_until", "stops_at", "setup_s", "run_s"),
    [(60, None, 600.0, 3000.0), (58, None, 600.0, 3000.0), (50, None, None, 3600.0), (60, 30, None, 3000.0)],
    ids=["known", "some seconds late", "silent at the end", "interrupted"],
)
def test_set_up_time_is_what_the_lake_knows_for_sure(
    known_until: int, stops_at: int | None, setup_s: float | None, run_s: float, record: str
) -> None:
    at = NOW + timedelta(days=1)
    erp_orders("PO-1")
    Operation.objects.update(equipment_id="L1-M1")
    machine_states(at, (-5, 10, "setup"), (10, known_until, "producing"))
    do("operator", "operation.start", "PO-1.10", at=at)
    if stops_at is not None:
        do("operator", "operation.suspend", "PO-1.10", at=at + timedelta(minutes=stops_at))
        do("operator", "operation.start", "PO-1.10", at=at + timedelta(minutes=stops_at + 10))
    do("operator", "operation.complete", "PO-1.10", at=at + timedelta(minutes=60))
    final = ErpConfirmation.objects.get(is_final=True)
    assert (final.setup_s, final.run_s) == (setup_s, run_s)


def test_a_correction_is_a_reversal_that_names_what_it_takes_back() -> None:
    erp_orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    used = do("operator", "operation.consume", "PO-1.10", lot_id="S-1", quantity=3)
    made = do("operator", "operation.report", "PO-1.10", good=5, lot_id="LOT-1")
    do("operator", "production.reverse", str(made["id"]), reason="typed wrongly")
    do("operator", "consumption.reverse", str(used["id"]), reason="typed wrongly")
    erp = Erp()
    deliver(erp)
    assert erp.told == [
        ("PO-1.10", "goods_issue", "261", "0", "3"),
        ("PO-1.10", "operation", "", "5", "0"),
        ("PO-1.10", "goods_receipt", "101", "0", "5"),
        ("PO-1.10", "operation", "", "-5", "0"),
        ("PO-1.10", "goods_receipt", "102", "0", "5"),
        ("PO-1.10", "goods_issue", "262", "0", "3"),
    ]
    keys = [m.key for m in erp.got]
    assert [m.body["reverses"] for m in erp.got] == [None, None, None, keys[1], keys[2], keys[0]]


def test_orders_of_our_own_and_refused_actions_tell_the_erp_nothing() -> None:
    operation = order("PO-9")
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=1)
    erp_orders("PO-1")
    do("operator", "operation.suspend", operation)
    do("operator", "operation.start", "PO-1.10")
    with pytest.raises(Exception, match="take a reason"):
        do("operator", "operation.report", "PO-1.10", scrap=1)
    assert not ErpConfirmation.objects.exists()
    assert list(OperationClock.objects.values_list("operation_id", flat=True)) == ["PO-1.10"]


def test_a_confirmation_and_its_fact_reach_lake_and_audit_together() -> None:
    erp_orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    before = OutboxEvent.objects.latest("id").id
    do("operator", "operation.report", "PO-1.10", good=1)
    kinds = list(OutboxEvent.objects.filter(id__gt=before).order_by("id").values_list("kind", flat=True))
    assert kinds == ["mes.production", "mes.operation", "mes.erp_confirmation", "mes.erp_confirmation"]


def report(*order_ids: str, good: int = 1) -> None:
    for order_id in order_ids:
        if Operation.objects.get(pk=f"{order_id}.10").actual_start_ts is None:
            do("operator", "operation.start", f"{order_id}.10")
        do("operator", "operation.report", f"{order_id}.10", good=good)


def test_a_refusal_stops_its_order_only_and_is_sent_again_once_it_is_put_right() -> None:
    erp_orders("PO-1", "PO-2")
    report("PO-1", "PO-2", "PO-1")
    assert deliver(Erp(PO1=Refused("quantity", "period is closed"))) == Delivered(2, 1)
    assert [state for one, state in states() if one == "PO-1"] == ["refused", "waiting", "waiting", "waiting"]
    held = ErpConfirmation.objects.get(state="refused")
    assert (held.refused_field, held.refused_message) == ("quantity", "period is closed")
    erp = Erp()
    assert deliver(erp) == Delivered(0, 0)
    do("planner", "erp_confirmation.resend", str(held.pk))
    assert deliver(erp) == Delivered(4, 0)
    assert [m.number for m in erp.got] == sorted(m.number for m in erp.got)
    assert erp.got[0].key == held.idempotency_key
    with pytest.raises(Exception, match="is accepted and cannot become waiting; allowed now: nothing, this state is final"):
        do("planner", "erp_confirmation.resend", str(held.pk))


def test_what_was_posted_by_hand_lets_the_others_go_on() -> None:
    erp_orders("PO-1")
    report("PO-1", "PO-1")
    deliver(Erp(PO1=Refused("", "no")))
    held = ErpConfirmation.objects.get(state="refused")
    do("planner", "erp_confirmation.accept", str(held.pk), erp_document="4711", reason="posted by hand")
    assert deliver(Erp()) == Delivered(3, 0)
    assert waiting_since("erp") is None


def test_an_erp_that_is_away_is_asked_again_later_and_the_order_is_kept() -> None:
    erp_orders("PO-1", "PO-2")
    report("PO-1", "PO-2", "PO-1")
    away = Erp(PO1=Unavailable("connection refused"))
    assert deliver(away) == Delivered(0, 0, "connection refused")
    assert len(away.got) == 1
    assert deliver(away, 4).unavailable == ""  # not asked for PO-1 again before 5 s; PO-2 goes on
    assert [m.body["order_id"] for m in away.got[1:]] == ["PO-2", "PO-2"]
    assert deliver(away, 5).unavailable
    assert ErpDelivery.objects.get().tries == 2
    erp = Erp()
    assert deliver(erp, 14) == Delivered(0, 0)
    assert deliver(erp, 15) == Delivered(4, 0)
    assert [m.number for m in erp.got] == sorted(m.number for m in erp.got)
    assert not ErpDelivery.objects.exists()
    assert waiting_since("erp") is None


def test_a_file_drop_has_whole_files_in_order_and_says_when_it_cannot(tmp_path: Path) -> None:
    erp_orders("PO-1")
    report("PO-1")
    folder = tmp_path / "to erp"
    assert deliver(FileDrop("erp", folder)).unavailable.startswith(f"{folder} cannot be written")
    folder.mkdir()
    assert deliver(FileDrop("erp", folder), 5) == Delivered(2, 0)
    lines = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir())]
    assert [(line["kind"], line["order_id"]) for line in lines] == [("operation", "PO-1"), ("goods_receipt", "PO-1")]
    assert [line["idempotency_key"] for line in lines] == list(ErpConfirmation.objects.order_by("pk").values_list("idempotency_key", flat=True))
    first = next(iter(sorted(folder.iterdir())))
    assert first.read_bytes().endswith(b"}\n")


DELIVERER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from factolake.config.settings import MesSettings, Settings
from factolake.mes.project.configure import start
start(Settings(home=Path(sys.argv[1]), mes=MesSettings(url=sys.argv[2])))
from factolake.mes.exchange.deliver import deliver_once
from factolake.mes.exchange.http_port import HttpErp
from factolake.mes.people.models import Person
print(deliver_once(HttpErp("erp", sys.argv[3]), Person.objects.get(pk="erp"), datetime.now(UTC)).accepted)
"""


def test_a_kill_between_sending_and_noting_it_makes_no_second_posting(record: str, tmp_path: Path) -> None:
    erp_orders("PO-1")
    report("PO-1", "PO-1", good=3)
    posted: dict[str, dict[str, Any]] = {}
    arrivals: list[str] = []
    deliverer: list[subprocess.Popen[str]] = []

    def take(headers: dict[str, str], body: bytes) -> Answer:
        key = headers["Idempotency-Key"]
        arrivals.append(key)
        posted.setdefault(key, json.loads(body))
        if len(arrivals) == 1:
            os.kill(deliverer[-1].pid, signal.SIGKILL)
            deliverer[-1].wait()  # it is dead before the answer leaves
        return 201, {}, b'{"document": "1"}'

    with http_erp(take) as url:
        for wanted in (-signal.SIGKILL, 0):
            arguments = [sys.executable, "-c", DELIVERER, str(tmp_path), record, url]
            deliverer.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
            deliverer[-1].communicate(timeout=60)
            assert deliverer[-1].returncode == wanted
    assert arrivals[0] == arrivals[1]
    assert len(arrivals) == len(posted) + 1
    assert {state for _, state in states()} == {"accepted"}
    assert sum(Decimal(body["quantity"]) for body in posted.values() if body["movement"] == "101") == 6
