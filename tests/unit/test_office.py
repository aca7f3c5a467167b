"""The simulated plant's people and ERP: what they do follows from what the line did, piece by piece."""

import json
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factolake.config.plant import load_plant
from factolake.plant.line import Fact, LineSimulation
from factolake.plant.moment import from_us
from factolake.plant.office.asks import Ask
from factolake.plant.office.crew import Crew, reason_of, script_of
from factolake.plant.office.deciding import decisions
from factolake.plant.office.erp import Books, ErpServer, Planner
from factolake.plant.scenario import load_scenario

CONF = Path(__file__).parents[2] / "conf"
MODEL = load_plant(CONF / "plant.toml")
SHIFT = load_scenario(CONF / "scenarios" / "default.toml", MODEL)
START = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
MACHINES = MODEL.lines["L1"].machines


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    return LineSimulation(MODEL, "L1", SHIFT, 7, START).advance_to(START + timedelta(hours=8))


@pytest.fixture(scope="module")
def asks(facts: list[Fact]) -> list[Ask]:
    return list(Crew(SHIFT, "L1", MACHINES, START).happened(facts))


def made(facts: list[Fact], order: str) -> Counter[tuple[str, str]]:
    """Good and scrap per machine while it shows `order`, counted from the facts alone."""
    shows: dict[str, object] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        if fact.name == "order":
            shows[fact.machine] = fact.value
        elif fact.name in ("good", "scrap") and fact.value and shows.get(fact.machine) == order:
            counted[fact.machine, fact.name] += 1
    return counted


def test_what_they_report_of_a_finished_order_is_what_the_stations_made(facts: list[Fact], asks: list[Ask]) -> None:
    reported: Counter[tuple[str, str]] = Counter()
    for ask in asks:
        if ask.path.startswith("/operations/PO-24117.") and ask.path.endswith("/report"):
            number = int(ask.path.split("/")[2].rpartition(".")[2])
            for kind in ("good", "scrap"):
                reported[MACHINES[number // 10 - 1], kind] += int(str(ask.body.get(kind, 0)))
    assert +reported == made(facts, "PO-24117")


def test_every_piece_on_a_pallet_has_its_components(asks: list[Ask]) -> None:
    packed = {str(ask.body["lot_id"]): int(str(ask.body["good"])) for ask in asks if "lot_id" in ask.body and ask.path.endswith("/report")}
    used: Counter[tuple[str, str]] = Counter()
    for ask in asks:
        if ask.path.endswith("/consume"):
            component = str(ask.body["lot_id"]).rpartition("-")[0]
            used[str(ask.body["into_lot_id"]), component] += int(str(ask.body["quantity"]))
    assert len(packed) > 20
    for pallet, pieces in packed.items():
        assert {component: used[pallet, component] for component in ("HSG-200", "BRG-6004", "GRW-200")} == {
            "HSG-200": pieces,
            "BRG-6004": 2 * pieces,
            "GRW-200": pieces,
        }


def test_no_lot_gives_more_than_was_bought_and_each_is_bought_before_it_is_used(asks: list[Ask]) -> None:
    left: dict[str, int] = {}
    for ask in asks:
        if ask.path == "/lots":
            left[str(ask.body["lot_id"])] = int(str(ask.body["quantity"]))
        elif ask.path.endswith("/consume"):
            left[str(ask.body["lot_id"])] -= int(str(ask.body["quantity"]))
    assert left
    assert min(left.values()) >= 0


def test_an_operation_starts_before_it_is_completed_and_no_step_is_from_the_future(facts: list[Fact]) -> None:
    crew, begun = Crew(SHIFT, "L1", MACHINES, START), set()
    for fact in facts:
        for ask in crew.happened([fact]):
            assert "at_ts" not in ask.body or datetime.fromisoformat(str(ask.body["at_ts"])) <= from_us(fact.ts_us)
            if ask.path.endswith("/start"):
                begun.add(ask.path.split("/")[2])
            elif ask.path.startswith("/operations/"):
                assert ask.path.split("/")[2] in begun


def test_each_ask_has_its_own_key_and_refers_to_answers_that_came_before(asks: list[Ask]) -> None:
    known: set[str] = set()
    for ask in asks:
        assert ask.key not in known
        assert {key for key, _ in ask.answers.values()} <= known
        known.add(ask.key)


def test_heard_in_pieces_they_do_the_same(facts: list[Fact], asks: list[Ask]) -> None:
    crew = Crew(SHIFT, "L1", MACHINES, START)
    in_pieces = [ask for first in range(0, len(facts), 97) for ask in crew.happened(facts[first : first + 97])]
    assert in_pieces == asks


def test_a_breakdown_is_called_repaired_and_explained_unless_the_script_leaves_it_open(asks: list[Ask]) -> None:
    clocks = [ask.key for ask in asks if "L1-M3/1" in ask.key]
    assert clocks == [f"{step}/L1-M3/1" for step in ("call", "accept", "arrive", "repair", "prove", "diagnose", "close")]
    stop = {"equipment_id": "L1-M3", "from_ts": (START + timedelta(hours=3, minutes=12, seconds=4)).isoformat()}
    assert reason_of(SHIFT, START, stop) == "mechanical"
    assert reason_of(SHIFT, START, {**stop, "equipment_id": "L1-M5"}) is None
    unexplained = {"equipment_id": "L1-M5", "from_ts": (START + timedelta(hours=6, minutes=41)).isoformat()}
    assert reason_of(SHIFT, START, unexplained) is None


def test_one_pallet_is_blocked_its_release_asked_for_and_it_is_not_shipped(asks: list[Ask]) -> None:
    proposals = [ask.body for ask in asks if ask.path == "/proposals"]
    assert [(body["action"], body["key"]) for body in proposals] == [("lot.release", "PO-24117-P03")]
    assert not [ask for ask in asks if ask.path == "/lots/PO-24117-P03/ship"]
    assert [ask for ask in asks if ask.path == "/lots/PO-24117-P04/ship"]


def test_the_erp_sends_what_the_line_will_make_before_it_makes_it(facts: list[Fact]) -> None:
    planner = Planner("erp", MODEL, "L1", SHIFT, START)
    sent = [ask for ask in planner.first()]
    kinds = [str(ask.body["kind"]) for ask in sent]
    assert kinds == ["materials", "bills", "routings", "orders", "orders"]
    orders = [row for ask in sent if ask.body["kind"] == "orders" for row in json.loads(str(ask.body["document"]))]
    assert [(row["order_id"], row["quantity"], row["counted_by"]) for row in orders] == [
        ("PO-24117", 620, "both"),
        ("PO-24118", 400, "machine"),
        ("PO-24118-2", 400, "machine"),
    ]
    assert not list(planner.happened(facts))
    third = [Fact(0, MACHINES[0], "order", "PO-24118-2"), Fact(1, MACHINES[1], "order", "PO-24118-2")]
    assert [json.loads(str(ask.body["document"]))[0]["order_id"] for ask in planner.happened(third)] == ["PO-24118-3"]


def test_a_repeat_is_of_the_last_order_and_nothing_else_is() -> None:
    assert script_of(SHIFT, "PO-24118-12") is SHIFT.order[-1]
    assert script_of(SHIFT, "PO-24117") is SHIFT.order[0]
    assert script_of(SHIFT, "PO-24117-2") is None


def post(port: int, body: bytes, **headers: str) -> tuple[int, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/confirmations", body, named, method="POST")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_the_erp_books_a_confirmation_once_also_after_it_was_started_anew(tmp_path: Path) -> None:
    file = tmp_path / "erp.jsonl"
    for _ in range(2):
        server = ErpServer(0, "secret", Books(file))
        try:
            for key in ("a", "b", "a"):
                status, said = post(server.port, b'{"order_id": "PO-1"}', Authorization="Bearer secret", Idempotency_Key=key)
                assert (status, said["document"]) == (200, {"a": "4900000001", "b": "4900000002"}[key])
        finally:
            server.close()
    assert [json.loads(line)["key"] for line in file.read_text().splitlines()] == ["a", "b"]


def test_the_erp_takes_nothing_without_its_token_and_no_junk(tmp_path: Path) -> None:
    file = tmp_path / "erp.jsonl"
    server = ErpServer(0, "secret", Books(file))
    try:
        assert post(server.port, b"{}", Authorization="Bearer other", Idempotency_Key="a")[0] == 401
        assert post(server.port, b"nonsense", Authorization="Bearer secret", Idempotency_Key="a")[0] == 422
        assert post(server.port, b"{}", Authorization="Bearer secret")[0] == 422
    finally:
        server.close()
    assert not file.exists()


def test_the_planner_reads_what_the_software_proposes_and_then_accepts_exactly_that() -> None:
    made = {"schedule_id": "L1.2", "made_ts": START.isoformat(), "made_by_id": "lake", "digest": "d" * 64}
    theirs = {**made, "schedule_id": "L2.1", "made_by_id": "planner"}
    assert list(decisions([made, theirs], START + timedelta(seconds=14))) == []
    (yes,) = decisions([made, theirs], START + timedelta(seconds=15))
    assert (yes.who, yes.path, yes.body) == ("planner", "/schedules/L1.2/accept", {"digest": "d" * 64})
