"""Alerts on pages: the count in the head, one tap to acknowledge, danger and help from a terminal in two, sign-on as presence."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pages_client import QUICK, Pages, refusal, text
from record_plant import LINE, M1, do

from factolake.mes.alerts.models import Alert, AlertNotice
from factolake.mes.pages.signin import DEVICE_COOKIE
from factolake.mes.people.models import Person
from factolake.mes.people.secrets import token_hash
from factolake.mes.personnel.models import Presence

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change


@pytest.fixture(autouse=True)
def quick_passwords() -> Iterator[None]:
    with QUICK:
        yield


def danger(words: str = "") -> Alert:
    made = do("planner", "alert.create", equipment_id=M1, danger="guard_open", text=words)
    return Alert.objects.get(pk=made["id"])


@on_sqlite
def test_the_head_of_every_page_counts_what_waits_and_asks_again_by_itself() -> None:
    pages = Pages("quality")
    for address in ("/", "/orders/", "/boards/L1/", "/alerts/", "/nowhere"):
        assert 'aria-label="0 open alerts"' in text(pages.get(address)), address
    danger()
    do("operator", "maintenance_request.create", equipment_id=M1, description="noise")  # for maintenance, not for quality
    head = text(pages.get("/orders/"))
    assert 'aria-label="1 open alert, danger"' in head
    assert 'hx-get="/alerts/bell"' in head
    again = text(pages.get("/alerts/bell", headers={"HX-Request": "true"}))
    assert again.startswith('<a id="bell" class="bell danger"')
    assert Pages().get("/alerts/bell", headers={"HX-Request": "true"}).status_code == 401


@on_both
def test_one_tap_acknowledges_and_who_raised_it_has_no_button() -> None:
    alert = danger("<b>hand</b>")
    reporter, quality = Pages("planner"), Pages("quality")
    assert "I look after it" not in text(reporter.get("/alerts/"))
    shown = text(quality.get("/alerts/"))
    assert "&lt;b&gt;hand&lt;/b&gt;" in shown
    assert "Told to you" in shown
    done = quality.post(f"/actions/alert.acknowledge/{alert.pk}", "/alerts/")
    assert (done.status_code, done.headers["Location"]) == (302, "/alerts/")
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by_id) == ("acknowledged", "quality")
    assert "Quality looks after it since" in text(quality.get("/alerts/"))
    late = quality.post(f"/actions/alert.acknowledge/{alert.pk}", f"/actions/alert.close/{alert.pk}")
    assert (late.status_code, "is acknowledged and cannot become acknowledged" in refusal(late)) == (409, True)


@on_sqlite
def test_an_alerts_page_tells_its_history_and_closing_asks_what_was_done() -> None:
    alert = danger()
    quality = Pages("quality")
    shown = text(quality.get(f"/alerts/{alert.pk}"))
    assert "Told, step 1" in shown
    assert "nobody is on shift as anybody at acme/bremen/assembly/L1" in shown
    assert quality.post(f"/actions/alert.close/{alert.pk}").status_code == 422
    quality.post(f"/actions/alert.close/{alert.pk}", done="guard screwed on")
    assert "guard screwed on" in text(quality.get("/alerts/?show=history"))
    assert "guard screwed on" not in text(quality.get("/alerts/"))


@on_sqlite
def test_alerts_of_other_places_are_not_there_unless_one_was_told_of_them() -> None:
    from factolake.mes.people.models import Grant

    Grant.objects.filter(person="viewer").update(scope="acme/bremen/paint")
    alert = danger()
    viewer = Pages("viewer")
    assert (viewer.get(f"/alerts/{alert.pk}").status_code, viewer.get("/alerts/x").status_code) == (404, 404)
    AlertNotice.objects.create(alert=alert, person_id="viewer", step=9, at_ts=alert.raised_ts, changed_ts=alert.raised_ts)
    assert "Guard open" in text(viewer.get("/alerts/"))
    assert viewer.get(f"/alerts/{alert.pk}").status_code == 200


@on_sqlite
def test_danger_is_two_taps_on_the_terminal_and_a_call_for_help_is_an_alert_too() -> None:
    operator = Pages("operator")
    shown = text(operator.get(f"/terminals/{M1}/"))
    assert '<summary class="key bad">Danger</summary>' in shown
    assert '<button class="key" name="danger" value="person_hurt">Person hurt</button>' in shown
    form = {"made_by": "operator", "equipment_id": M1, "kind": "safety", "danger": "person_hurt"}
    assert operator.post(f"/terminals/{M1}/danger/{M1}", f"/terminals/{M1}/", **form).status_code == 302
    alert = Alert.objects.get()
    assert (alert.kind, alert.danger, alert.raised_by_id) == ("safety", "person_hurt", "operator")
    assert "Everybody on shift at this line is told." in text(operator.get(f"/terminals/{M1}/"))
    call = {"made_by": "operator", "equipment_id": M1, "description": "smoke", "is_stopped": "true"}
    operator.post(f"/terminals/{M1}/help/{M1}", f"/terminals/{M1}/", **call)
    assert Alert.objects.get(kind="help").text == f"{M1}: it stands still: smoke"


@on_both
def test_signing_on_at_a_tablet_counts_as_being_there_and_signing_out_ends_it() -> None:
    do("engineer", "device.create", label="Tablet", equipment_id=LINE, hash=token_hash("device"))
    do("admin", "person.set_badge", "operator", badge="B-1", pin="1234")
    pages = Pages()
    pages.client.cookies[DEVICE_COOKIE] = "device"
    assert pages.post("/sign-on", badge="B-1", password="1234").status_code == 302
    there = Presence.objects.get()
    assert (there.person_id, there.equipment_id, there.to_ts - there.from_ts) == ("operator", LINE, timedelta(hours=12))
    assert 'href="/alerts/"' in text(pages.get(f"/terminals/{LINE}/"))
    assert pages.post("/logout", f"/terminals/{LINE}/").status_code == 302
    there.refresh_from_db()
    assert there.to_ts <= timezone.now()


@on_sqlite
def test_an_address_is_typed_into_a_field_for_addresses_and_never_shown_again() -> None:
    admin = Pages("admin")
    assert 'type="email"' in text(admin.get("/actions/person.set_email/quality"))
    admin.post("/actions/person.set_email/quality", email="quality@plant.example")
    assert Person.objects.get(pk="quality").contact.email == "quality@plant.example"
    for address in ("/people/quality", "/records/contacts/", "/records/contacts/quality"):
        assert "plant.example" not in text(admin.get(address)), address
