"""The ERP's door: documents it drops are taken once and answered, confirmations leave once and in order, whatever is away or killed in between."""

import json
import os
import random
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import override_settings
from erp_folder import DAY, Folder, work
from http_erp import Answer, http_erp
from record_plant import LINE, do

from factolake.config.settings import ErpSettings
from factolake.errors import ConfigError
from factolake.mes.audit import chain
from factolake.mes.audit.models import AuditEntry, AuditHead
from factolake.mes.core.refusals import Conflict
from factolake.mes.exchange import erp
from factolake.mes.exchange.applying import part
from factolake.mes.exchange.deliver import deliver_once
from factolake.mes.exchange.erp import ErpDoor
from factolake.mes.exchange.models import ErpConfirmation, ErpImport
from factolake.mes.exchange.ports import Accepted, Message, Refused, SendResult, Unavailable
from factolake.mes.exchange.proceed import proceed_once
from factolake.mes.people.models import Person
from factolake.mes.production.models import MaterialDefinition, Order
from factolake.mes.project.check import facts

both_databases = pytest.mark.usefixtures("record")
one_database = pytest.mark.usefixtures("sqlite_record")
ORDERS = f"order_id,material_id,quantity,line_id,release\nPO-1,G,10,{LINE},true\nPO-2,G,5,NONE,true\n"


@both_databases
def test_documents_in_the_folder_are_taken_in_order_and_answered_row_by_row(folder: Folder) -> None:
    folder.drop("orders-7.csv", ORDERS)
    folder.drop("materials.json", '[{"material_id": "G"}]', age_s=60)
    folder.turn()
    assert Order.objects.get().source_system == "sap"
    first, second = ErpImport.objects.order_by("pk")
    assert folder.names("inbox") == []
    assert folder.names("taken") == [
        f"{first.pk:06d}-materials.json", f"{first.pk:06d}-materials.json.answer.json",
        f"{second.pk:06d}-orders-7.csv", f"{second.pk:06d}-orders-7.csv.answer.json",
    ]  # fmt: skip
    fault = {"row": 3, "field": "line_id", "message": "there is no equipment NONE; send it first"}
    counts = {"rows": 2, "imported": 1, "updated": 0, "skipped": 0, "errors": 1}
    assert folder.answers("taken")[1] == {"document": "orders-7.csv", "import": second.pk, "kind": "orders", **counts, "faults": [fault]}
    assert (folder.root / "taken" / f"{second.pk:06d}-orders-7.csv").read_text() == ORDERS
    folder.turn()
    assert ErpImport.objects.count() == 2
    assert AuditEntry.objects.filter(action="erp_import.create", actor="sap").count() == 2


@one_database
def test_a_document_that_is_still_written_is_left_alone(folder: Folder) -> None:
    folder.drop("materials.json", '[{"material_id": "G"}', age_s=2)
    folder.drop(".orders.csv", ORDERS)
    folder.drop("orders.csv.part", ORDERS)
    folder.drop("bills.csv", "")
    folder.turn(1)
    folder.drop("materials.json", '[{"material_id": "G"}]', age_s=1)
    folder.turn(1)
    assert not ErpImport.objects.exists()
    folder.turn(1)
    assert folder.answers("taken")[0]["imported"] == 1
    assert folder.names("inbox") == [".orders.csv", "bills.csv", "orders.csv.part"]
    assert folder.names("refused") == []


@one_database
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("orders.json", b'{"order_id": "PO-1"}', "the document is a JSON dict; send an array of objects"),
        ("orders.csv", b"order_id;colour\n", "the header has a column 'colour'"),
        ("orders.csv", b"order_id,\xe9\n", "'orders.csv' is not UTF-8: byte 9 is 0xe9; save it as UTF-8"),
        ("orders.xml", b"<a>", "the document is no XML"),
        ("invoices.csv", b"order_id\n", "'invoices.csv' does not say what is in it; a name begins with materials, bills"),
        (f"orders{'-' * 240}.csv", b"x\n", "the header has a column 'x'"),
    ],
)
def test_what_is_no_document_is_put_aside_with_the_reason_and_holds_nothing_up(folder: Folder, name: str, content: bytes, message: str) -> None:
    folder.drop(name, content, age_s=60)
    folder.drop("materials.json", '[{"material_id": "G"}]')
    folder.turn()
    (answer,) = folder.answers("refused")
    assert (answer["document"], answer["import"]) == (name, None)
    assert message in answer["faults"][0]["message"]
    kept = [path for path in (folder.root / "refused").iterdir() if not path.name.endswith(".answer.json")]
    assert [path.read_bytes() for path in kept] == [content]
    assert MaterialDefinition.objects.filter(pk="G").exists()


@both_databases
def test_a_document_in_parts_is_answered_when_all_of_it_is_applied_and_the_next_waits(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "PART_ROWS", 2)
    folder.drop("materials.json", json.dumps([{"material_id": one} for one in "ABCG"]), age_s=60)
    folder.drop("orders.csv", ORDERS)
    folder.turn(3)
    assert (folder.names("inbox"), folder.names("taken")) == (["materials.json", "orders.csv"], [])
    assert proceed_once(DAY)
    folder.turn(1)
    assert [(one["kind"], one["imported"]) for one in folder.answers("taken")] == [("materials", 4), ("orders", 1)]


@one_database
def test_the_same_name_with_other_content_is_another_document(folder: Folder) -> None:
    for number, quantity in enumerate((10, 12, 10)):
        folder.drop("materials.json", '[{"material_id": "G"}]', age_s=100 - number)
        folder.drop("orders.json", json.dumps([{"order_id": "PO-1", "material_id": "G", "quantity": quantity, "line_id": LINE}]), age_s=50 - number)
        folder.turn()
    assert [(one["imported"], one["updated"]) for one in folder.answers("taken") if one["kind"] == "orders"] == [(1, 0), (0, 1), (0, 1)]
    assert Order.objects.get().quantity == 10


@one_database
def test_a_link_in_the_inbox_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("[]")
    (folder.root / "inbox").mkdir()
    (folder.root / "inbox" / "orders.json").symlink_to(tmp_path / "secret")
    folder.turn()
    assert not ErpImport.objects.exists()


ONE_TURN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from factolake.config.settings import ErpSettings, MesSettings, Settings
from factolake.mes.project.configure import start
erp = ErpSettings(system="sap", folder=Path(sys.argv[3]))
start(Settings(home=Path(sys.argv[1]), mes=MesSettings(url=sys.argv[2]), erp=erp))
from factolake.mes.exchange.erp import ErpDoor
door = ErpDoor(erp)
for _ in range(2):
    door.turn(datetime.now(UTC))
"""


@one_database
@pytest.mark.parametrize("point", ["inbox.imported", "inbox.answered"])
def test_killed_between_taking_and_putting_aside_a_document_is_imported_once(folder: Folder, tmp_path: Path, sqlite_record: str, point: str) -> None:
    folder.drop("materials.json", '[{"material_id": "G"}]')
    run = [sys.executable, "-c", ONE_TURN, str(tmp_path), sqlite_record, str(folder.root)]
    assert subprocess.run(run, env={**os.environ, "FACTOLAKE_CRASH": point}, timeout=60, check=False).returncode == -signal.SIGKILL
    folder.turn()
    assert ErpImport.objects.count() == 1
    assert [(one["imported"], one["skipped"]) for one in folder.answers("taken")] == [(1, 0)]
    assert folder.names("inbox") == []


@both_databases
def test_confirmations_appear_in_the_folder_and_the_state_tells(folder: Folder) -> None:
    work("PO-1", 3)
    before = erp.state()
    assert before is not None
    assert (before["waiting"], before["refused"], before["last_delivered_ts"]) == (2, 0, None)
    folder.drop("nonsense.csv", "x")
    folder.turn()
    lines = [json.loads((folder.root / "outbox" / name).read_text()) for name in folder.names("outbox")]
    assert [(line["kind"], line["good"], line["quantity"]) for line in lines] == [("operation", "3", "0"), ("goods_receipt", "0", "3")]
    told = facts()["erp"]
    assert (told["system"], told["waiting"], told["waiting_since_ts"], told["last_error"]) == ("sap", 0, None, "")
    assert told["documents"] == {"waiting": 0, "refused": 1}
    assert datetime.fromisoformat(told["last_delivered_ts"]) == DAY + timedelta(seconds=5)
    assert set(AuditEntry.objects.filter(action="erp_confirmation.accept").values_list("actor", "via")) == {("sap", "sync")}
    with override_settings(FACTOMES_ERP=ErpSettings()):
        assert facts()["erp"] is None


@one_database
def test_an_inbox_that_cannot_be_read_does_not_keep_confirmations(folder: Folder) -> None:
    work("PO-1", 3)
    (folder.root / "inbox").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="inbox"):
        folder.turn(1)
    assert len(folder.names("outbox")) == 2
    told = erp.state()
    assert told is not None
    assert told["documents"] == {"waiting": None, "refused": None}


@one_database
def test_over_http_the_token_comes_from_its_file_each_time(tmp_path: Path) -> None:
    work("PO-1", 1)
    token, seen = tmp_path / "token", []

    def take(headers: dict[str, str], body: bytes) -> Answer:
        seen.append(headers["Authorization"])
        return (201, {}, b"{}") if headers["Authorization"] == "Bearer new" else (401, {}, b"{}")

    with http_erp(take) as url:
        door = ErpDoor(ErpSettings(system="sap", url=url, token_file=token))
        for at, text in ((DAY, "old"), (DAY + timedelta(hours=1), "new\n")):
            token.write_text(text)
            door.turn(at)
    assert seen == ["Bearer old", "Bearer new", "Bearer new"]
    assert not ErpConfirmation.objects.filter(accepted_ts=None).exists()
    token.write_text("two words")
    do("operator", "operation.report", "PO-1.10", good=1)
    with pytest.raises(ConfigError, match="one line of ASCII"):
        door.turn(DAY)


class PowerCut(BaseException):
    """Nothing after it happens; what was not committed is lost."""


class FailingErp:
    """Books each key once, and fails most of the time: away, refusing, or with the lights out before its answer is heard."""

    source_system = "sap"

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.outages = chance, 0
        self.ledger: dict[str, Message] = {}

    def send(self, message: Message) -> SendResult:
        fate = self.chance.random()
        if message.key not in self.ledger and fate < 0.45:
            self.outages += 1
            return Unavailable("connection refused") if fate < 0.3 else Refused("quantity", "period is closed")
        self.ledger.setdefault(message.key, message)
        if fate > 0.7:
            self.outages += 1
            raise PowerCut
        return Accepted("1")


@both_databases
def test_a_hundred_outages_of_either_side_lose_nothing_double_nothing_and_keep_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(4)
    failing, append, cuts = FailingErp(chance), chain.append, 0

    def cut_while_noting(entry: AuditEntry, head: AuditHead) -> None:
        nonlocal cuts
        if entry.action.startswith("erp_confirmation.") and entry.actor == "sap" and chance.random() < 0.35:
            cuts += 1
            raise PowerCut
        append(entry, head)

    for number in range(6):
        work(f"PO-{number}", 1, 2, 3, 4)
    monkeypatch.setattr(chain, "append", cut_while_noting)
    now, actor = DAY, Person.objects.get(pk="sap")
    while ErpConfirmation.objects.filter(accepted_ts=None).exists():
        now += timedelta(minutes=16)
        try:
            deliver_once(failing, actor, now)
        except PowerCut:
            pass
        for refused in ErpConfirmation.objects.filter(state="refused"):
            do("planner", "erp_confirmation.resend", str(refused.pk), at=now)
    assert failing.outages + cuts >= 100
    for number in range(6):
        posted = [message for message in failing.ledger.values() if message.body["order_id"] == f"PO-{number}"]
        assert [message.number for message in posted] == sorted(message.number for message in posted)
        assert sum(Decimal(str(message.body["good"])) for message in posted) == 10
        assert sum(Decimal(str(message.body["quantity"])) for message in posted if message.body["movement"] == "101") == 10
    assert len(failing.ledger) == ErpConfirmation.objects.count() == 48


@one_database
def test_the_id_of_a_person_is_no_erp(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="planner is the id of a human and cannot be a service's"):
        ErpDoor(ErpSettings(system="planner", folder=tmp_path)).turn(DAY)


@one_database
def test_with_nothing_to_say_over_http_the_erps_service_is_left_to_be_made_with_its_token() -> None:
    ErpDoor(ErpSettings(system="sap", url="http://127.0.0.1:9/")).turn(DAY)
    do("admin", "person.create", person_id="sap", name="SAP", kind="service")


@one_database
def test_an_erp_that_is_away_is_asked_less_and_less_however_much_waits() -> None:
    for number in range(4):
        work(f"PO-{number}", 1)
    asked, status = [0], [503]

    def away(headers: dict[str, str], body: bytes) -> Answer:
        asked[0] += 1
        return status[0], {}, b"{}"

    with http_erp(away) as url:
        door = ErpDoor(ErpSettings(system="sap", url=url))
        for second in range(0, 60, 5):
            door.turn(DAY + timedelta(seconds=second))
        assert asked[0] == 4  # at 0, 5, 15 and 35 s
        status[0] = 200
        for minutes in (2, 20):
            door.turn(DAY + timedelta(minutes=minutes))
    assert not ErpConfirmation.objects.filter(accepted_ts=None).exists()
