"""Quality, maintenance, labels and the shift's charts as pages, without script: what people see, type and get."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from lived_record import lake_rows, live
from mes_rows import T0, hour_row, shift_row, state_row
from pages_client import Pages, hidden, refusal, text
from record_plant import LINE, M1, M2, NOW, do, order

from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.models import MaintenanceOrder, MaintenanceRequest
from factolake.mes.pages.codes import qr
from factolake.mes.production.models import Lot
from factolake.mes.quality.models import Hold, Inspection, Measurement, QualityEvent

pytestmark = pytest.mark.usefixtures("record")


@pytest.fixture
def plans(record: str) -> tuple[int, int]:
    """A bore of which three are measured, and burr that is counted, at one station."""
    do("quality", "gauge.create", gauge_id="MIC-1", name="Micrometer", equipment_id=LINE, interval_days=365, due_ts="2036-01-01T00:00:00Z")
    bore = {"characteristic": "bore", "kind": "variable", "unit": "MMT", "lower": "9.5", "upper": "10.5", "sample_size": 3, "gauge_id": "MIC-1"}
    burr = {"characteristic": "burr", "kind": "attribute", "sample_size": 10, "holds_on_failure": True}
    made = [do("quality", "inspection_plan.create", equipment_id=M1, sampled_per="parts", **each) for each in (bore, burr)]
    return made[0]["id"], made[1]["id"]


def values(plan: int, *typed: str) -> dict[str, str]:
    return {f"v-{plan}-{n}": value for n, value in enumerate(typed, 1)}


def test_an_inspector_goes_from_what_is_due_to_a_booked_check(plans: tuple[int, int]) -> None:
    bore, burr = plans
    key = order("PO-1")
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=M1)
    do("planner", "order.create", order_id="PO-2", material_id="G-100", quantity=5, line_id=LINE)
    do("planner", "order.release", "PO-2")
    do("operator", "operation.start", "PO-2.10")
    do("operator", "operation.report", "PO-2.10", good=2)
    pages = Pages("quality")
    seen = text(pages.get("/quality/"))
    assert seen.count('s-held">due') == 2
    assert f'href="/quality/checks/{M1}/"' in seen
    form = text(pages.get(f"/quality/checks/{M1}/"))
    assert "9.5 to 10.5 mm" in form
    assert "Micrometer (MIC-1)" in form
    assert "at most 0 of 10 may fail" in form
    assert form.count('data-lower="9.5"') == 3
    assert key not in form
    answer = pages.post(f"/quality/checks/{M1}/", operation_id="PO-2.10", lot_id="", **values(bore, "10,1", "9.9", "10"), **{f"n-{burr}": "0"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/quality/")
    assert "bore: passed. burr: passed." in text(pages.get("/quality/"))
    assert [str(each.value.normalize()) for each in Measurement.objects.order_by("number")] == ["10.1", "9.9", "1E+1"]
    assert set(Inspection.objects.values_list("operation_id", "result")) == {("PO-2.10", "passed")}


def test_of_a_check_what_fits_is_booked_once_and_the_rest_is_said(plans: tuple[int, int]) -> None:
    bore, burr = plans
    pages, where = Pages("operator"), f"/quality/checks/{M1}/"
    sent = {**hidden(pages.get(where)), **values(bore, "10", "", "soon"), f"n-{burr}": "1"}
    first = pages.send(where, **sent)
    assert first.status_code == 422
    assert "burr: failed, 1 of 10. Everything since the last good check is held." in text(first)
    assert 'value="soon"' in text(first)
    assert f'name="n-{burr}"' not in text(first)
    again = pages.send(where, **{**sent, **values(bore, "10", "10", "10.6")})  # burr comes again with the key it was booked under
    assert again.status_code == 302
    assert "bore: failed, 1 of 3." in text(pages.get("/quality/"))
    assert Inspection.objects.count() == 2
    assert Hold.objects.count() == 1
    assert "nothing was typed" in refusal(pages.post(where))


def test_checks_of_a_station_are_not_for_everyone() -> None:
    assert Pages("planner").get(f"/quality/checks/{M1}/").status_code == 403
    assert Pages("quality").get("/quality/checks/none/").status_code == 404


def test_a_sample_too_long_for_boxes_is_typed_a_value_a_line() -> None:
    long = {"characteristic": "bore", "kind": "variable", "upper": 10, "sampled_per": "lot", "sample_size": 40}
    made = do("quality", "inspection_plan.create", equipment_id=M1, **long)
    sent = {f"v-{made['id']}": "\n".join(["9,5"] * 39 + ["11"])}
    assert Pages("quality").post(f"/quality/checks/{M1}/", **sent).status_code == 302
    assert Inspection.objects.get().nonconforming == 1


def test_a_gauge_that_may_not_be_used_is_said_before_anything_is_measured(plans: tuple[int, int]) -> None:
    do("quality", "gauge.calibrate", "MIC-1", passed=False)
    assert "Take another gauge: it is out of use." in text(Pages("quality").get(f"/quality/checks/{M1}/"))


def test_a_chart_has_points_limits_broken_rules_and_a_table(plans: tuple[int, int]) -> None:
    bore, _ = plans
    for n in range(12):
        do("operator", "inspection.create", plan_id=bore, values=[10, 10.1, 9.9], at=timezone.now() - timedelta(minutes=60 - n))
    do("operator", "inspection.create", plan_id=bore, values=[12, 12, 12.1], at=timezone.now())
    seen = text(Pages("viewer").get(f"/quality/charts/{bore}"))
    assert seen.count('class="point"') + seen.count('class="signal"') == 26
    assert "beyond a limit" in seen
    assert "upper limit" in seen
    assert seen.count("<tbody>") == 2
    assert "out of control" in seen
    western = text(Pages("viewer").get(f"/quality/charts/{bore}?rules=western_electric&limit=25"))
    assert 'value="western_electric" selected' in western
    assert Pages("viewer").get("/quality/charts/999").status_code == 404
    assert Pages("viewer").get("/quality/charts/x").status_code == 404
    assert Pages("viewer").get(f"/quality/charts/{bore}?rules=none&limit=-1").status_code == 200


def test_a_plan_without_checks_says_why_there_is_no_chart(plans: tuple[int, int]) -> None:
    assert "give at least 2" in text(Pages("quality").get(f"/quality/charts/{plans[0]}"))


def test_a_hold_shows_what_it_covers_and_its_release_is_asked_for() -> None:
    key = order()
    do("operator", "operation.start", key)
    do("operator", "operation.report", key, good=3, lot_id="LOT-1")
    made = do("quality", "hold.create", lot_id="LOT-1", reason="hardness")
    pages = Pages("quality")
    assert f'href="/quality/holds/{made["id"]}"' in text(pages.get("/quality/"))
    seen = text(pages.get(f"/quality/holds/{made['id']}"))
    assert "LOT-1" in seen
    assert "2 other people approve a release" in seen
    assert pages.post(f"/actions/hold.release/{made['id']}", reason="measured again").headers["Location"] == "/approvals/"
    assert "Release all of it" not in text(Pages("operator").get(f"/quality/holds/{made['id']}"))
    assert pages.get(f"/records/holds/{made['id']}").headers["Location"] == f"/quality/holds/{made['id']}"


def test_what_does_not_conform_offers_only_the_step_that_comes_next() -> None:
    do("planner", "material.create", material_id="G-100")
    do("planner", "lot.create", lot_id="S-1", material_id="G-100", quantity=10, equipment_id=LINE)
    made = do("operator", "nonconformance.create", equipment_id=LINE, description="scratched", lot_id="S-1")

    def offered() -> set[str]:
        return set(re.findall(rf"/actions/nonconformance\.(\w+)/{made['id']}", text(Pages("quality").get("/quality/"))))

    assert offered() == {"contain"}
    do("quality", "nonconformance.contain", str(made["id"]), reason="on hold")
    assert offered() == {"concede", "rework", "send_back", "scrap"}
    assert "nonconformance.rework" not in text(Pages("operator").get("/quality/"))


def test_an_event_is_seen_with_one_tap() -> None:
    do("operator", "quality_event.create", equipment_id=LINE, kind="drift", severity="major", source="model")
    pages = Pages("quality")
    tap = re.search(r'<form class="tap".*?</form>', text(pages.get("/quality/")), re.DOTALL)
    assert tap is not None
    assert tapped(pages, "/quality/", "quality_event.acknowledge").headers["Location"] == "/quality/"
    assert QualityEvent.objects.get().state == "acknowledged"


def tapped(pages: Pages, where: str, name: str) -> Any:
    """The one tap of the form for action `name`."""
    forms = re.findall(r'<form class="tap" method="post" action="([^"]+)">(.*?)</form>', text(pages.get(where)), re.DOTALL)
    target, body = next((target, body) for target, body in forms if f"/{name}/" in target)
    return pages.send(target, **dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', body)))


def test_a_request_becomes_an_order_whose_clocks_are_set_one_tap_at_a_time() -> None:
    do("operator", "maintenance_request.create", equipment_id=M2, description="noise", is_stopped=True)
    pages, operator, where = Pages("maintenance"), Pages("operator"), "/maintenance/"
    assert "noise" in text(operator.get(where))
    assert "maintenance_request.accept" not in text(operator.get(where))
    assert tapped(pages, where, "maintenance_request.accept").headers["Location"] == where
    assert "maintenance_order.repair" not in text(pages.get(where))
    for verb in ("arrive", "repair"):
        assert tapped(pages, where, f"maintenance_order.{verb}").status_code == 302
    assert tapped(operator, where, "maintenance_order.prove").status_code == 302
    assert "Say what failed" in text(pages.get(where))
    found = MaintenanceOrder.objects.get()
    do("maintenance", "maintenance_order.diagnose", str(found.pk), mode_id=mode(), at=timezone.now())
    assert tapped(pages, f"/maintenance/orders/{found.pk}", "maintenance_order.close").status_code == 302
    found.refresh_from_db()
    assert (found.state, MaintenanceRequest.objects.get().state) == ("closed", "done")
    seen = text(pages.get(f"/maintenance/orders/{found.pk}"))
    assert seen.count('class="set"') == 5
    assert "tap" not in re.findall(r'<form class="(\w+)"', seen)


def mode() -> str:
    do("engineer", "failure_code.create", kind="mode", code="OWN", name="own")
    return "mode.OWN"


def test_planned_work_goes_without_the_clocks_of_a_stop() -> None:
    do("engineer", "preventive_plan.create", plan_id="PM-1", equipment_id=M1, description="grease", every_days=30, first_due_ts=NOW.isoformat())
    pages, where = Pages("maintenance"), "/maintenance/"
    assert 's-held">due' in text(pages.get(where))
    for name in ("preventive_plan.request", "maintenance_request.accept", "maintenance_order.arrive", "maintenance_order.repair"):
        assert tapped(pages, where, name).status_code == 302, name
    assert "asked for" in text(pages.get(where))
    assert tapped(pages, where, "maintenance_order.close").status_code == 302
    assert MaintenanceOrder.objects.get().state == "closed"
    assert 's-held">due' not in text(pages.get(where))


def test_a_label_of_each_kind_carries_what_the_scanner_takes() -> None:
    key = order("PO-1", customer="Acme")
    do("operator", "operation.start", key)
    do("planner", "lot.create", lot_id="S-1", material_id="G-100", quantity=10, equipment_id=LINE, pallet="P-7")
    do("planner", "lot.create", lot_id="Lä-2", material_id="G-100", quantity=10, equipment_id=LINE, pallet="P-7")
    pages, operator = Pages("planner"), Pages("operator")
    for kind, scanned, words in (
        ("lot", "S-1", "10 pcs"), ("order", "PO-1", "Acme"), ("operation", "PO-1.10", "Gearbox assembly"),
        ("pallet", "P-7", "S-1: 10 pcs G-100"), ("station", M2, "Bearing press"), ("lot", "Lä-2", "P-7"),
    ):  # fmt: skip
        seen = text(pages.get("/labels/", data={"kind": kind, "keys": scanned}))
        assert qr(scanned).path in seen, kind
        assert words in seen, kind
        assert ("DataMatrix of" in seen) == scanned.isascii()
        answer = operator.get(f"/terminals/{LINE}/scan", data={"code": scanned})
        assert answer.status_code in (200, 302), (kind, refusal(answer))
    assert "Pallet P-7: which lot?" in text(operator.get(f"/terminals/{LINE}/scan?code=P-7"))
    assert operator.get(f"/terminals/{LINE}/scan", data={"code": M2}).headers["Location"] == f"/terminals/{M2}/"


def test_labels_come_as_many_as_asked_for_and_light_however_many() -> None:
    do("planner", "material.create", material_id="G-100")
    for n in range(17):
        do("planner", "lot.create", lot_id=f"LOT-{n:03}-" + "x" * 60, material_id="G-100", quantity=10, equipment_id=LINE)
    lots = sorted(Lot.objects.values_list("pk", flat=True))
    answer = Pages("planner").get("/labels/", data={"kind": "lot", "keys": "\n".join(lots[:16]), "copies": "3", "layout": "sheet"})
    assert text(answer).count('<article class="label">') == 48
    assert len(answer.content) < 200 * 1024
    for keys, copies, why in (("\n".join(lots), "1", "too many at once"), ("none", "1", "there is no lot none"), ("x" * 4000, "1", "no lot")):
        assert why in refusal(Pages("planner").get("/labels/", data={"kind": "lot", "keys": keys, "copies": copies}))
    assert text(Pages("planner").get("/labels/", data={"kind": "lot", "keys": lots[0], "copies": "-1"})).count("<article") == 1


def test_the_board_draws_the_shift_from_the_lake(record: str) -> None:
    pages = Pages("viewer")
    assert "<svg" not in text(pages.get(f"/boards/{LINE}/?part=charts"))
    lake_rows(record, "gold.oee_shift", [shift_row(LINE, gq=90, equipment_level="ProductionLine", from_ts=T0, as_of=T0 + timedelta(hours=2))])
    busy = {"pbt_us": 3_600_000_000, "ideal_us": 50 * 60_000_000}
    lake_rows(record, "gold.oee_hour", [hour_row("L1-M6", n, gq=45, pq=50, **busy) for n in range(2)])
    before = state_row(M1, -300, to_ts=T0 + timedelta(minutes=60), duration_us=1)
    after = state_row(M1, 60, "fault", to_ts=T0 + timedelta(hours=9), duration_us=1)
    lake_rows(record, "silver.machine_states", [state_row(M1, -400, "fault"), before, after])
    seen = text(pages.get(f"/boards/{LINE}/?part=charts"))
    assert "Good parts at Packing: 90 of 120 at the planned speed" in seen
    assert "Producing 60, Fault 60" in seen
    assert "2026-03-02 06:00 to 14:00" in seen
    assert 'class="band a-bad"' in seen


@pytest.mark.usefixtures("record")
def test_every_page_of_a_lived_record_is_light(record: str) -> None:
    live(record)
    pages = {who: Pages(who) for who in ("viewer", "operator", "quality", "maintenance", "planner")}
    for who, where in (
        ("viewer", f"/boards/{LINE}/"), ("operator", f"/terminals/{M1}/"), ("quality", "/quality/"), ("operator", f"/quality/checks/{M1}/"),
        ("quality", "/quality/charts/1"), ("maintenance", "/maintenance/"), ("planner", "/orders/PO-1001"), ("quality", "/lots/L-1001-A"),
    ):  # fmt: skip
        answer = pages[who].get(where)
        assert (answer.status_code, len(answer.content) < 75 * 1024) == (200, True), where


def test_many_characteristics_are_shown_a_line_at_a_time() -> None:
    line = Equipment.objects.get(pk=LINE)
    values = {"name": "Shafts", "level": "ProductionLine", "parent": line.parent, "path": "acme/bremen/assembly/L2"}
    other = Equipment.objects.create(equipment_id="L2", changed_ts=NOW, **values)
    do("admin", "grant.create", person_id="quality", role="quality")
    for n in range(50):
        do("quality", "inspection_plan.create", equipment_id=LINE, characteristic=f"bore {n}", kind="attribute", sampled_per="lot")
    do("quality", "inspection_plan.create", equipment_id=other.pk, characteristic="runout", kind="attribute", sampled_per="lot")
    pages = Pages("quality")
    whole = text(pages.get("/quality/"))
    assert "choose a line" in whole
    assert "runout" not in whole
    there = text(pages.get("/quality/?line=L2"))
    assert "runout" in there
    assert "bore" not in there
    assert "choose a line" not in there
