"""The first administrator. While there is none, whoever has the one-time code from the server's own folder may name one; no password is shipped."""

import hmac
import secrets
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from factolake.domain.action import ActorKind, Role
from factolake.files import make_once
from factolake.mes.audit import chain
from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Gone, NotAllowed
from factolake.mes.people.models import Grant, Person
from factolake.mes.people.rights import Rights

SETUP = "setup"
"""Id of whoever runs the server, who names the first administrator; it may not sign in."""


def is_open() -> bool:
    """Whether there is no administrator of the enterprise yet."""
    return not Grant.objects.filter(role=Role.ADMIN.value, scope="", person__is_active=True).exists()


def setup_code() -> str:
    """The one-time code for `/setup`, made on first use and readable only by the server's user; empty once there is an administrator."""
    if not is_open():
        _file().unlink(missing_ok=True)
        return ""
    if not _file().exists():
        make_once(_file(), "-".join(secrets.token_hex(2) for _ in range(5)).encode())
    return _file().read_text(encoding="utf-8").strip()


def check_code(code: str) -> None:
    """Raise Gone when there is an administrator already, NotAllowed for a code that is not the one in the file."""
    known = setup_code()
    if not known:
        raise Gone("there is an administrator already; ask them for an account")
    if not hmac.compare_digest(known.encode(), code.strip().lower().encode()):
        raise NotAllowed("that is not the setup code; the server printed it when it started, and it is in the file setup_code of its data folder")


def make_first_admin(person_id: str, name: str, password: str, via: str = "command") -> Person:
    """Make the person and give them the role admin in the enterprise. Raises Gone when there is an administrator, Invalid for a weak password."""
    with transaction.atomic():
        chain.lock_end()  # two at once: the second finds the first's administrator
        if not is_open():
            raise Gone("there is an administrator already; ask them for an account")
        known = {"name": "Setup", "kind": ActorKind.HUMAN.value, "is_active": False, "pin": "", "password": "!", "changed_ts": timezone.now()}
        holder, _ = Person.objects.get_or_create(person_id=SETUP, defaults=known)
        rights = Rights(frozenset({(Role.ADMIN, "")}))
        asked = {
            "person.create": {"person_id": person_id, "name": name, "password": password},
            "grant.create": {"person_id": person_id, "role": "admin"},
        }
        for action_name, payload in asked.items():
            action = ACTIONS[action_name]
            perform(Call(holder, timezone.now(), via, reason="first administrator"), Request(action, "", parse_form(action, payload)), rights)
    _file().unlink(missing_ok=True)
    return Person.objects.get(pk=person_id)


def _file() -> Path:
    return Path(settings.FACTOLAKE_MES_DIR) / "setup_code"
