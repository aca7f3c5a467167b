"""Gauges, plans and inspections; quality events; nonconformances and corrective actions."""

import json
import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from record_plant import LINE, M1, NOW, Api, do, order

from factolake.mes.core.models import OutboxEvent
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Lot
from factolake.mes.quality.due_checks import due_checks
from factolake.mes.quality.judge import SinceLast, conforms, is_due
from factolake.mes.quality.models import CorrectiveAction, CorrectiveStep, Hold, InspectionPlan, Measurement, Nonconformance, QualityEvent, SampledPer
from factolake.mes.quality.spc import xbar_r

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
APPROVED = {"approval": "proposal 1"}
BORE = {"equipment_id": LINE, "characteristic": "bore", "kind": "variable", "lower": "9.9", "upper": "10.1", "sampled_per": "parts"}


def plan(**more: Any) -> int:
    return int(do("quality", "inspection_plan.create", **{**BORE, **more})["id"])


def lot(lot_id: str = "LOT-1", good: int = 10) -> str:
    operation = order()
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=good, lot_id=lot_id)
    return lot_id


@on_both
def test_a_check_is_judged_by_its_limits_and_a_failed_one_is_told_at_once() -> None:
    bore = plan(sample_size=3)
    passed = do("operator", "inspection.create", plan_id=bore, values=["9.9", "10", "10.1"])
    failed = do("operator", "inspection.create", plan_id=bore, values=["9.9", "10", "10.100001"])
    assert (passed["result"], failed["result"], failed["nonconforming"]) == ("passed", "failed", 1)
    assert list(Measurement.objects.filter(inspection=failed["id"]).values_list("number", "conforms")) == [(1, True), (2, True), (3, False)]
    event = QualityEvent.objects.get()
    assert (event.kind, event.text, json.loads(event.evidence)["inspection_id"]) == ("inspection_failed", "bore: 1 of 3 failed", failed["id"])
    assert OutboxEvent.objects.filter(kind="mes.quality_event", object_id=str(event.pk)).exists()
    assert not Hold.objects.exists()


@on_sqlite
def test_an_attribute_is_counted_up_to_what_its_plan_accepts() -> None:
    burr = plan(characteristic="burr", kind="attribute", lower=None, upper=None, sample_size=50, accept_up_to=1)
    for count, result in ((1, "passed"), (2, "failed")):
        assert do("operator", "inspection.create", plan_id=burr, nonconforming=count)["result"] == result
    for values in ({"values": ["1"]}, {}, {"nonconforming": 0, "sample_size": 49}, {"nonconforming": 51}):
        with pytest.raises(Exception, match="burr"):
            do("operator", "inspection.create", plan_id=burr, **values)


@on_both
def test_a_gauge_past_its_date_or_out_of_use_measures_nothing() -> None:
    do("quality", "gauge.create", gauge_id="MIC-1", name="Micrometer", equipment_id=LINE, interval_days=30, due_ts=NOW + timedelta(days=1))
    bore = plan(gauge_id="MIC-1")
    late = NOW + timedelta(days=2)
    with pytest.raises(Exception, match=r"gauge MIC-1 was due for calibration at .*; measure with another one or have it calibrated"):
        do("operator", "inspection.create", plan_id=bore, values=["10"], at=late)
    assert do("operator", "inspection.create", plan_id=bore, values=["10"])["gauge_id"] == "MIC-1"
    do("quality", "gauge.calibrate", "MIC-1", passed=True, certificate="C-1", at=late)
    do("operator", "inspection.create", plan_id=bore, values=["10"], at=late + timedelta(days=29))
    do("quality", "gauge.calibrate", "MIC-1", passed=False, at=late + timedelta(days=29, hours=1))
    with pytest.raises(Exception, match="gauge MIC-1 is out of use"):
        do("operator", "inspection.create", plan_id=bore, values=["10"], at=late + timedelta(days=29, hours=2))
    with pytest.raises(Exception, match="calibrations are recorded in their order"):
        do("quality", "gauge.calibrate", "MIC-1", passed=True, at=late)


@on_both
def test_a_new_plan_ends_the_one_before_and_a_check_takes_the_valid_one() -> None:
    old, new = plan(), plan(upper="10.2")
    ended = InspectionPlan.objects.get(pk=old)
    assert ended.valid_to == InspectionPlan.objects.get(pk=new).valid_from
    with pytest.raises(Exception, match=f"inspection plan {old} is valid from"):
        do("operator", "inspection.create", plan_id=old, values=["10"])
    assert do("operator", "inspection.create", plan_id=new, values=["10.2"])["result"] == "passed"
    do("quality", "inspection_plan.end", str(new), reason="drawing changed")
    with pytest.raises(Exception, match="ended at"):
        do("quality", "inspection_plan.end", str(new), reason="again")


@on_sqlite
def test_a_check_is_of_its_plans_material() -> None:
    do("planner", "material.create", material_id="SHAFT")
    with pytest.raises(Exception, match="is for material SHAFT, what was checked is G-100"):
        do("operator", "inspection.create", plan_id=plan(material_id="SHAFT"), values=["10"], lot_id=lot())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"lower": "10.1", "upper": "9.9"}, "they go up"),
        ({"nominal": "11"}, "they go up"),
        ({"lower": None, "upper": None}, "give lower, upper or both"),
        ({"kind": "attribute"}, "counted, not measured"),
        ({"sample_size": 5, "accept_up_to": 5}, "could never fail"),
        ({"lower": "NaN"}, "lower"),
    ],
)
def test_a_plan_that_could_judge_nothing_is_refused(sqlite_record: str, values: dict[str, object], said: str) -> None:
    with pytest.raises(Exception, match=said):
        plan(**values)


def test_a_value_on_a_limit_conforms() -> None:
    assert conforms(Decimal("9.9"), Decimal("9.90"), None)
    assert not conforms(Decimal("9.899999"), Decimal("9.9"), None)


@pytest.mark.parametrize(
    ("per", "every", "minutes", "parts", "lots", "due"),
    [
        (SampledPer.PARTS, 50, None, 1, 1, True),  # never checked: the first part is
        (SampledPer.PARTS, 50, None, 0, 0, False),  # nothing made
        (SampledPer.PARTS, 50, 10, 49, 1, False),
        (SampledPer.PARTS, 50, 10, 50, 1, True),
        (SampledPer.MINUTES, 30, 29, 5, 1, False),
        (SampledPer.MINUTES, 30, 30, 5, 1, True),
        (SampledPer.MINUTES, 30, 90, 0, 0, False),  # the machine stood
        (SampledPer.LOT, 2, 10, 500, 1, False),
        (SampledPer.LOT, 2, 10, 500, 2, True),
    ],
)
def test_a_check_is_due_by_parts_minutes_or_lots(per: SampledPer, every: int, minutes: int | None, parts: int, lots: int, due: bool) -> None:
    last = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert is_due(per, every, SinceLast(last, Decimal(parts), lots), NOW) is due


@on_both
def test_an_event_of_a_model_is_one_however_often_it_is_sent_and_people_acknowledge_it() -> None:
    seen = {"equipment_id": M1, "kind": "surface_defect", "severity": "minor", "source": "cam-3", "source_key": "f-17", "evidence": {"score": 0.97}}
    first, second = (do("engineer", "quality_event.create", **seen) for _ in range(2))
    assert first["id"] == second["id"]
    do("operator", "quality_event.acknowledge", str(first["id"]))
    with pytest.raises(Exception, match="is acknowledged and cannot become acknowledged"):
        do("operator", "quality_event.acknowledge", str(first["id"]))
    with pytest.raises(Exception, match=r"only people may quality_event\.acknowledge"):
        do("agent", "quality_event.acknowledge", str(first["id"]))
    with pytest.raises(Exception, match="send hashes of large things"):
        do("engineer", "quality_event.create", **{**seen, "evidence": {"image": "x" * 20_000}})


@on_both
def test_a_nonconformance_is_contained_disposed_of_and_closed_in_this_order() -> None:
    found = str(do("operator", "nonconformance.create", equipment_id=LINE, lot_id=lot(), quantity=4, description="bore too wide")["id"])
    do("operator", "defect.create", equipment_id=LINE, cause_id="dimension", quantity=4, lot_id="LOT-1", nonconformance_id=int(found))
    with pytest.raises(Exception, match="is open and cannot become dispositioned; allowed now: contained"):
        do("quality", "nonconformance.rework", found, reason="ream")
    contained = do("quality", "nonconformance.contain", found, reason="bore")
    assert Lot.objects.get().status == "blocked"
    with pytest.raises(Exception, match=f"nonconformance {found} is contained; decide what becomes of it"):
        do("quality", "hold.release", str(contained["hold_id"]), reason="fine", **APPROVED)
    for costly in ("concede", "scrap"):
        with pytest.raises(Exception, match="is of class release_or_money"):
            do("quality", f"nonconformance.{costly}", found, reason="x")
    done = do("quality", "nonconformance.concede", found, reason="customer agrees", **APPROVED)
    assert (done["disposition"], done["dispositioned_by_id"]) == ("use_as_is", "quality")
    do("quality", "hold.release", str(contained["hold_id"]), reason="concession", **APPROVED)
    do("quality", "nonconformance.close", found, reason="done")
    assert (Lot.objects.get().status, Nonconformance.objects.get().state) == ("unrestricted", "closed")


@on_both
def test_scrap_takes_its_quantity_from_the_lot_and_the_last_of_it_for_good() -> None:
    lot()
    for quantity, remaining, status in ((4, 6, "blocked"), (None, 0, "scrapped")):
        asked = {} if quantity is None else {"quantity": quantity}
        found = str(do("operator", "nonconformance.create", equipment_id=LINE, lot_id="LOT-1", description="cracked", **asked)["id"])
        hold = do("quality", "nonconformance.contain", found, reason="cracks")["hold_id"]
        do("quality", "nonconformance.scrap", found, reason="no use", **APPROVED)
        assert (Lot.objects.get().remaining, Lot.objects.get().status) == (remaining, status)
    assert Hold.objects.get().pk == hold  # the second one found the lot contained already
    do("quality", "hold.release", str(hold), reason="scrapped", **APPROVED)
    assert Lot.objects.get().status == "scrapped"


def corrective(**more: Any) -> str:
    asked = {"equipment_id": LINE, "problem": "cracks", "owner_id": "engineer", "effectiveness_check": "100 parts without a crack"}
    dates = {"due_ts": NOW + timedelta(days=30), "check_due_ts": NOW + timedelta(days=60)}
    return str(do("quality", "corrective_action.create", **{**asked, **dates, **more})["id"])


def work_off(key: str) -> int:
    steps = CorrectiveStep.objects.filter(corrective_action=key, done_ts=None)
    return sum(bool(do("engineer", "corrective_step.complete", str(step.pk), finding=f"did {step.code}")) for step in list(steps))


@on_sqlite
def test_a_corrective_action_is_effective_when_somebody_else_has_seen_that_it_helped() -> None:
    found = str(do("operator", "nonconformance.create", equipment_id=LINE, description="cracks")["id"])
    do("quality", "nonconformance.contain", found, reason="cracks")
    do("quality", "nonconformance.rework", found, reason="weld")
    key = corrective(nonconformance_id=int(found), owner_id="quality")
    with pytest.raises(Exception, match="is open and cannot become effective"):
        do("quality2", "corrective_action.verify", key, is_effective=True, evidence="x")
    for step in list(CorrectiveStep.objects.all()):
        do("quality", "corrective_step.complete", str(step.pk), finding="done")
    with pytest.raises(Exception, match=f"nonconformance {found} waits for corrective action {key}, which is implemented"):
        do("quality", "nonconformance.close", found, reason="done")
    with pytest.raises(Exception, match="does not check their own work"):
        do("quality", "corrective_action.verify", key, is_effective=True, evidence="x")
    do("quality2", "corrective_action.verify", key, is_effective=True, evidence="120 parts, no crack")
    do("quality", "nonconformance.close", found, reason="done")
    assert CorrectiveAction.objects.get().state == "effective"


@on_sqlite
@pytest.mark.parametrize(("method", "steps", "again"), [("8d", 9, 5), ("capa", 6, 3)])
def test_what_did_not_help_begins_anew_at_the_root_cause(method: str, steps: int, again: int) -> None:
    key = corrective(method=method)
    assert work_off(key) == steps
    do("quality", "corrective_action.verify", key, is_effective=False, evidence="3 cracks in 100")
    assert (CorrectiveAction.objects.get().state, CorrectiveAction.objects.get().rounds) == ("open", 2)
    assert work_off(key) == again
    assert CorrectiveAction.objects.get().state == "implemented"


@on_sqlite
def test_steps_are_done_in_order_by_who_they_are_of() -> None:
    corrective()
    first, second, *_ = CorrectiveStep.objects.all()
    with pytest.raises(Exception, match=r"step D0 of corrective action .* comes before D1"):
        do("engineer", "corrective_step.complete", str(second.pk), finding="x")
    with pytest.raises(Exception, match=r"step D0 of corrective action .* is of engineer; they complete it, or quality does"):
        do("operator", "corrective_step.complete", str(first.pk), finding="x")
    do("engineer", "corrective_step.assign", str(first.pk), owner_id="operator", due_ts=NOW + timedelta(days=2))
    do("operator", "corrective_step.complete", str(first.pk), finding="team is ready")
    with pytest.raises(Exception, match="is done and the action open; only open ones are worked on"):
        do("operator", "corrective_step.complete", str(first.pk), finding="again")


@on_sqlite
def test_quality_is_asked_over_http() -> None:
    bore = plan()
    made = Api("operator").post("/inspections", {"plan_id": bore, "values": [10.2]}).json()
    assert made["result"] == "failed"
    hold = Api("operator").post("/holds", {"inspection_id": made["id"], "reason": "bore"})
    assert (hold.status_code, hold.json()["equipment_id"]) == (201, LINE)
    assert Api("quality").post(f"/holds/{hold.json()['id']}/release", {"reason": "x"}).status_code == 403
    assert [row["state"] for row in Api("viewer").all(f"/holds?equipment_id={LINE}")] == ["open"]


@on_both
def test_the_charts_of_a_plan_are_those_of_its_checks() -> None:
    """Twenty subgroups of five about 10, then one far off: the same numbers as the charts of the values themselves."""
    bore = plan(sample_size=5, nominal="10")
    chance = random.Random(1)
    groups = [[round(chance.gauss(10, 0.02), 6) for _ in range(5)] for _ in range(20)]
    for values in groups:
        do("operator", "inspection.create", plan_id=bore, values=[str(v) for v in values])
    calm = Api("viewer").get(f"/inspection-plans/{bore}/chart").json()
    means, ranges = xbar_r(groups)
    assert [c["kind"] for c in calm["charts"]] == ["xbar", "r"]
    assert [c["points"] for c in calm["charts"]] == [pytest.approx(means.points), pytest.approx(ranges.points)]
    assert (calm["charts"][0]["centre"], calm["charts"][0]["upper"][0]) == (pytest.approx(means.centre), pytest.approx(means.upper[0]))
    assert (calm["capability"]["n"], calm["note"]) == (100, "")
    assert calm["capability"]["cp"] == pytest.approx(0.2 / (6 * (means.sigma or 0)))
    far = do("operator", "inspection.create", plan_id=bore, values=["10.4"] * 5)
    wild = Api("viewer").get(f"/inspection-plans/{bore}/chart?rules=western_electric").json()
    assert wild["checks"][-1] == {"inspection_id": far["id"], "at_ts": far["at_ts"], "result": "failed"}
    assert {"rule": 1, "name": "beyond_limit", "indices": [20]} in wild["charts"][0]["signals"]
    assert (wild["capability"], wild["note"]) == (None, "the process is out of control, so its capability means nothing; find out why first")
    assert len(Api("viewer").get(f"/inspection-plans/{bore}/chart?limit=7").json()["checks"]) == 7


@on_sqlite
def test_a_chart_fits_its_plan_and_says_when_there_is_too_little() -> None:
    single, burr = plan(), plan(characteristic="burr", kind="attribute", lower=None, upper=None, sample_size=50)
    few = Api("viewer").get(f"/inspection-plans/{single}/chart").json()
    assert (few["charts"], few["note"]) == ([], "there are 0 values; a chart of individuals takes at least 2")
    for k in (0, 1):
        do("operator", "inspection.create", plan_id=single, values=[f"10.0{k}"])
        do("operator", "inspection.create", plan_id=burr, nonconforming=k)
    assert [c["kind"] for c in Api("viewer").get(f"/inspection-plans/{single}/chart").json()["charts"]] == ["individuals", "mr"]
    shares = Api("viewer").get(f"/inspection-plans/{burr}/chart").json()
    assert ([c["kind"] for c in shares["charts"]], shares["charts"][0]["points"], shares["capability"]) == (["p"], [0, 0.02], None)


@on_sqlite
def test_the_checks_of_a_line_are_due_by_what_its_machines_made() -> None:
    do("planner", "material.create", material_id="G-100")
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=M1)
    bore, shaft = plan(sampled_every=10), plan(characteristic="shaft", material_id="G-100", step_number=20)

    def due(at: datetime) -> dict[int, tuple[bool, str]]:
        return {row["plan_id"]: (row["is_due"], row["parts_since"]) for row in due_checks(Equipment.objects.get(pk=LINE), at)}

    later = NOW + timedelta(days=1)
    assert due(later) == {bore: (False, "0"), shaft: (False, "0")}
    lot()
    assert due(later) == {bore: (True, "10"), shaft: (False, "0")}
    do("operator", "inspection.create", plan_id=bore, values=["10"])
    do("operator", "operation.report", "PO-1.10", good=8, scrap=1, cause_id="leak")
    assert due(later)[bore] == (False, "9")
    do("operator", "operation.report", "PO-1.10", good=1)
    assert due(later)[bore] == (True, "10")
    for asked, wanted in (("", [bore, shaft]), ("?only_due=true", [bore])):
        assert [row["plan_id"] for row in Api("viewer").get(f"/equipment/{LINE}/checks{asked}").json()["checks"]] == wanted
