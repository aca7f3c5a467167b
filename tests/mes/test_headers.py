"""Every page and address of the API, taken from the routes: shut to strangers, with headers and cookies of a careful server (S28, S30, S36)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import override_settings
from pages_client import PASSWORD, QUICK, Pages, give_password
from record_plant import Api
from test_pages import address
from test_rights import addresses, rows  # noqa: F401  a row of everything

from factolake.config.settings import MesSettings, Settings
from factolake.mes.pages.urls import urlpatterns
from factolake.mes.project.configure import HSTS_S, django_values

pytestmark = pytest.mark.usefixtures("rows")
OPEN = {"login", "logout", "sign_on", "setup", "terminal_worker"}
"""Pages that are shown before anybody has signed in; the script of the terminal holds nothing of the plant."""
DOCUMENTS = ("/api/v1/docs", "/api/v1/openapi.json")
STATIC = ("/static/pages/app.css", "/static/ninja/swagger-ui-bundle.js")
LOST = ("/no/such/page", "/api/v1/no-such", "/api/v1/")


@pytest.fixture
def record(sqlite_record: str) -> str:
    """No database changes a header."""
    return sqlite_record


def every_answer(person_id: str | None) -> Iterator[tuple[str, HttpResponse]]:
    """What each address answers to a reading request, and each action to an empty one."""
    pages = Pages(person_id)
    for where in (*(address(pattern) for pattern in urlpatterns), *DOCUMENTS, *STATIC, *LOST):
        yield where, pages.get(where)
    holder = Api(person_id)
    for method, where, _, _, _ in addresses():
        yield where, holder.get(where) if method == "get" else holder.post(where, {"reason": 1})


@pytest.mark.parametrize("person_id", [None, "viewer", "admin"])
def test_every_answer_has_every_header(person_id: str | None) -> None:
    wrong: list[tuple[str, int, str]] = []
    count = 0
    for where, answer in every_answer(person_id):
        count += 1
        wrong += [(where, answer.status_code, fault) for fault in faults(answer)]
    assert wrong == []
    assert count > 150


def faults(answer: HttpResponse) -> Iterator[str]:
    policy = dict(part.split(" ", 1) for part in answer.get("Content-Security-Policy", "x x").split("; "))
    if policy.get("default-src") != "'self'" or "unsafe" in str(policy) or "http" in str(policy):
        yield f"policy {policy}"
    if [policy.get(name) for name in ("frame-ancestors", "base-uri", "object-src", "form-action")] != ["'none'", "'none'", "'none'", "'self'"]:
        yield f"policy {policy}"
    for name, wanted in (
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ):
        if answer.get(name) != wanted:
            yield f"{name}: {answer.get(name)}"
    for name in ("X-Powered-By", "Access-Control-Allow-Origin"):
        if name in answer:
            yield name
    for name, cookie in answer.cookies.items():
        flags = (cookie["secure"], cookie["samesite"], cookie["path"], cookie["domain"], name.startswith("__Host-"))
        if flags != (True, "Strict", "/", "", True) or not (cookie["httponly"] or name.endswith("-csrf")):
            yield f"cookie {name}: {cookie.OutputString()}"


def test_nobody_sees_anything_before_signing_in() -> None:
    stranger, wrong = Pages(), []
    for pattern in urlpatterns:
        answer = stranger.get(address(pattern))
        if pattern.name not in OPEN and not (answer.status_code == 302 and answer["Location"].startswith("/login?next=")):
            wrong.append((pattern.name, answer.status_code))
    wrong += [(where, stranger.get(where).status_code) for where in DOCUMENTS if stranger.get(where).status_code != 302]
    holder = Api(None)
    for method, where, _, body, _ in addresses():
        answer = holder.get(where) if method == "get" else holder.post(where, body)
        if answer.status_code != 401:
            wrong.append((where, answer.status_code))
    assert wrong == []
    assert {pattern.name for pattern in urlpatterns if getattr(pattern.callback, "roles", None) is None} == OPEN


def test_what_is_shown_to_a_person_is_kept_by_no_browser() -> None:
    pages = Pages("admin")
    for pattern in urlpatterns:
        answer = pages.get(address(pattern))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            assert answer["Cache-Control"] == "no-store", pattern.name


def test_all_cookies_of_a_sign_in_are_for_this_host_alone() -> None:
    with QUICK:
        give_password("planner")
        pages = Pages()
        opened = pages.get("/login")
        sent = pages.post("/login", username="planner", password=PASSWORD)
    assert (sent.status_code, set(sent.cookies), set(opened.cookies)) == (302, {"__Host-factomes", "__Host-factomes-csrf"}, {"__Host-factomes-csrf"})
    assert list(faults(sent)) == []


def test_programs_read_the_documentation_and_it_takes_nothing_from_elsewhere() -> None:
    assert Api("viewer").get("/openapi.json").status_code == 200
    assert Api("viewer").get("/docs").status_code == 200
    shown = Pages("viewer").get("/api/v1/docs").content.decode()
    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', shown) == []
    assert "ninja/swagger-ui-bundle.js" in shown
    assert re.findall(r"<script>|<style|onload=", shown) == []


def installed(**mes: Any) -> dict[str, Any]:
    return django_values(Settings(mes=MesSettings(**mes)))


def test_with_a_certificate_browsers_are_told_to_come_encrypted_only(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert installed()["SECURE_HSTS_SECONDS"] == 0
    given = installed(certificate=tmp_path / "c.pem", certificate_key=tmp_path / "k.pem")["SECURE_HSTS_SECONDS"]
    assert given == HSTS_S
    with override_settings(SECURE_HSTS_SECONDS=given):
        assert Pages("viewer").get("/")["Strict-Transport-Security"] == f"max-age={HSTS_S}"
        assert "Strict-Transport-Security" not in Pages("viewer").client.get("/")
