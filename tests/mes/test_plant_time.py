"""Pages in plant time, the API in UTC: what is shown, what is typed, and the two nights a year on which the clock is not clear."""

import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from pages_client import Pages, refusal, text
from record_plant import LINE, NOW, Api, do, order

from factolake.config import load_plant
from factolake.domain.calendar import plant_zone
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.refusals import Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.equipment.seed import seed
from factolake.mes.pages.plant_time import choices, to_utc, typed
from factolake.mes.production.models import Order

BERLIN = plant_zone("Europe/Berlin")


@pytest.mark.usefixtures("record")
def test_a_page_shows_and_takes_plant_time_and_the_api_stays_in_utc() -> None:
    order("PO-1", due_ts="2026-07-01T06:00:00Z")
    pages = Pages("planner")
    assert "2026-07-01 08:00" in text(pages.get("/orders/PO-1"))
    assert "plant time, Europe/Berlin" in text(pages.get("/orders/PO-1"))
    assert Api("planner").get("/orders/PO-1").json()["due_ts"] == "2026-07-01T06:00:00Z"
    sent = {"order_id": "PO-2", "material_id": "G-100", "quantity": "5", "line_id": LINE}
    assert pages.post("/actions/order.create/", **sent, due_ts="2026-12-24T17:30").status_code == 302
    assert Order.objects.get(pk="PO-2").due_ts == datetime(2026, 12, 24, 16, 30, tzinfo=UTC)
    booked = json.loads(AuditEntry.objects.filter(action="order.create").latest("number").payload)
    assert booked["due_ts"].endswith(("Z", "+00:00"))


@pytest.mark.usefixtures("record")
def test_a_time_that_the_clock_shows_twice_is_asked_for_and_one_that_it_skips_is_refused() -> None:
    order("PO-1")
    pages, sent = Pages("planner"), {"order_id": "PO-2", "material_id": "G-100", "quantity": "5", "line_id": LINE}
    skipped = pages.post("/actions/order.create/", **sent, due_ts="2026-03-29T02:30")
    assert refusal(skipped).startswith("the clock never shows 02:30 on 2026-03-29 in Europe/Berlin")
    twice = pages.post("/actions/order.create/", **sent, due_ts="2026-10-25T02:30")
    assert "twice" in refusal(twice)
    assert 'name="due_ts.offset"' in text(twice)
    assert 'value="2026-10-25T02:30"' in text(twice)
    once = pages.post("/actions/order.create/", **sent, **{"due_ts": "2026-10-25T02:30", "due_ts.offset": "+01:00"})
    assert once.status_code == 302
    assert Order.objects.get(pk="PO-2").due_ts == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_typed_times_are_read_in_the_zone_of_the_plant() -> None:
    with timezone.override(BERLIN):
        assert to_utc("2026-01-05T07:00") == "2026-01-05T06:00:00+00:00"
        assert to_utc("2026-01-05T07:00:00Z") == "2026-01-05T07:00:00Z"
        assert to_utc(" soon ") == "soon"
        assert choices("2026-10-25T02:00:00") == (("+02:00", "the first, UTC+02:00"), ("+01:00", "the second, UTC+01:00"))
        assert choices("2026-10-25T03:00:00") == ()
        assert to_utc("2026-10-25T02:30", "+02:00") == "2026-10-25T00:30:00+00:00"
        with pytest.raises(Invalid, match="which of the two"):
            to_utc("2026-10-25T02:30", "+05:00")
        assert typed("2026-07-01T06:00:00Z") == "2026-07-01T08:00:00"
        assert typed("2026-07-01T06:00") == "2026-07-01T06:00"
    with timezone.override(plant_zone("UTC+05:30")):
        assert to_utc("2026-10-25T02:30") == "2026-10-24T21:00:00+00:00"


@pytest.mark.usefixtures("record")
def test_of_two_sites_a_person_gets_the_time_of_their_own() -> None:
    order("PO-1", due_ts="2026-07-01T06:00:00Z")
    acme = Equipment.objects.get(pk="acme")
    Equipment.objects.create(equipment_id="aachen", name="A", level="Site", parent=acme, path="acme/aachen", time_zone="UTC+01:00", changed_ts=NOW)
    assert "2026-07-01 08:00" in text(Pages("quality").get("/orders/PO-1"))
    do("admin", "grant.create", person_id="nobody", role="viewer", scope_id="aachen")
    assert "plant time, UTC+01:00" in text(Pages("nobody").get("/"))


@pytest.mark.usefixtures("record")
def test_a_record_of_an_earlier_release_gets_the_zone_of_the_plant_file_and_keeps_one_it_has(request: pytest.FixtureRequest) -> None:
    model = load_plant(request.config.rootpath / "conf" / "plant.toml")
    Equipment.objects.filter(pk="bremen").update(time_zone="")
    assert (seed(model, NOW), Equipment.objects.get(pk="bremen").time_zone) == (0, "Europe/Berlin")
    Equipment.objects.filter(pk="bremen").update(time_zone="UTC+02:00")
    seed(model, NOW)
    assert Equipment.objects.get(pk="bremen").time_zone == "UTC+02:00"
