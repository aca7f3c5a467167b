"""Signing in: who gets in, what nobody learns, how long a session lives, how the first administrator is made, how a tablet knows its people."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.utils import timezone
from pages_client import PASSWORD, QUICK, Pages, give_password, refusal, text
from record_plant import LINE, M1, do, person

from factolake.domain.action import Role
from factolake.mes.audit.models import AuditEntry
from factolake.mes.pages.models import Device
from factolake.mes.pages.setup import setup_code
from factolake.mes.pages.signin import DEVICE_COOKIE, NOT_SIGNED_IN
from factolake.mes.people.models import Grant, Person

pytestmark = pytest.mark.usefixtures("record")
SESSION = settings.SESSION_COOKIE_NAME


@pytest.fixture(autouse=True)
def quick_passwords() -> Iterator[None]:
    with QUICK:
        yield


def sign_in(pages: Pages, person_id: str, password: str = PASSWORD) -> int:
    return pages.post("/login", username=person_id, password=password).status_code


def test_signing_in_makes_a_new_session_and_signing_out_kills_it() -> None:
    give_password("planner")
    pages = Pages("viewer")
    before = pages.client.cookies[SESSION].value
    assert sign_in(pages, "planner") == 302
    first = pages.client.cookies[SESSION].value
    assert first != before
    assert "Planner" in text(pages.get("/"))
    thief = Pages()
    thief.client.cookies[SESSION] = before
    assert thief.get("/").status_code == 302
    assert pages.post("/logout", "/").status_code == 302
    thief.client.cookies[SESSION] = first
    assert thief.get("/").status_code == 302
    assert pages.get("/logout").status_code == 405


@pytest.mark.parametrize("how", ["disabled", "new password"])
def test_a_session_ends_with_the_person_and_with_the_password(how: str) -> None:
    give_password("planner")
    pages = Pages("planner")
    assert pages.get("/").status_code == 200
    if how == "disabled":
        do("admin", "person.disable", "planner")
    else:
        do("admin", "person.set_password", "planner", password="another long password")
    assert pages.get("/").status_code == 302
    if how == "disabled":
        do("admin", "person.enable", "planner")
        assert pages.get("/").status_code == 302


def test_a_session_lives_twelve_hours_at_most_and_polling_keeps_none_alive() -> None:
    pages = Pages("planner")
    session = pages.client.session
    session["began"] = (timezone.now() - timedelta(hours=11, minutes=59)).isoformat()
    session["used"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    pages.get("/boards/L1/?part=live", headers={"HX-Request": "true"})
    assert pages.client.session["used"] == session["used"]
    assert pages.get("/").status_code == 200
    assert pages.client.session["used"] > session["used"]
    session["began"] = (timezone.now() - timedelta(hours=12, minutes=1)).isoformat()
    session.save()
    assert pages.get("/").status_code == 302
    assert settings.SESSION_COOKIE_AGE == 8 * 3600


def test_five_wrong_passwords_lock_the_person_and_nobody_learns_who_exists() -> None:
    give_password("planner")
    give_password("quality")
    answers = []
    for person_id in ("planner", "no-such-person"):
        pages = Pages()
        for _ in range(6):
            answer = pages.post("/login", username=person_id, password="wrong")
            answers.append((answer.status_code, refusal(answer)))
        answer = pages.post("/login", username=person_id, password=PASSWORD)
        answers.append((answer.status_code, refusal(answer)))
    assert set(answers) == {(403, NOT_SIGNED_IN)}
    assert sign_in(Pages(), "quality") == 302  # from the same address: people are locked, stations are not
    assert AccessAttempt.objects.count() == 2
    assert not AccessAttempt.objects.filter(post_data__contains=PASSWORD).exists()


def test_a_form_of_another_site_is_refused() -> None:
    give_password("planner")
    pages = Pages("planner")
    assert pages.send("/logout").status_code == 403
    assert pages.send("/actions/material.create/", material_id="M-1", once="k").status_code == 403
    pages.get("/actions/material.create/")
    token = {"csrfmiddlewaretoken": pages.client.cookies[settings.CSRF_COOKIE_NAME].value, "material_id": "M-1", "once": "k"}
    foreign = pages.client.post("/actions/material.create/", token, secure=True, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "on another site" in refusal(foreign)
    assert AuditEntry.objects.count() == 0


def test_cookies_and_headers_are_those_of_a_careful_server() -> None:
    give_password("planner")
    pages = Pages()
    sign_in(pages, "planner")
    cookie = pages.client.cookies[SESSION]
    assert (SESSION[:7], cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        "__Host-",
        True,
        True,
        "Strict",
        "/",
        "",
    )
    answer = pages.get("/")
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(where: str) -> None:
    give_password("planner")
    answer = Pages().post("/login", username="planner", password=PASSWORD, next=where)
    assert answer["Location"] == "/"


def test_the_first_administrator_is_made_with_the_code_and_only_once() -> None:
    Grant.objects.filter(role="admin").delete()
    code = setup_code()
    file = Path(settings.FACTOLAKE_MES_DIR) / "setup_code"
    assert file.read_text() == code
    assert file.stat().st_mode & 0o777 == 0o600
    pages = Pages()
    assert pages.get("/login")["Location"] == "/setup"
    form = {"person_id": "anna", "name": "Anna", "password": PASSWORD, "again": PASSWORD}
    assert "not the setup code" in refusal(pages.post("/setup", code="0000", **form))
    assert "password" in refusal(pages.post("/setup", code=code, **{**form, "password": "anna", "again": "anna"}))
    assert "differ" in refusal(pages.post("/setup", code=code, **{**form, "again": "x"}))
    assert not Person.objects.filter(pk="anna").exists()
    assert pages.post("/setup", code=code, **form)["Location"] == "/"
    assert "Anna" in text(pages.get("/people/"))
    assert not file.exists()
    assert setup_code() == ""
    assert Pages().get("/setup")["Location"] == "/login"
    assert sign_in(Pages(), "anna") == 302
    assert list(AuditEntry.objects.values_list("action", "actor")) == [("person.create", "setup"), ("grant.create", "setup")]


def enrolled(station: str = M1) -> Pages:
    """A browser that an engineer has made the tablet of `station`."""
    pages = Pages("engineer")
    pages.post("/tablets/", label="Tablet 1", equipment_id=station)
    pages.post("/logout", "/")
    return pages


def test_people_sign_on_at_a_station_with_badge_and_pin_and_reach_no_further() -> None:
    do("admin", "grant.create", person_id="operator", role="admin")
    do("admin", "person.set_badge", "operator", badge="B-17", pin="2468")
    pages = enrolled()
    assert pages.client.cookies[DEVICE_COOKIE]["httponly"]
    asked = pages.post("/sign-on", badge="B-17")
    assert "Type your PIN" in text(asked)
    assert pages.post("/sign-on", badge="B-17", password="0000").status_code == 403
    assert pages.post("/sign-on", badge="B-17", password="2468")["Location"] == f"/terminals/{M1}/"
    assert pages.get(f"/terminals/{M1}/").status_code == 200
    assert pages.get(f"/terminals/{LINE}/").status_code == 404
    assert pages.get("/people/").status_code == 403
    assert pages.client.get("/api/v1/people/viewer", secure=True).status_code == 200
    token = pages.client.cookies[settings.CSRF_COOKIE_NAME].value
    sent = {"X-CSRFToken": token, "Referer": "https://localhost/"}
    refused = pages.client.post("/api/v1/people/viewer/disable", "{}", content_type="application/json", secure=True, headers=sent)
    assert refused.status_code in (403, 404)
    do("engineer", "device.revoke", str(Device.objects.get().pk))
    assert pages.get(f"/terminals/{M1}/").status_code == 302


def test_a_badge_without_pin_is_enough_and_an_id_needs_its_pin() -> None:
    do("admin", "person.set_badge", "operator", badge="B-17")
    pages = enrolled()
    assert pages.post("/sign-on", username="operator", password="").status_code == 403
    assert pages.post("/sign-on", badge="B-18").status_code == 403
    assert pages.post("/sign-on", badge="B-17").status_code == 302
    person("far", Role.OPERATOR, "acme/bremen/painting")
    do("admin", "person.set_badge", "far", badge="B-19")
    pages.post("/logout", "/")
    assert "no operator at" in refusal(pages.post("/sign-on", badge="B-19"))


def test_wrong_pins_lock_the_person_and_not_the_station() -> None:
    do("admin", "person.set_badge", "operator", badge="B-17", pin="2468")
    do("admin", "person.set_badge", "quality", badge="B-18")
    Grant.objects.create(person_id="quality", role="operator", scope="", changed_ts=timezone.now())
    pages = enrolled()
    for _ in range(5):
        pages.post("/sign-on", username="operator", password="0000")
    assert refusal(pages.post("/sign-on", badge="B-17", password="2468")) == NOT_SIGNED_IN
    assert not AccessAttempt.objects.filter(post_data__contains="B-17").exists()
    assert pages.post("/sign-on", badge="B-18").status_code == 302


def test_an_unenrolled_browser_has_no_sign_on() -> None:
    assert Pages().get("/sign-on")["Location"] == "/login"
    pages = Pages()
    pages.client.cookies[DEVICE_COOKIE] = "fmes_guessed"
    assert pages.get("/sign-on")["Location"] == "/login"
