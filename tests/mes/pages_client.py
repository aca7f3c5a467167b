"""Pages as a browser without script sees them: cookies and the hidden fields of forms are kept and sent back."""

import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone
from record_plant import NOW

from factolake.mes.people.models import Person

PASSWORD = "correct horse battery"
QUICK = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
"""Passwords cost nothing inside: Argon2, which is meant to be slow, is no matter of these tests."""


class Pages:
    """FactoMES over its whole HTTP stack, as a person signed in on a page; None is nobody."""

    def __init__(self, person_id: str | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False, SERVER_NAME="localhost")
        if person_id is not None:
            self.client.force_login(Person.objects.get(pk=person_id), "django.contrib.auth.backends.ModelBackend")
            session = self.client.session
            session["began"] = session["used"] = timezone.now().isoformat()
            session.save()

    def get(self, address: str, **more: Any) -> HttpResponse:
        return self.client.get(address, secure=True, **more)

    def post(self, address: str, form_at: str = "", /, **values: Any) -> HttpResponse:
        """Open `form_at` (the address itself unless said), take its hidden fields, and send them with `values`."""
        opened = self.get(form_at or address)
        return self.send(address, **{**hidden(opened), **values})

    def send(self, address: str, **values: Any) -> HttpResponse:
        return self.client.post(address, values, secure=True, headers={"Referer": "https://localhost/"})


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def hidden(answer: HttpResponse) -> dict[str, str]:
    """Hidden fields of the last form; that for signing out comes first on every page."""
    forms = re.findall(r"<form.*?</form>", text(answer), re.DOTALL)
    last = next((form for form in reversed(forms) if "csrfmiddlewaretoken" in form), "")
    return {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', last)}


def refusal(answer: HttpResponse) -> str:
    """The sentence of the note that says no; empty when there is none."""
    found = re.search(r'role="alert">(.*?)</p>', text(answer), re.DOTALL)
    return unescape(found.group(1)) if found else ""


def give_password(person_id: str) -> None:
    person = Person.objects.get(pk=person_id)
    person.set_password(PASSWORD)
    person.changed_ts = NOW
    person.save()
